package ioc

import (
	"context"
	"io"

	"hozen/collector"
	"hozen/packager/evidence"
)

// Watch gives a Keeper that passes everything on to another one, and looks at
// what passes. Bytes, order and errors stay as they are. What holds this search's
// own patterns is passed on unseen: images of physical memory.
func (s *Search) Watch(to collector.Keeper) collector.Keeper {
	w := &watcher{to, s}
	if hider, ok := to.(collector.Hider); ok {
		return &hidingWatcher{w, hider}
	}
	return w
}

type watcher struct {
	collector.Keeper
	search *Search
}

// A hidingWatcher is a watcher of a Keeper that can take its keys out of memory.
type hidingWatcher struct {
	*watcher
	hider collector.Hider
}

// Blackout implements collector.Hider.
func (w *hidingWatcher) Blackout(ctx context.Context, during func() error) error {
	return w.hider.Blackout(ctx, during)
}

// Put implements evidence.Sink.
func (w *watcher) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	if item.Collector == "ram" || item.Collector == collectorName {
		return w.Keeper.Put(ctx, item, fill)
	}
	p := newPassing(w.search, item)
	err := w.Keeper.Put(ctx, item, func(to io.Writer) error {
		err := fill(tee{to, p})
		p.end(err)
		return err
	})
	p.leave()
	return err
}

// tee is what a fill writes to.
type tee struct {
	to io.Writer
	p  *passing
}

// Write implements io.Writer.
func (t tee) Write(b []byte) (int, error) {
	n, err := t.to.Write(b)
	t.p.take(b[:n])
	return n, err
}
