package main

import (
	"context"
	"path/filepath"

	"hozen/collector"
	"hozen/collector/disk"
	"hozen/packager/evidence"
)

// putDisk takes a tree as collect --take does.
func putDisk(w evidence.Sink, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	c := disk.Disk(disk.Options{Trees: []string{dir}}.Limited("full"))
	return c.Collect(context.Background(), collector.ThisHost(), w)
}
