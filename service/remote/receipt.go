package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
	"hozen/service/protocol"
)

// ErrReceipt is wrapped when a receipt is not the hub's, or not for our bytes.
var ErrReceipt = errors.New("receipt not valid")

// ErrNotStored is wrapped when the hub has other bytes than were committed, or fewer:
// open the files again, send what is missing, and commit.
var ErrNotStored = errors.New("the hub has not what was sent")

// Commit tells the hub that both files of a collection are there whole. It returns when
// the hub has taken note, refused (ErrRefused), or ctx has ended.
func (c *Client) Commit(ctx context.Context, r protocol.CommitRequest) error {
	return c.link.retry(ctx, "commit", func(ctx context.Context) error {
		var a protocol.CommitAnswer
		if err := c.link.ask(ctx, protocol.VerbCommit, r, &a); err != nil {
			return err
		}
		return refusal(a.Error, a.Wait == 0)
	})
}

// Receipt waits for the hub's receipt of what was committed, and checks that the pinned
// key signed it and that collection, names, sizes and hashes are ours. The hub verifies
// the whole archive before, which takes its time; it tells when it is done, and is asked
// from time to time, because that may be lost.
func (c *Client) Receipt(ctx context.Context, r protocol.CommitRequest) (protocol.SignedReceipt, protocol.Receipt, error) {
	told, stop := c.told(protocol.ReceiptSubject)
	defer stop()
	for n := 1; ; n++ {
		var a protocol.ReceiptAnswer
		again := c.link.again()
		err := c.link.ask(ctx, protocol.VerbReceipt, protocol.ReceiptRequest{Collection: r.Collection}, &a)
		switch {
		case errors.Is(err, nats.ErrConnectionClosed):
			return protocol.SignedReceipt{}, protocol.Receipt{}, err
		case err != nil && ctx.Err() == nil:
			c.opts.Log.Debug("receipt again later", "error", err)
		case err == nil && a.Error != "":
			return protocol.SignedReceipt{}, protocol.Receipt{}, fmt.Errorf("%s: %w: %.500q", r.Collection, ErrNotStored, a.Error)
		case err == nil && a.Receipt.Payload != "":
			receipt, err := c.checkReceipt(a.Receipt, r)
			return a.Receipt, receipt, err
		}
		if err == nil {
			again = told // there was an answer: it comes in time
		}
		pause(ctx, min(time.Second<<min(n-1, 5), 30*time.Second), again)
		if ctx.Err() != nil {
			return protocol.SignedReceipt{}, protocol.Receipt{}, fmt.Errorf("receipt of %s: %w", r.Collection, fault.Join(ctx.Err(), err))
		}
	}
}

// told gives a channel that has an entry when the hub has sent something to a subject of
// ours since it was read last. It works without, too, only later.
func (c *Client) told(subject string) (<-chan struct{}, func()) {
	told := make(chan struct{}, 1)
	sub, err := c.link.conn.Subscribe(subject+c.link.id, func(*nats.Msg) {
		select {
		case told <- struct{}{}:
		default:
		}
	})
	if err != nil {
		c.opts.Log.Debug("not told, asking from time to time", "subject", subject, "error", err)
		return told, func() {}
	}
	return told, func() { _ = sub.Unsubscribe() } // an error is the end of the connection
}

// checkReceipt says whether a receipt is the hub's word for the bytes that we committed.
func (c *Client) checkReceipt(s protocol.SignedReceipt, want protocol.CommitRequest) (protocol.Receipt, error) {
	r, err := OpenReceipt(c.link.hub, s)
	if err != nil {
		return r, err
	}
	switch {
	case r.Endpoint != c.link.id:
		err = fmt.Errorf("for endpoint %.80q", r.Endpoint)
	case r.Collection != want.Collection, r.Job != want.Job:
		err = fmt.Errorf("for collection %.80q of job %.80q", r.Collection, r.Job)
	case r.Archive != want.Archive:
		err = fmt.Errorf("for another archive: %.80q, %d bytes, SHA-256 %.64q", r.Archive.Name, r.Archive.Bytes, r.Archive.SHA256)
	case r.Log != want.Log:
		err = fmt.Errorf("for another custody log: %.80q, %d bytes, SHA-256 %.64q", r.Log.Name, r.Log.Bytes, r.Log.SHA256)
	}
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return r, nil
}

// OpenReceipt reads a receipt and checks its signature by the hub's pinned key; what it
// is for, the caller compares.
func OpenReceipt(h Hub, s protocol.SignedReceipt) (protocol.Receipt, error) {
	var r protocol.Receipt
	key, err := h.key()
	if err != nil {
		return r, err
	}
	if err := signed.Check(key, signed.Receipt, []byte(s.Payload), []byte(s.Sig)); err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if err := signed.Decode([]byte(s.Payload), &r); err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if r.Type != protocol.ReceiptType {
		return r, fmt.Errorf("%w: type %.80q", ErrReceipt, r.Type)
	}
	return r, nil
}
