//go:build !windows

package packager

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes a rename durable (fsync(2): "an explicit fsync on a file
// descriptor for the directory is also needed"). File systems that cannot do
// that say EINVAL: there is nothing more to be done on them.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
