package packages

import "time"

// A Package is one installed package.
type Package struct {
	Manager   string // dpkg, rpm, apk, pacman
	Name      string
	Version   string
	Arch      string
	Installed time.Time // zero if the database does not say
	Files     []File
}

// A File is a file as a package installed it. What the database does not say is zero,
// but for Size.
type File struct {
	Path      string // absolute, byte for byte
	Algorithm string // md5, sha1, sha224, sha256, sha384, sha512; "" if there is no digest
	Digest    string // in lower-case hex
	Size      int64  // bytes; -1 if it is not known
	Mode      uint32 // st_mode; without type bits if only the permissions are known
	HasMode   bool
	User      string // names of the owners, or their numbers as text
	Group     string
	Link      string // target of a symbolic link
	Flags     Flags
}

// Flags of a File.
type Flags uint8

// The flags.
const (
	Config   Flags = 1 << iota // meant to be changed by the administrator
	Optional                   // may be missing, or is made only later (ghost)
	Doc                        // documentation
	NoDigest                   // its contents may change
	NoMeta                     // its mode, owners and size may change
)

// Has says whether all of some flags are set.
func (f Flags) Has(want Flags) bool { return f&want == want }
