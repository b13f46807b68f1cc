package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// The three thirds of a mixed tree. What a machine holds differs, but on one
// machine the tree is the same every time: files are taken in the order of
// their names, and the random bytes have a fixed seed.
var sources = []struct {
	name  string
	roots []string
}{
	{"text", []string{"/usr/share", "/usr/include", "/var/lib/dpkg"}},
	{"binaries", []string{"/usr/bin", "/usr/sbin", "/usr/lib"}},
}

const (
	chunk   = 8 << 20  // size of a file of random bytes
	largest = 64 << 20 // larger files are left out, for variety
)

// mix makes a tree of size bytes: a third that no compressor can make smaller,
// a third of text, a third of programs and libraries.
func mix(dir string, size int64) error {
	if err := random(filepath.Join(dir, "random"), size/3); err != nil {
		return err
	}
	for _, s := range sources {
		if err := take(filepath.Join(dir, s.name), s.roots, size/3); err != nil {
			return err
		}
	}
	return nil
}

func random(dir string, size int64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	noise := newNoise()
	for n := 0; size > 0; n++ {
		part := min(size, chunk)
		size -= part
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%04d", n)))
		if err != nil {
			return err
		}
		_, err = io.CopyN(f, noise, part)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// newNoise gives the same random bytes every time.
func newNoise() *rand.ChaCha8 {
	return rand.NewChaCha8([32]byte([]byte("hozen benchmark, a mixed tree...")))
}

// take copies files from roots, again from the start if they do not suffice.
func take(dir string, roots []string, size int64) error {
	var enough = errors.New("enough")
	for round := 0; size > 0; round++ {
		before := size
		for _, root := range roots {
			err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
				if err != nil || !e.Type().IsRegular() {
					return nil
				}
				n, err := copyFile(filepath.Join(dir, fmt.Sprint(round), name), name, size)
				size -= n
				if err == nil && size <= 0 {
					err = enough
				}
				return err
			})
			if err != nil && err != enough {
				return err
			}
		}
		if size == before {
			return fmt.Errorf("nothing to read in %v", roots)
		}
	}
	return nil
}

// copyFile copies up to limit bytes; a file that cannot be read is left out.
func copyFile(to, from string, limit int64) (int64, error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, nil
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil || st.Size() == 0 || st.Size() > largest {
		return 0, nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return 0, err
	}
	out, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, limit))
	return n, errors.Join(err, out.Close())
}
