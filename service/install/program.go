package install

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"

	"hozen/collector/elf"
)

// program copies the program to its place. A rename leaves the old one to those who run it.
func (in *installation) program(context.Context) error {
	from, err := os.Open(in.o.image())
	if err != nil {
		return err
	}
	defer from.Close()
	at := in.o.at(Binary())
	if err := in.home(filepath.Dir(at)); err != nil {
		return err
	}
	want, err := sum(from)
	if err != nil {
		return err
	}
	did := Made
	if old, err := os.Open(at); err == nil {
		have, err := sum(old)
		old.Close()
		if did = Changed; err == nil && have == want {
			in.did(Kept, at)
			return nil
		}
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := copyTo(from, at, 0o755, swap); err != nil {
		return err
	}
	in.did(did, at)
	return nil
}

func sum(f io.Reader) (out [sha256.Size]byte, err error) {
	h := sha256.New()
	_, err = io.Copy(h, f)
	return [sha256.Size]byte(h.Sum(nil)), err
}

// linked says whether a program needs an interpreter and libraries of the machine, which
// the unit must let it map: a build with cgo does.
func linked(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	e, err := elf.Read(f)
	return err == nil && e.Interpreter() != ""
}
