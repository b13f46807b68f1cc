//go:build !linux

package deliver

import (
	"errors"
	"syscall"
)

func renameNew(from, to string) error { return renameLooked(from, to) }

func notKnown(err error) bool { return errors.Is(err, syscall.EINVAL) }
