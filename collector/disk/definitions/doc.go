// Package definitions holds our own artefact definitions: which files of a Linux,
// Windows or macOS machine tell an investigator what, in the YAML form of the
// ForensicArtifacts project. They are data, and never carry commands.
//
// Where to begin: STYLE.md says how a definition is written and tested;
// linux/profiles.yaml lists what is taken in which order. Package artifact reads them.
//
// The program carries them as one file, packed.txtar.zst: their text would be 340 KiB of
// it. After a change: go generate. A test holds both against each other.
package definitions

import (
	_ "embed"
	"errors"
	"io/fs"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/tools/txtar"
)

//go:generate go test -run TestPacked -update

//go:embed packed.txtar.zst
var packed []byte

// maxText bounds what is unpacked, in bytes.
const maxText = 4 << 20

// FS gives the definitions: a folder for each system, a file for each theme, and
// profiles.yaml in each folder.
func FS() fs.FS {
	files, err := unpack(packed)
	if err != nil {
		return broken{err}
	}
	return files
}

func unpack(b []byte) (fs.FS, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxText))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	text, err := d.DecodeAll(b, nil)
	if err != nil {
		return nil, err
	}
	all := txtar.Parse(text)
	if len(all.Files) == 0 {
		return nil, errors.New("no definitions are built in")
	}
	return txtar.FS(all)
}

// broken is what stands for definitions that cannot be unpacked.
type broken struct{ err error }

// Open implements fs.FS.
func (b broken) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: b.err}
}

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
