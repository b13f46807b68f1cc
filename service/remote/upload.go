package remote

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
	"hozen/service/deliver"
	"hozen/service/protocol"
)

const (
	smallestPart = 16 << 10
	firstPart    = 64 << 10
	mostParts    = 8                // unacknowledged at once
	quick        = time.Second      // an answer that came so soon: send more at once
	slow         = 8 * time.Second  // so late: send less
	silence      = 15 * time.Second // without an answer, the hub is asked how far it got;
	leastSilence = 5 * time.Second  // sooner where answers come quickly
	patience     = 3 * time.Minute  // without progress, the caller is told
)

// Destination gives the hub as a place for archives and custody logs. Their names say
// which collection they are of. What Commit of an upload says is that every byte was
// acknowledged; that they are the right ones, Receipt says.
func (c *Client) Destination() deliver.Destination { return destination{c} }

type destination struct{ c *Client }

// Try implements deliver.Destination: it asks for a file that is not there.
func (d destination) Try(ctx context.Context) error {
	_, err := d.c.resume(ctx, "hozen-try", protocol.FileArchive)
	return err
}

// Open implements deliver.Destination.
func (d destination) Open(ctx context.Context, name string) (deliver.Upload, error) {
	collection, file, err := protocol.FileOf(name)
	if err != nil {
		return nil, err
	}
	at, err := d.c.resume(ctx, collection, file)
	if err != nil {
		return nil, err
	}
	return &upload{c: d.c, collection: collection, file: file, acked: at, next: at, size: firstPart, most: 1}, nil
}

// resume asks how many bytes of a file are stored. It tries once.
func (c *Client) resume(ctx context.Context, collection, file string) (int64, error) {
	var a protocol.ResumeAnswer
	if err := c.link.ask(ctx, protocol.VerbResume, protocol.ResumeRequest{Collection: collection, File: file}, &a); err != nil {
		return 0, err
	}
	if err := refusal(a.Error, a.Wait == 0); err != nil {
		return 0, err
	}
	if a.Offset < 0 {
		return 0, fmt.Errorf("hub: offset %d", a.Offset)
	}
	return a.Offset, nil
}

// A part is on its way until the hub has acknowledged its last byte.
type part struct {
	offset int64
	data   []byte
	sent   time.Time // zero: not yet
}

func (p part) end() int64 { return p.offset + int64(len(p.data)) }

// An upload keeps the parts that are not acknowledged, at most mostParts, and sends them
// again whenever the hub may not have them. Size and number of them follow what the
// line carries.
type upload struct {
	c                *Client
	collection, file string

	acked int64  // all before is on the hub's medium
	next  int64  // all before is in parts or acknowledged
	fill  []byte // not yet a part
	parts []part
	size  int // of the next part
	most  int // so many parts at once

	acks chan *nats.Msg
	box  string
	took time.Duration // of the newest answer
}

// silence is how long an answer may be late. Where they come in moments, one that does
// not was lost with the server that had it, and nobody is served by waiting.
func (u *upload) silence() time.Duration { return min(max(4*u.took, leastSilence), silence) }

// Offset implements deliver.Upload.
func (u *upload) Offset() int64 { return u.acked }

// Write implements deliver.Upload.
func (u *upload) Write(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		if u.fill == nil {
			u.fill = make([]byte, 0, u.size)
		}
		n := min(len(p), cap(u.fill)-len(u.fill))
		u.fill, p = append(u.fill, p[:n]...), p[n:]
		if len(u.fill) < cap(u.fill) {
			continue
		}
		u.cut()
		if err := u.pump(ctx, u.most-1); err != nil {
			return err
		}
	}
	return nil
}

// cut makes a part of what was kept.
func (u *upload) cut() {
	if len(u.fill) > 0 {
		u.parts = append(u.parts, part{offset: u.next, data: u.fill})
		u.next += int64(len(u.fill))
	}
	u.fill = nil
}

// Flush implements deliver.Upload.
func (u *upload) Flush(ctx context.Context) error {
	u.cut()
	return u.pump(ctx, 0)
}

// Commit implements deliver.Upload. The hub compares the hash when the collection is
// committed.
func (u *upload) Commit(ctx context.Context, size int64, sum string) error {
	if err := protocol.CheckSHA256(sum); err != nil {
		return err
	}
	if err := u.Flush(ctx); err != nil {
		return err
	}
	if u.acked != size {
		return fmt.Errorf("%s of %s: %w: %d bytes are there, want %d", u.file, u.collection, deliver.ErrDiffers, u.acked, size)
	}
	return nil
}

