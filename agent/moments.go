package main

import (
	"io"

	"hozen/collector"
	"hozen/packager"
)

// moments are what others wait for while a collection runs; each may be nil.
type moments struct {
	// began is told the collection's id before the first byte is taken; its error stops the collection.
	began func(id string) error
	// safe is called behind the checkpoint of the last volatile step.
	safe func(*packager.Writer)
	// sealed is called behind the seal, before the archive is read back.
	sealed func()
	// print says how it went, instead of the usual summary.
	print func(w io.Writer, s summary)
}

// watcher tells the screen, and who waits for moments.
func (c *collection) watcher() collector.Watcher {
	if c.o.moments.safe == nil {
		return c.ui
	}
	return &momentWatcher{Watcher: c.ui, safe: func() { c.o.moments.safe(c.writer) }}
}

// A momentWatcher passes everything on, and the moment when volatile state is safe
// once more.
type momentWatcher struct {
	collector.Watcher
	safe func()
}

// VolatileSafe implements collector.Watcher.
func (m *momentWatcher) VolatileSafe(k int) {
	m.Watcher.VolatileSafe(k)
	m.safe()
}
