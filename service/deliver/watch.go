package deliver

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// dial connects to a host without asking a name server.
func (o Options) dial(ctx context.Context, host string, port int) (net.Conn, error) {
	addr, err := o.resolve(host)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: min(o.stall(), 20*time.Second), KeepAlive: 15 * time.Second}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), strconv.Itoa(port)))
}

// watched is a connection that knows when something last moved on it.
type watched struct {
	net.Conn
	last atomic.Int64 // ns since 1970
}

// Read implements net.Conn.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.last.Store(time.Now().UnixNano())
	return n, err
}

// Write implements net.Conn.
func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.last.Store(time.Now().UnixNano())
	return n, err
}

// during runs do, and closes the connection when ctx ends or nothing has moved for so
// long: then do comes back with an error, and this tells the true one.
func (w *watched) during(ctx context.Context, stall time.Duration, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.last.Store(time.Now().UnixNano())
	done, ended, silent := make(chan struct{}), make(chan struct{}), false
	go func() {
		defer close(ended)
		t := time.NewTicker(max(stall/8, time.Millisecond))
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				w.Close()
				return
			case <-t.C:
				if time.Since(time.Unix(0, w.last.Load())) > stall {
					silent = true
					w.Close()
					return
				}
			}
		}
	}()
	err := do()
	close(done)
	<-ended
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case silent:
		return fmt.Errorf("nothing came for %v: %w", stall, err)
	}
	return err
}

// impatient is a connection on which every wait is bounded; for HTTP, which has only
// one request on it at a time.
type impatient struct {
	net.Conn
	stall time.Duration
}

// Read implements net.Conn.
func (c impatient) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write implements net.Conn. The answer is waited for from the last byte on.
func (c impatient) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
