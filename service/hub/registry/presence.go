package registry

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"hozen/service/protocol"
)

// Offline is how long after its last sign of life an endpoint counts as gone.
const Offline = 150 * time.Second

// presence is when an endpoint was seen last, and what it said of itself. It is written
// to the bucket now and then only (Flush): 2,000 endpoints say it every minute.
type presence struct {
	At      time.Time      `json:"at"`
	Hello   protocol.Hello `json:"hello"`
	changed bool
}

func (r *Registry) loadPresence() {
	r.kv.each(presences, func(id string, value []byte) bool {
		var p presence
		if json.Unmarshal(value, &p) == nil {
			r.seen[id] = &p
		}
		return true
	})
}

// Saw notes a sign of life; hello may be nil.
func (r *Registry) Saw(id string, hello *protocol.Hello) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.seen[id]
	if p == nil {
		p = &presence{}
		r.seen[id] = p
	}
	p.At, p.changed = r.now(), true
	if hello != nil {
		p.Hello = *hello
	}
}

// describe adds what was seen of an endpoint.
func (r *Registry) describe(e *protocol.Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.seen[e.ID]
	if p == nil || p.At.IsZero() {
		return
	}
	e.LastSeen, e.Hello = p.At.UTC().Format(time.RFC3339), p.Hello
	e.Online = r.now().Sub(p.At) < Offline
}

// Flush writes what changed of the presences.
func (r *Registry) Flush(ctx context.Context) error {
	r.mu.Lock()
	changed := map[string]presence{}
	for id, p := range r.seen {
		if p.changed {
			changed[id], p.changed = *p, false
		}
	}
	r.mu.Unlock()
	var errs []error
	for id, p := range changed {
		if _, ok := r.Endpoint(id); !ok || ctx.Err() != nil {
			continue
		}
		var old presence
		revision, _ := r.kv.get(presences+id, &old)
		errs = append(errs, r.kv.put(ctx, presences+id, p, revision))
	}
	return errors.Join(append(errs, ctx.Err())...)
}
