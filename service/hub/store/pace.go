package store

import (
	"context"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"
)

// paceEvery is how much of a file is handed to JetStream before it is waited for. The
// client's Put sends without looking back, thousands of chunks, and a server whose disk
// is slower than that drops what it cannot queue (its limit is 128 MiB).
const paceEvery = 16 << 20

// paceSubject is what a mark is published to, in the stream of the chunks: it is
// acknowledged when all that was published before it is stored.
const paceSubject = "$O." + Bucket + ".C.pace"

// paced is a reader that waits now and then until what was read of it is stored.
type paced struct {
	io.Reader
	left int
	wait func() error
}

func newPaced(ctx context.Context, js jetstream.JetStream, r io.Reader) *paced {
	return &paced{Reader: r, left: paceEvery, wait: func() error {
		if _, err := js.Publish(ctx, paceSubject, nil); err != nil {
			return fmt.Errorf("object store: %w", err)
		}
		return nil
	}}
}

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	if p.left <= 0 {
		if err := p.wait(); err != nil {
			return 0, err
		}
		p.left = paceEvery
	}
	n, err := p.Reader.Read(b[:min(len(b), p.left)])
	p.left -= n
	return n, err
}

// purgeMarks takes the marks away; the next start does it, too.
func purgeMarks(ctx context.Context, js jetstream.JetStream) error {
	s, err := js.Stream(ctx, "OBJ_"+Bucket)
	if err != nil {
		return err
	}
	return s.Purge(ctx, jetstream.WithPurgeSubject(paceSubject))
}
