package remote

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"

	"hozen/service/protocol"
)

const (
	// A hub that always has a reason to be asked again is asked five times a second.
	askInterval = 200 * time.Millisecond
	asksAtOnce  = 20
	// pollInterval is how often the hub is asked without a reason: a nudge may be lost.
	pollInterval = 5 * time.Minute
	// longestEnvelope is job.MaxEnvelope; what is longer is no job and is passed over.
	longestEnvelope = 64 << 10
	mostJobs        = 1000 // in one answer
	looks           = 3    // for what a nudge told of: in a cluster it may be a moment away
)

// Jobs gives the envelopes that the hub has for this endpoint, in their order, one at a
// time, as they came: nothing is checked but their length. The channel is closed when ctx
// ends, or with Close. After each one was written to the ledger, Done must be called; what was not done
// comes again with the next Connect, and may come again before: the ledger makes it harmless.
func (c *Client) Jobs(ctx context.Context) <-chan protocol.QueuedJob {
	out := make(chan protocol.QueuedJob)
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(c.life, cancel)
	c.running.Go(func() {
		defer close(out)
		defer cancel()
		nudges := make(chan *nats.Msg, 1) // full: one is as good as many
		sub, err := c.link.conn.ChanSubscribe(protocol.JobSubject+c.link.id, nudges)
		if err != nil {
			c.opts.Log.Warn("no nudges for jobs, asking from time to time", "error", err)
		} else {
			defer sub.Unsubscribe()
		}
		c.mu.Lock()
		at := c.pos
		c.mu.Unlock()
		left := 0 // looks for what a nudge told of
		for ctx.Err() == nil {
			again, before := c.link.again(), at
			if c.Connected() {
				err := c.newJobs(ctx, &at, out)
				if err != nil && ctx.Err() == nil {
					c.opts.Log.Debug("jobs", "error", err)
					pause(ctx, delay(3), again)
					continue
				}
			}
			if left--; at != before || left <= 0 {
				left = 0
			}
			select {
			case <-nudges:
				left = looks
			case <-again:
			case <-time.After(nextPoll(left)):
			case <-ctx.Done():
			}
		}
	})
	return out
}

// nextPoll is how long to wait before the hub is asked without a sign: seconds where a
// nudge told of a job that was not found.
func nextPoll(left int) time.Duration {
	if left > 0 {
		return delay(1)
	}
	return pollInterval/2 + rand.N(pollInterval)
}

// newJobs asks for all envelopes behind at, gives them out, and moves at. It begins anew
// once at most: a hub that says so in each answer would keep us writing positions.
func (c *Client) newJobs(ctx context.Context, at *position, out chan<- protocol.QueuedJob) error {
	for anew := false; ; {
		if err := c.asks.Wait(ctx); err != nil {
			return err
		}
		var a protocol.JobsAnswer
		err := c.link.ask(ctx, protocol.VerbJobs, protocol.JobsRequest{After: at.After}, &a)
		if err == nil {
			err = refusal(a.Error, false)
		}
		if err != nil {
			return err
		}
		if a.Stream != at.Stream || at.After > a.Last {
			if anew {
				return fmt.Errorf("hub: its jobs begin anew again and again: life %.80q, last %d", a.Stream, a.Last)
			}
			*at, anew = position{Stream: a.Stream}, true
			if err := c.moveTo(*at); err != nil {
				return err
			}
			continue
		}
		if err := checkJobs(a, at.After); err != nil {
			return err
		}
		for _, q := range a.Jobs {
			if len(q.Envelope) <= longestEnvelope {
				c.giveOut(q)
				select {
				case out <- q:
				case <-ctx.Done():
					return ctx.Err()
				}
			} else {
				c.opts.Log.Warn("job passed over", "seq", q.Seq, "bytes", len(q.Envelope))
			}
			at.After = q.Seq
		}
		if !a.More || len(a.Jobs) == 0 {
			return nil
		}
	}
}

// checkJobs refuses an answer whose numbers do not rise: it could keep us asking for ever.
// One behind the last that there is would have us pass over what comes later.
func checkJobs(a protocol.JobsAnswer, after uint64) error {
	if len(a.Jobs) > mostJobs {
		return fmt.Errorf("hub: %d jobs in one answer: over %d", len(a.Jobs), mostJobs)
	}
	for _, q := range a.Jobs {
		if q.Seq <= after {
			return fmt.Errorf("hub: job %d behind job %d", q.Seq, after)
		}
		if q.Seq > a.Last {
			return fmt.Errorf("hub: job %d behind the last, %d", q.Seq, a.Last)
		}
		after = q.Seq
	}
	return nil
}

// giveOut remembers the highest number that Done may be called with in this life of the stream.
func (c *Client) giveOut(q protocol.QueuedJob) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given = max(c.given, q.Seq)
}

// Done says that a job of Jobs, and all before it, need not come again. It is on the
// medium when it returns. Of a job from an earlier life of the stream nothing is kept:
// its number means nothing in this one.
func (c *Client) Done(q protocol.QueuedJob) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.Seq <= c.pos.After || q.Seq > c.given {
		return nil
	}
	p := position{Stream: c.pos.Stream, After: q.Seq}
	if err := c.savePosition(p); err != nil {
		return err
	}
	c.pos = p
	return nil
}

// moveTo begins anew: the stream has another life, or ends before where we are.
func (c *Client) moveTo(p position) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.savePosition(p); err != nil {
		return err
	}
	c.pos, c.given = p, 0
	return nil
}
