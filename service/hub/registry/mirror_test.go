package registry

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// lateBucket tells of what is removed when it is let.
type lateBucket struct {
	jetstream.KeyValue
	updates chan jetstream.KeyValueEntry
}

func (b lateBucket) Delete(context.Context, string, ...jetstream.KVDeleteOpt) error { return nil }
func (b lateBucket) Updates() <-chan jetstream.KeyValueEntry                        { return b.updates }
func (b lateBucket) Stop() error                                                    { return nil }

// removed is what a watch tells of a key that was removed.
type removed struct {
	jetstream.KeyValueEntry
	revision uint64
}

func (removed) Key() string                     { return "k" }
func (removed) Value() []byte                   { return nil }
func (r removed) Revision() uint64              { return r.revision }
func (removed) Operation() jetstream.KeyValueOp { return jetstream.KeyValueDelete }

// What was removed can be written anew at once: its new revision is known by then, however late
// the watch is.
func TestRemovedIsKnown(t *testing.T) {
	b := lateBucket{updates: make(chan jetstream.KeyValueEntry)}
	m := &mirror{kv: b, watcher: b, stop: make(chan struct{}), done: make(chan struct{}), entries: map[string]entry{"k": {[]byte("1"), 1}}, news: make(chan struct{})}
	go m.follow()
	defer m.close()
	ended := make(chan error, 1)
	go func() { ended <- m.remove(t.Context(), "k") }()
	select {
	case err := <-ended:
		t.Fatalf("it ended before the watch told of it: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	var v int
	if _, ok := m.get("k", &v); ok {
		t.Error("it is read, though it is removed")
	}
	b.updates <- removed{revision: 2}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if at, ok := m.get("k", &v); ok || at != 2 {
		t.Errorf("revision %d, %v", at, ok)
	}
}
