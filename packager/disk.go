package packager

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"hozen/packager/evidence/fault"
	"hozen/packager/private"
)

// File is what the writer needs of an open file.
type File interface {
	io.Writer
	Sync() error // to the medium
	Close() error
}

// Disk is where a collection is written. A test breaks each of its calls in turn.
type Disk interface {
	// Create makes a new file, never over an existing one; Append opens one, making
	// it where it is not there.
	Create(name string) (File, error)
	Append(name string) (File, error)
	// Rename gives a file its final name, never over an existing one, and makes the
	// directory durable.
	Rename(from, to string) error
}

// Dir is the Disk that is a directory.
type Dir string

// Create implements Disk. An archive is written past the page cache (direct.go)
// where the system can do that.
func (d Dir) Create(name string) (File, error) {
	f, err := private.Open(filepath.Join(string(d), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, private.Mine)
	if err != nil {
		return nil, err
	}
	// As long as the writer lives nobody may recover what it writes.
	if err := lockFile(f); err != nil {
		return nil, fault.Join(err, f.Close())
	}
	// The name must be on the medium before anybody is told that what is in the
	// file is safe.
	if err := syncDir(string(d)); err != nil {
		return nil, fault.Join(err, f.Close())
	}
	if strings.HasSuffix(name, partialSuffix) {
		return directly(f), nil
	}
	return f, nil
}

// Append implements Disk.
func (d Dir) Append(name string) (File, error) {
	return private.Open(filepath.Join(string(d), name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, private.Mine)
}

// Rename implements Disk.
func (d Dir) Rename(from, to string) error {
	from, to = filepath.Join(string(d), from), filepath.Join(string(d), to)
	if _, err := os.Lstat(to); err == nil {
		return &os.PathError{Op: "rename", Path: to, Err: os.ErrExist}
	}
	if err := rename(from, to); err != nil {
		return err
	}
	return syncDir(string(d))
}
