//go:build !windows

package winsys

import (
	"context"

	"hozen/packager/evidence"
)

// Volumes lists the volumes of a running Windows.
func Volumes(context.Context) ([]Volume, error) { return nil, errNotWindows() }

// Disks lists the physical disks of a running Windows.
func Disks(context.Context) ([]Disk, error) { return nil, errNotWindows() }

func errNotWindows() error { return evidence.Skip("only on Windows") }
