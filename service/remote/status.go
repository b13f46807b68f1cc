package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"golang.org/x/time/rate"

	"hozen/service/protocol"
)

// Status tells the hub an audit line, as the device signed it. It returns when the hub's
// stream has it on its medium, when it refused it (ErrRefused), or when ctx has ended. An
// acknowledgement may be lost: then the line is sent twice. The hub keeps doubles of two
// minutes once; who reads them knows others by the number in the line.
func (c *Client) Status(ctx context.Context, line []byte) error {
	if len(line) > protocol.MaxLine {
		return fmt.Errorf("status of %d bytes: over %d", len(line), protocol.MaxLine)
	}
	sum := sha256.Sum256(line)
	m := nats.NewMsg(protocol.StatusSubject + c.link.id)
	m.Header.Set(nats.MsgIdHdr, hex.EncodeToString(sum[:]))
	m.Data = line
	return c.link.retry(ctx, "status", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		if err := c.link.stands(); err != nil {
			return err
		}
		answer, err := c.link.conn.RequestMsgWithContext(ctx, m)
		if err != nil {
			return err
		}
		return stored(answer.Data)
	})
}

// stored reads the answer to what was published.
func stored(b []byte) error {
	var a protocol.Ack
	if err := protocol.Decode(b, &a); err != nil {
		return fmt.Errorf("acknowledgement: %w", err)
	}
	if err := refusal(a.Error, a.Wait == 0); err != nil {
		return err
	}
	if a.Seq == 0 {
		return errors.New("acknowledgement without a number")
	}
	return nil
}

// progressRate is how many progress messages leave in a second; of more, the newest does.
const progressRate = 2

// Progress tells what the collection of a job is doing. It never waits: of what cannot
// be sent at once the newest is kept, and what says whether the machine may be switched off.
func (c *Client) Progress(p protocol.Progress) {
	if b, err := protocol.Encode(p); err == nil && len(p.Event) <= protocol.MaxLine {
		c.progress.put(b, protocol.Lasting(p.Event))
	}
}

func (c *Client) tell(ctx context.Context) {
	slow := rate.NewLimiter(progressRate, 4)
	for slow.Wait(ctx) == nil {
		again := c.link.again()
		switch b, lasting := c.progress.next(); {
		case b == nil:
			select {
			case <-c.progress.filled:
			case <-ctx.Done():
			}
		case c.link.conn.Publish(protocol.ProgressSubject+c.link.id, b) == nil:
			c.progress.sent(b)
		case lasting:
			pause(ctx, delay(5), again)
		default:
			c.progress.sent(b) // the next one tells more
		}
	}
}

// mostLasting bounds the messages that wait for a connection.
const mostLasting = 16

// mailbox is what waits to be sent.
type mailbox struct {
	filled  chan struct{} // has an entry when there is something
	mu      sync.Mutex
	lasting [][]byte // sent in order
	newest  []byte
}

func (m *mailbox) put(b []byte, lasting bool) {
	m.mu.Lock()
	switch {
	case !lasting:
		m.newest = b
	case len(m.lasting) < mostLasting:
		m.lasting = append(m.lasting, b)
	default:
		m.lasting = append(m.lasting[1:], b)
	}
	m.mu.Unlock()
	select {
	case m.filled <- struct{}{}:
	default:
	}
}

// next gives what is to be sent; nil if there is nothing.
func (m *mailbox) next() (b []byte, lasting bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.lasting) > 0 {
		return m.lasting[0], true
	}
	return m.newest, false
}

// sent drops what next gave, if it is still there.
func (m *mailbox) sent(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case len(m.lasting) > 0 && &m.lasting[0][0] == &b[0]:
		m.lasting = m.lasting[1:]
	case m.newest != nil && &m.newest[0] == &b[0]:
		m.newest = nil
	}
}
