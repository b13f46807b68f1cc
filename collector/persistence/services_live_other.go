//go:build !windows

package persistence

import "errors"

func openRunning() (running, error) { return nil, errNotRunning }

var errNotRunning = errors.New("not a running Windows")
