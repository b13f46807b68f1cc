package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Live pages: server-sent events (WHATWG HTML, section 9.2) that say what changed; the
// page then asks for itself again. Nothing that a host said is in them but names.
const (
	maxStreams = 256
	liveEvery  = 500 * time.Millisecond // at most one event in this time
	liveBeat   = 15 * time.Second
	liveWrite  = 10 * time.Second
)

// A change is the data of one event.
type change struct {
	Kind   string `json:"kind"`
	Device string `json:"device"`
	Job    string `json:"job"`
}

// live tells what changes, of one job or device if they are given, until the reader goes
// away or his session ends. A reader that lost an event is not behind for long: the page
// shows the state, not the event.
func (c *console) live(q *request) error {
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		q.w.Header().Set("Retry-After", "30")
		http.Error(q.w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return nil
	}
	job, device := q.r.URL.Query().Get("job"), q.r.URL.Query().Get("device")
	h := q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	events := c.Hub.Watch(q.ctx())
	rc := http.NewResponseController(q.w)
	_ = rc.SetReadDeadline(time.Time{}) // nothing more is read; a deadline that passes would end the request
	send := func(format string, a ...any) error {
		_ = rc.SetWriteDeadline(time.Now().Add(liveWrite))
		if _, err := fmt.Fprintf(q.w, format, a...); err != nil {
			return err
		}
		return rc.Flush()
	}
	if send("retry: 3000\n\n: hello\n\n") != nil {
		return nil
	}
	beat, pace := time.NewTicker(liveBeat), time.NewTicker(liveEvery)
	defer beat.Stop()
	defer pace.Stop()
	var waiting *change
	for {
		var err error
		select {
		case e, ok := <-events:
			if !ok {
				return nil
			}
			if (job == "" || e.Job == job || e.Job == "") && (device == "" || e.Device == device || e.Device == "") {
				waiting = &change{e.Kind, visible(e.Device), visible(e.Job)}
			}
		case <-pace.C:
			if waiting != nil {
				b, _ := json.Marshal(waiting) // of strings: never fails, and has no newline
				err, waiting = send("event: change\ndata: %s\n\n", b), nil
			}
		case <-beat.C:
			if !c.sessions.alive(q.session) {
				return nil
			}
			err = send(": beat\n\n")
		case <-q.session.over:
			return nil
		case <-q.ctx().Done():
			return nil
		}
		if err != nil {
			return nil
		}
	}
}
