// Package durable is small files that outlive a crash: replaced whole or not at all, and
// locks that end with the process that holds them.
package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"hozen/packager/evidence/fault"
	"hozen/packager/private"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Replace puts a file (mode 0600) in the place of another: after a crash there is the
// old one or the new one. It returns when that is on the medium.
func Replace(name string, b []byte) error {
	f, err := beside(name)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = fault.Join(err, f.Sync(), f.Close()); err == nil {
		err = Rename(f.Name(), name)
	}
	if err != nil {
		return fault.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// beside makes a new file beside another, for whoever runs this alone.
func beside(name string) (*os.File, error) {
	for {
		at := filepath.Join(filepath.Dir(name), fmt.Sprintf(".%s-%08x", filepath.Base(name), rand.Uint32()))
		f, err := private.Open(at, os.O_RDWR|os.O_CREATE|os.O_EXCL, private.Mine)
		if !errors.Is(err, os.ErrExist) {
			return f, err
		}
	}
}

// ReplaceJSON is Replace by a value, as one line of JSON.
func ReplaceJSON(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return Replace(name, append(b, '\n'))
}

// Read reads a whole regular file of at most limit bytes.
func Read(name string, limit int64) ([]byte, error) {
	if st, err := os.Stat(name); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errors.New("too long")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: at most %d bytes: %w", name, limit, err)
	}
	return b, nil
}

// ErrInUse says that another process holds a lock.
var ErrInUse = errors.New("in use by another process")

// TryLock holds a lock until it is closed or the process ends; ErrInUse if another does.
func TryLock(name string) (io.Closer, error) { return lock(name, false) }

// Lock waits for a lock that others hold for moments only.
func Lock(name string) (io.Closer, error) { return lock(name, true) }

func lock(name string, wait bool) (io.Closer, error) {
	f, err := private.Open(name, os.O_RDWR|os.O_CREATE, private.Mine)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f, wait); err != nil {
		return nil, fault.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return f, nil
}
