package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Watched gives what a bucket holds, and a watch that tells of what changes from then on,
// until the caller stops it. The client alone would wait without end where a server lost
// the word that says "this was all".
func Watched(ctx context.Context, kv jetstream.KeyValue) (w jetstream.KeyWatcher, all []jetstream.KeyValueEntry, err error) {
	err = Again(ctx, func(one context.Context, _ int) error {
		if w, err = kv.WatchAll(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		if all, err = first(one, w); err != nil {
			return errors.Join(err, w.Stop())
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("bucket %s: %w", kv.Bucket(), err)
	}
	return w, all, nil
}

func first(ctx context.Context, w jetstream.KeyWatcher) (all []jetstream.KeyValueEntry, err error) {
	for {
		select {
		case e, more := <-w.Updates():
			if !more {
				return nil, fmt.Errorf("the watch ended: %w", ErrSilent)
			}
			if e == nil {
				return all, nil
			}
			all = append(all, e)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
