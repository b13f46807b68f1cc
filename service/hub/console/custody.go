package console

import (
	"bytes"
	"fmt"
	"io"

	"hozen/packager"
)

// Bounds of a custody log that is shown: bytes, from its beginning, and events, the newest
// of those. The whole log can be downloaded.
const (
	mostLog   = 8 << 20
	mostEvent = 2000
)

// readLog reads the custody log of an archive for its page: each line's own signature
// and the chain are checked; whose the keys are is what the verdict says.
func (c *console) readLog(q *request, d *archiveData) {
	f, _, err := c.Hub.Open(q.ctx(), d.Device, d.Collection, "log")
	if err != nil {
		d.LogWrong = fmt.Sprint(err)
		return
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostLog+1))
	if err == nil {
		if len(b) > mostLog {
			b, d.LogLong = b[:bytes.LastIndexByte(b, '\n')+1], true
		}
		d.Events, d.LogCut, err = packager.ReadLog(b)
	}
	if err != nil {
		d.LogWrong = fmt.Sprint(err)
	}
}

// Shown are the events that the page shows.
func (d archiveData) Shown() []packager.Event {
	return d.Events[max(0, len(d.Events)-mostEvent):]
}
