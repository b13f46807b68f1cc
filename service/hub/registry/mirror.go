package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/service/hub/broker"
)

// ErrConflict is wrapped where somebody else changed a key first.
var ErrConflict = errors.New("changed by somebody else")

// A mirror is a bucket with all of its values in memory. What is written is seen by the
// next read.
type mirror struct {
	kv      jetstream.KeyValue
	watcher jetstream.KeyWatcher
	stop    chan struct{} // ends follow
	done    chan struct{} // it has ended

	mu      sync.RWMutex
	entries map[string]entry
	news    chan struct{} // closed when entries change, and made anew
}

// writeTime bounds a write, where the caller's context does not: a slow disk is no dead one.
const writeTime = 30 * time.Second

type entry struct {
	value    []byte // nil: deleted
	revision uint64
}

// openMirror reads the whole bucket before it returns.
func openMirror(ctx context.Context, js jetstream.JetStream, config jetstream.KeyValueConfig) (*mirror, error) {
	kv, err := broker.Made(ctx, func(ctx context.Context) (jetstream.KeyValue, error) { return js.CreateOrUpdateKeyValue(ctx, config) })
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", config.Bucket, err)
	}
	w, all, err := broker.Watched(ctx, kv)
	if err != nil {
		return nil, err
	}
	m := &mirror{kv: kv, watcher: w, stop: make(chan struct{}), done: make(chan struct{}), entries: map[string]entry{}, news: make(chan struct{})}
	for _, e := range all {
		m.saw(e)
	}
	go m.follow()
	return m, nil
}

func (m *mirror) follow() {
	defer close(m.done)
	for {
		select {
		case e, more := <-m.watcher.Updates():
			if !more {
				return
			}
			if e != nil {
				m.saw(e)
			}
		case <-m.stop:
			return
		}
	}
}

// close ends the watch. It does not wait for the client, which may be about to ask a
// server that does not answer any more.
func (m *mirror) close() {
	close(m.stop)
	<-m.done
	_ = m.watcher.Stop() // nothing is lost by it
}

func (m *mirror) saw(e jetstream.KeyValueEntry) {
	value := e.Value()
	if e.Operation() != jetstream.KeyValuePut {
		value = nil
	}
	m.set(e.Key(), value, e.Revision())
}

func (m *mirror) set(key string, value []byte, revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if revision > m.entries[key].revision {
		m.entries[key] = entry{value, revision}
		close(m.news)
		m.news = make(chan struct{})
	}
}

// get reads a value into v; false if there is none. The revision is for put.
func (m *mirror) get(key string, v any) (revision uint64, ok bool) {
	m.mu.RLock()
	e := m.entries[key]
	m.mu.RUnlock()
	if e.value == nil || json.Unmarshal(e.value, v) != nil {
		return e.revision, false
	}
	return e.revision, true
}

// put writes a value if the key is still at that revision (0: never written), durably.
func (m *mirror) put(ctx context.Context, key string, v any, revision uint64) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	next, err := m.kv.Update(ctx, key, b, revision)
	if err != nil {
		var api *jetstream.APIError
		if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
			return fmt.Errorf("%s: %w", key, ErrConflict)
		}
		return fmt.Errorf("%s: %w", key, err)
	}
	m.set(key, b, next)
	return nil
}

// remove takes a key out, if nobody changes it in between. It waits for the watch, which alone
// is told the new revision: without that, the key could not be written anew.
func (m *mirror) remove(ctx context.Context, key string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	m.mu.RLock()
	at := m.entries[key].revision
	m.mu.RUnlock()
	if err := m.kv.Delete(ctx, key, jetstream.LastRevision(at)); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	m.forget(key, at)
	for {
		m.mu.RLock()
		now, news := m.entries[key].revision, m.news
		m.mu.RUnlock()
		if now > at {
			return nil
		}
		select {
		case <-news:
		case <-m.done:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// forget has nobody read a value any more that was removed at that revision.
func (m *mirror) forget(key string, at uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[key].revision == at {
		m.entries[key] = entry{nil, at}
	}
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, writeTime)
}

// each calls f with every value below a prefix, until f says false.
func (m *mirror) each(prefix string, f func(key string, value []byte) bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for k, e := range m.entries {
		if e.value != nil && strings.HasPrefix(k, prefix) && !f(strings.TrimPrefix(k, prefix), e.value) {
			return
		}
	}
}
