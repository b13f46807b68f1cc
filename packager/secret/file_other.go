//go:build !linux

package secret

import (
	"fmt"
	"os"

	"hozen/packager/evidence/fault"
)

// readFile reads as any program does: only on Linux is RAM taken.
func readFile(file string, b []byte) (n int, kept, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, nil, err
	}
	n, err = readPlain(f, b)
	return n, fmt.Errorf("%w: this system's cache of files", ErrKept), fault.Join(err, f.Close())
}

func writeFile(file string, _ []byte) error {
	return fmt.Errorf("%s: %w: this system's cache of files", file, ErrKept)
}

func overwrite(file string, zeros []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(zeros)
	return fault.Join(err, f.Sync(), f.Close())
}
