//go:build unix

package config

import (
	"fmt"
	"os"
	"path/filepath"
)

// OnlyOurs says why somebody else than root and whoever runs this could change a file, or
// put another in its place: the file and the folders above it. Nil: nobody can.
func OnlyOurs(file string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	for path := file; ; path = filepath.Dir(path) {
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		sticky := st.IsDir() && st.Mode()&os.ModeSticky != 0
		switch {
		case st.Mode()&os.ModeSymlink != 0:
			if st, err = os.Stat(path); err != nil || !st.IsDir() {
				return fmt.Errorf("%s: a link", path)
			}
		case !ours(st):
			return fmt.Errorf("%s: belongs to somebody else", path)
		case st.Mode().Perm()&0o022 != 0 && !sticky:
			return fmt.Errorf("%s: others can write it (mode %04o)", path, st.Mode().Perm())
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// Private says why somebody else could read a file or folder; nil: nobody can.
func Private(file string) error {
	st, err := os.Lstat(file)
	switch {
	case err != nil:
		return err
	case !st.IsDir() && !st.Mode().IsRegular():
		return fmt.Errorf("%s: neither a plain file nor a folder", file)
	case !ours(st):
		return fmt.Errorf("%s: belongs to somebody else", file)
	case st.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s: others can read it (mode %04o)", file, st.Mode().Perm())
	}
	return nil
}

// OnlyOursBelow says why somebody else could replace a folder that is made in this one.
func OnlyOursBelow(dir string) error { return OnlyOurs(dir) }
