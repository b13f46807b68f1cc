package main

import (
	"sync"

	"hozen/collector"
	"hozen/packager/evidence"
)

// takenFiles are the files whose contents are in the archive.
type takenFiles struct {
	mu  sync.Mutex
	ids map[collector.FileID]bool
}

// observe remembers a file that was taken whole.
func (t *takenFiles) observe(r evidence.Record) {
	if r.Outcome == evidence.Collected && r.File.Regular() && r.File.Inode != 0 {
		t.mark(r.File.Dev, r.File.Inode)
	}
}

// mark says whether a file is there already; from then on it is.
func (t *takenFiles) mark(dev, inode uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := collector.FileID{Dev: dev, Inode: inode}
	there := t.ids[id]
	if t.ids == nil {
		t.ids = map[collector.FileID]bool{}
	}
	t.ids[id] = true
	return there
}
