package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// How long JetStream is waited for. A question that was on its way to a server of a
// cluster when that died is never answered: asked again, the next one answers it.
const (
	firstAnswer = 2 * time.Second  // of one attempt, doubled each time: a slow disk is not a dead server
	allAnswers  = 30 * time.Second // of all, where the caller's context says nothing
	betweenAsks = 100 * time.Millisecond
)

// ErrSilent is wrapped by what try returns to be called again.
var ErrSilent = errors.New("no answer")

// JetStream's codes for a cluster that cannot do it just now.
const (
	notAvailable jetstream.ErrorCode = 10008 // it has no leader
	noPeers      jetstream.ErrorCode = 10005 // too few of its servers have shown themselves to the leader
)

// Again calls try until JetStream answers it, whatever the answer is, or ctx ends. try
// is called again also where what it asked for was done and only the answer was lost:
// it must be of no harm then. n counts its calls from 1.
func Again(ctx context.Context, try func(ctx context.Context, n int) error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, allAnswers)
		defer cancel()
	}
	for n, wait := 1, firstAnswer; ; n, wait = n+1, 2*wait {
		one, cancel := context.WithTimeout(ctx, wait)
		err := try(one, n)
		cancel()
		if !silent(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("asked %d times: %w", n, err)
		case <-time.After(betweenAsks):
		}
	}
}

// Made is Again of a call that makes something of JetStream's, or finds it as it is to
// be, and gives it.
func Made[T any](ctx context.Context, make func(ctx context.Context) (T, error)) (made T, err error) {
	err = Again(ctx, func(ctx context.Context, _ int) error {
		made, err = make(ctx)
		return err
	})
	return made, err
}

// silent says that nobody is known to have heard the question.
func silent(err error) bool {
	for _, e := range []error{ErrSilent, context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, jetstream.ErrNoStreamResponse} {
		if errors.Is(err, e) {
			return true
		}
	}
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == notAvailable || api.ErrorCode == noPeers)
}
