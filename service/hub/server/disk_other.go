//go:build !linux && !darwin && !freebsd && !windows

package server

import "errors"

func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }
