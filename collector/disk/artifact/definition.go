package artifact

import "fmt"

// System is an operating system, spelled as definitions spell it.
type System string

// The systems of the format.
const (
	Linux   System = "Linux"
	Windows System = "Windows"
	Darwin  System = "Darwin"
	ESXi    System = "ESXi"
	Android System = "Android"
	IOS     System = "iOS"
)

// Systems lists the systems that a definition may name.
func Systems() []System { return []System{Android, Darwin, ESXi, Linux, Windows, IOS} }

// Type is what kind of thing a source names.
type Type string

// The types of sources.
const (
	File          Type = "FILE"           // files, with their contents
	Path          Type = "PATH"           // the paths themselves, whatever they are
	Directory     Type = "DIRECTORY"      // directories: a list of their entries
	RegistryKey   Type = "REGISTRY_KEY"   // keys of the Windows registry
	RegistryValue Type = "REGISTRY_VALUE" // values in keys of the Windows registry
	Group         Type = "ARTIFACT_GROUP" // other definitions, by name
	Command       Type = "COMMAND"        // the output of a program: never run
	WMI           Type = "WMI"            // the answer to a WMI query: never asked
)

// Types lists the types of sources that are known.
func Types() []Type {
	return []Type{Group, Command, Directory, File, Path, RegistryKey, RegistryValue, WMI}
}

// A Definition says what one artefact is and where it lies.
type Definition struct {
	Name    string
	Aliases []string // other names for it
	Doc     string
	Sources []Source
	// SupportedOS are the systems that it is for; none: all.
	SupportedOS []System
	URLs        []string
	// Labels, Conditions and Provides are of older versions of the format: kept,
	// and without effect.
	Labels, Conditions, Provides []string
	// FileName and Line are where it was read.
	FileName string
	Line     int
}

// A Source is one place of an artefact. Which fields are set depends on Type.
type Source struct {
	Type        Type
	SupportedOS []System // none: those of the definition
	// Paths, of FILE, PATH and DIRECTORY, may hold variables (%%users.homedir%%) and
	// globs. Separator stands between their components; "" is "/".
	Paths     []string
	Separator string
	Keys      []string       // of REGISTRY_KEY
	Values    []KeyValuePair // of REGISTRY_VALUE
	Names     []string       // of ARTIFACT_GROUP: its members
	// Cmd and Args, of COMMAND, and Query and BaseObject, of WMI, are shown, never run.
	Cmd               string
	Args              []string
	Query, BaseObject string
	// Conditions, Provides and ReturnedTypes are of older versions of the format:
	// kept, and without effect.
	Conditions, Provides, ReturnedTypes []string
	Line                                int // where it was read
}

// A KeyValuePair names one value in a key of the Windows registry.
type KeyValuePair struct{ Key, Value string }

// For says whether the definition is for a system.
func (d *Definition) For(system System) bool { return supports(d.SupportedOS, system) }

// For says whether the source is for a system, if its definition is.
func (s *Source) For(system System) bool { return supports(s.SupportedOS, system) }

func supports(list []System, system System) bool {
	for _, s := range list {
		if s == system {
			return true
		}
	}
	return len(list) == 0
}

// Where says in which file and line the definition begins.
func (d *Definition) Where() string { return fmt.Sprintf("%s:%d", d.FileName, d.Line) }
