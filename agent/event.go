package main

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// event is one line of `collect --json`. Which fields are there depends on Event:
// started, warning, step_began, step_beside, step_ended, then volatile_safe, incomplete,
// unlocked_disk or output_in_memory; stopping. The last line is the event result or error.
type event struct {
	Event       string   `json:"event"`
	Time        string   `json:"time"` // RFC 3339, UTC, nanoseconds
	Step        int      `json:"step,omitempty"`
	Steps       int      `json:"steps,omitempty"`
	Collector   string   `json:"collector,omitempty"`
	TookMS      *int64   `json:"took_ms,omitempty"`
	LeftMS      *int64   `json:"left_ms,omitempty"` // estimate for the steps that remain
	Items       int64    `json:"items,omitempty"`
	Bytes       int64    `json:"bytes,omitempty"`
	Shortfalls  int64    `json:"shortfalls,omitempty"`
	Checkpoint  int      `json:"checkpoint,omitempty"`
	Warning     string   `json:"warning,omitempty"`     // a word for programs: not_root, unlocked_disk, output_on_host, …
	Text        string   `json:"text,omitempty"`        // for people, in the language of the run
	Fingerprint string   `json:"fingerprint,omitempty"` // started: of the key that signs
	Collection  string   `json:"collection,omitempty"`
	Result      *summary `json:"result,omitempty"`
}

// eventWriter writes events, one a line. Without a writer it does nothing.
type eventWriter struct {
	mu  sync.Mutex
	w   io.Writer
	now func() time.Time
}

func (e *eventWriter) send(v event) {
	if e.w == nil {
		return
	}
	v.Time = stamp(e.now())
	e.mu.Lock()
	defer e.mu.Unlock()
	writeJSON(e.w, v)
}

// stamp writes a time as the archive does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// writeJSON writes one value on one line. A reader that went away is no reason
// to stop a collection.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
