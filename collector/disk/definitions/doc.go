// Package definitions holds our own artefact definitions: which files of a Linux,
// Windows or macOS machine tell an investigator what, in the YAML form of the
// ForensicArtifacts project. They are data, and never carry commands.
//
// Where to begin: STYLE.md says how a definition is written and tested;
// linux/profiles.yaml lists what is taken in which order. Package artifact reads them.
package definitions

import (
	"embed"
	"io/fs"
)

//go:embed linux/*.yaml windows/*.yaml macos/*.yaml
var files embed.FS

// FS gives the definitions: a folder for each system, a file for each theme, and
// profiles.yaml in each folder.
func FS() fs.FS { return files }

// The profiles, smallest first. Each holds the one before it.
const (
	Triage   = "triage"   // what is needed in the first hour
	Standard = "standard" // what is of highest value, in minutes
	Full     = "full"     // everything but what is taken only by its own name
)

// Profile names the definition that stands for a profile of a system, for
// artifact.Set.Resolve; "" if there is none. system is as definitions spell it:
// Linux, Windows or Darwin.
func Profile(system, profile string) string {
	of := map[string]string{"Linux": "HozenLinux", "Windows": "HozenWindows", "Darwin": "HozenMacOS"}[system]
	what := map[string]string{Triage: "Triage", Standard: "Standard", Full: "Full"}[profile]
	if of == "" || what == "" {
		return ""
	}
	return of + what
}