// pump sends parts and takes answers until not more than left are unacknowledged.
func (u *upload) pump(ctx context.Context, left int) error {
	if len(u.parts) == 0 {
		return nil
	}
	if err := u.listen(); err != nil {
		return err
	}
	deadline, before, doubt := time.Now().Add(patience), u.acked, error(nil)
	for n := 1; ; {
		if u.acked > before {
			deadline, before, n = time.Now().Add(patience), u.acked, 1
		}
		again := u.c.link.again()
		if doubt != nil {
			u.slower()
			err := u.rewind(ctx, n)
			u.c.opts.Log.Debug("asked how far it got", "file", u.file, "attempt", n, "at", u.acked, "why", doubt, "error", err)
			switch {
			case err == nil:
				doubt = nil
			case errors.Is(err, ErrRefused), errors.Is(err, deliver.ErrDiffers), errors.Is(err, nats.ErrConnectionClosed):
				return err
			case time.Now().After(deadline), ctx.Err() != nil:
				return fmt.Errorf("%s of %s at %d: %w", u.file, u.collection, u.acked, fault.Join(doubt, err, ctx.Err()))
			default:
				pause(ctx, delay(n), again)
				n++
				continue
			}
		}
		if doubt = u.send(); doubt != nil {
			continue
		}
		if len(u.parts) <= left {
			return nil
		}
		select {
		case m := <-u.acks:
			var wait time.Duration
			if wait, doubt = u.take(m); wait > 0 {
				pause(ctx, wait, nil)
			}
			if errors.Is(doubt, ErrRefused) {
				return doubt
			}
		case <-again:
			doubt = errors.New("the connection was lost on the way")
		case <-time.After(u.silence()):
			doubt = fmt.Errorf("no answer for %v", u.silence())
		case <-ctx.Done():
			return ctx.Err()
		}
		if doubt != nil && time.Now().After(deadline) {
			return fmt.Errorf("%s of %s at %d: %w", u.file, u.collection, u.acked, doubt)
		}
	}
}

// listen opens the inbox for acknowledgements; it is closed when the upload is forgotten.
func (u *upload) listen() error {
	if u.acks != nil {
		return nil
	}
	acks, box := make(chan *nats.Msg, 4*mostParts), u.c.link.conn.NewInbox()
	sub, err := u.c.link.conn.ChanSubscribe(box+".*", acks)
	if err != nil {
		return err
	}
	runtime.AddCleanup(u, func(s *nats.Subscription) { _ = s.Unsubscribe() }, sub)
	u.acks, u.box = acks, box
	return nil
}

// send publishes the parts that were not sent yet, as many as may be on their way.
func (u *upload) send() error {
	if err := u.c.link.stands(); err != nil {
		return err
	}
	for i := range u.parts {
		p := &u.parts[i]
		if i >= u.most {
			break
		}
		if !p.sent.IsZero() {
			continue
		}
		m := nats.NewMsg(protocol.PartSubject + u.c.link.id + "." + u.collection + "." + u.file)
		m.Reply = u.box + "." + strconv.FormatInt(p.offset, 10) // says which part is answered
		m.Header.Set(protocol.HeaderOffset, strconv.FormatInt(p.offset, 10))
		m.Header.Set(protocol.HeaderSHA256, signed.HexSum(p.data))
		m.Data = p.data
		if err := u.c.link.conn.PublishMsg(m); err != nil {
			return err
		}
		p.sent = time.Now()
	}
	return nil
}

// take reads an answer. wait is how long the hub wants peace; an error sends the upload
// to ask how far it got.
func (u *upload) take(m *nats.Msg) (wait time.Duration, err error) {
	if m.Header.Get("Status") == "503" {
		return time.Second, nats.ErrNoResponders
	}
	var a protocol.Ack
	if err := protocol.Decode(m.Data, &a); err != nil {
		return 0, err
	}
	if a.Error != "" {
		wait = time.Duration(min(max(a.Wait, 0), 60)) * time.Second
		// Parts behind a refused one are refused, too: that they do not fit is no verdict.
		first := m.Subject == u.box+"."+strconv.FormatInt(a.Offset, 10)
		return wait, refusal(a.Error, a.Wait == 0 && first)
	}
	return 0, u.arrived(a.Offset)
}

// arrived drops what the hub has.
func (u *upload) arrived(offset int64) error {
	if offset > u.next {
		return fmt.Errorf("%s of %s: %w: %d bytes are there, %d were sent", u.file, u.collection, deliver.ErrDiffers, offset, u.next)
	}
	for len(u.parts) > 0 && u.parts[0].end() <= offset {
		u.took = time.Since(u.parts[0].sent)
		u.pace(u.took)
		u.acked = u.parts[0].end()
		u.parts = u.parts[1:]
	}
	return nil
}

// pace grows or shrinks what is on its way at once.
func (u *upload) pace(took time.Duration) {
	switch {
	case took > slow:
		u.slower()
	case took > quick:
	case u.size < protocol.PartBytes:
		u.size = min(2*u.size, protocol.PartBytes)
	default:
		u.most = min(u.most+1, mostParts)
	}
}

func (u *upload) slower() { u.size, u.most = max(u.size/2, smallestPart), 1 }

// rewind asks how far the file got and sends the rest again. n counts the attempts, each
// of which waits longer: the first answers may be lost while servers change places.
func (u *upload) rewind(ctx context.Context, n int) error {
	one, cancel := context.WithTimeout(ctx, min(time.Duration(n)*leastSilence, askTimeout))
	defer cancel()
	at, err := u.c.resume(one, u.collection, u.file)
	if err != nil {
		return err
	}
	if at < u.acked {
		return fmt.Errorf("%s of %s: %w: it went back from %d to %d", u.file, u.collection, deliver.ErrDiffers, u.acked, at)
	}
	for len(u.acks) > 0 { // answers of before
		<-u.acks
	}
	if err := u.arrived(at); err != nil {
		return err
	}
	for i := range u.parts {
		p := &u.parts[i]
		if at > p.offset { // the hub has a piece of it
			p.data, p.offset, u.acked = p.data[at-p.offset:], at, at
		}
		p.sent = time.Time{}
	}
	return nil
}
