package broker

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// bucket is one whose first watch says nothing, and whose second one ends early.
type bucket struct {
	jetstream.KeyValue
	watches []*watch
}

func (b *bucket) Bucket() string { return "b" }

func (b *bucket) WatchAll(context.Context, ...jetstream.WatchOpt) (jetstream.KeyWatcher, error) {
	w := &watch{updates: make(chan jetstream.KeyValueEntry, 3)}
	switch b.watches = append(b.watches, w); len(b.watches) {
	case 1:
	case 2:
		close(w.updates)
	default:
		w.updates <- entry{}
		w.updates <- nil
		w.updates <- entry{}
	}
	return w, nil
}

type entry struct{ jetstream.KeyValueEntry }

type watch struct {
	updates chan jetstream.KeyValueEntry
	stopped bool
}

func (w *watch) Updates() <-chan jetstream.KeyValueEntry { return w.updates }
func (w *watch) Stop() error                             { w.stopped = true; return nil }

// A watch whose beginning does not end is ended, and another one is begun.
func TestWatched(t *testing.T) {
	b := &bucket{}
	w, all, err := Watched(t.Context(), b)
	if err != nil || len(all) != 1 || len(b.watches) != 3 || w != b.watches[2] {
		t.Fatalf("%d entries, %d watches, %v", len(all), len(b.watches), err)
	}
	if len(w.Updates()) != 1 || !b.watches[0].stopped || !b.watches[1].stopped || b.watches[2].stopped {
		t.Error("the wrong watch goes on")
	}
}
