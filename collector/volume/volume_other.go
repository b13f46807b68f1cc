//go:build !windows

package volume

import "hozen/packager/evidence"

var errNotWindows = evidence.Skip("only on Windows: raw volumes are read there")

func openDevice(string) (*device, error) { return nil, errNotWindows }

func listVolumes() ([]VolumeRow, error) { return nil, errNotWindows }

func listDisks() ([]DiskRow, error) { return nil, errNotWindows }
