package remote

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hozen/service/protocol"
)

// A hub with the right certificate that sends what made nats.go panic, or grow without
// bound: the connection is closed, and made again.
func TestHostileWire(t *testing.T) {
	for name, bad := range map[string]string{
		"size": "MSG _INBOX.x 1 9223372036854775807\r\nxx",
		"line": "INFO " + strings.Repeat("a", 8<<20),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			state := enrolled(t, h)
			h.down()
			defer h.up() // for the cleanup
			l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(h.opts.Port))
			if err != nil {
				t.Fatal(err)
			}
			closed := make(chan error, 100)
			var running sync.WaitGroup
			running.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					running.Go(func() { closed <- say(tls.Server(c, h.pki.conf), bad) })
				}
			})
			c := client(t, state)
			for range 2 { // it comes again
				select {
				case err := <-closed:
					if err != nil {
						t.Error(err)
					}
				case <-soon(t).Done():
					t.Fatal("the connection stays")
				}
			}
			c.link.close()
			l.Close()
			running.Wait()
		})
	}
}

// say is a server until the other side hangs up.
func say(c net.Conn, bad string) error {
	defer c.Close()
	fmt.Fprint(c, `INFO {"server_id":"x","version":"2.11.0","proto":1,"headers":true,"auth_required":true,"tls_required":true,"nonce":"abcdefghijk","max_payload":1048576}`+"\r\n")
	r := bufio.NewReader(c)
	for {
		s, err := r.ReadString('\n')
		if err != nil {
			return fmt.Errorf("hung up too early: %w", err)
		}
		if strings.HasPrefix(s, "PING") {
			break
		}
	}
	fmt.Fprint(c, "PONG\r\n"+bad)
	for {
		if _, err := r.ReadByte(); err != nil {
			return nil
		}
	}
}

// A number that was too high is forgotten when the hub is repaired.
func TestPoisonedNumber(t *testing.T) {
	h := newHub(t)
	state := enrolled(t, h)
	h.with(func() { h.jobs = []protocol.QueuedJob{{Seq: math.MaxUint64, Envelope: "junk"}} })
	c := client(t, state)
	q := <-c.Jobs(soon(t))
	if err := c.Done(q); err != nil || q.Seq != math.MaxUint64 {
		t.Fatalf("%+v, %v", q, err)
	}
	c.Close()
	h.with(func() { h.jobs = []protocol.QueuedJob{{Seq: 22, Envelope: "good"}} })
	c = client(t, state)
	if q := <-c.Jobs(soon(t)); q.Envelope != "good" {
		t.Errorf("%+v", q)
	}
	// The junk of the earlier life is done late.
	if err := c.Done(q); err != nil {
		t.Fatal(err)
	}
	if p, err := loadPosition(state); err != nil || (p != position{"one", 0}) {
		t.Errorf("%+v, %v", p, err)
	}
}

// A hub whose jobs begin anew with each answer: once, then comes the error and its pause.
func TestEndlessLives(t *testing.T) {
	h := newHub(t)
	c := client(t, enrolled(t, h))
	until(t, "connected", c.Connected)
	asked := 0
	h.with(func() {
		h.onAsk = func(verb string) {
			if verb == protocol.VerbJobs {
				asked++
				h.stream = fmt.Sprint(asked)
			}
		}
	})
	at := position{}
	err := c.newJobs(soon(t), &at, make(chan protocol.QueuedJob))
	h.with(func() {
		if err == nil || asked != 2 || at.Stream != "1" {
			t.Errorf("asked %d times, %+v, %v", asked, at, err)
		}
	})
}
