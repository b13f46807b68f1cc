package server

import (
	"context"
	"sync"
	"time"

	"hozen/service/hub/view"
)

// watchers are told what happens. A slow one loses events.
type watchers struct {
	mu   sync.Mutex
	all  map[chan view.Event]bool
	done bool
}

// watch gives a channel of events until ctx ends.
func (w *watchers) watch(ctx context.Context) <-chan view.Event {
	c := make(chan view.Event, 256)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		close(c)
		return c
	}
	w.all[c] = true
	context.AfterFunc(ctx, func() { w.drop(c) })
	return c
}

func (w *watchers) drop(c chan view.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all[c] {
		delete(w.all, c)
		close(c)
	}
}

func (w *watchers) tell(e view.Event) {
	if e.Time == "" {
		e.Time = time.Now().UTC().Format(time.RFC3339Nano)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.all {
		select {
		case c <- e:
		default:
		}
	}
}

// close ends all.
func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	for c := range w.all {
		delete(w.all, c)
		close(c)
	}
}

// Watch implements view.Watcher.
func (h *Hub) Watch(ctx context.Context) <-chan view.Event { return h.watchers.watch(ctx) }

var _ view.Hub = (*Hub)(nil)
