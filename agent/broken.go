package main

import (
	"path/filepath"
)

// broken says what is left when the archive could not be completed.
func (c *collection) broken(err error) error {
	k, _ := c.writer.Checkpoint() // of a writer that is closed: the number of the last one
	partial := filepath.Join(c.o.out, c.partial())
	c.ui.events.send(event{Event: "error", Checkpoint: k, Collection: c.name, Text: err.Error()})
	if c.streams() {
		return fail(err, c.brokenThere(k))
	}
	if k == 0 {
		return fail(err, c.a.text(mHintNothing, escape(shellWord(partial))))
	}
	return fail(err, c.a.text(mHintPartial, escape(partial), k, escape(shellWord(partial))))
}
