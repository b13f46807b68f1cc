package broker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Only silence is asked again; an answer counts, a bad one too.
func TestAgain(t *testing.T) {
	final := errors.New("no")
	for _, c := range []struct {
		answers []error
		want    error
	}{
		{[]error{nil}, nil},
		{[]error{final}, final},
		{[]error{&jetstream.APIError{ErrorCode: 10023, Description: "full"}}, &jetstream.APIError{}},
		{[]error{nats.ErrNoResponders, fmt.Errorf("put: %w", context.DeadlineExceeded), &jetstream.APIError{ErrorCode: notAvailable}, &jetstream.APIError{ErrorCode: noPeers}, nil}, nil},
		{[]error{jetstream.ErrNoStreamResponse, final}, final},
	} {
		calls := 0
		err := Again(t.Context(), func(_ context.Context, n int) error {
			if calls++; n != calls {
				t.Errorf("call %d says it is %d", calls, n)
			}
			return c.answers[calls-1]
		})
		var api *jetstream.APIError
		if calls != len(c.answers) || (c.want == nil) != (err == nil) || c.want == final && !errors.Is(err, final) || errors.As(c.want, &api) != errors.As(err, &api) {
			t.Errorf("%v: %d calls, %v", c.answers, calls, err)
		}
	}
}

// Whoever is asked without end is asked as long as the caller says.
func TestAgainEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := Again(ctx, func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
