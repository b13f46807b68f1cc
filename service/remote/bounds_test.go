package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// heard is a connection from which bytes come.
type heard struct {
	net.Conn // nil: nothing else is called
	io.Reader
	closed bool
}

func (h *heard) Read(p []byte) (int, error) { return h.Reader.Read(p) }
func (h *heard) Close() error               { h.closed = true; return nil }

const greeting = "INFO {\"nonce\":\"x\"} \r\nPONG\r\n"

func TestBoundedPassesOn(t *testing.T) {
	all := greeting + "PING\r\n+OK\r\n-ERR 'Authorization Violation'\r\n" +
		"MSG _INBOX.x 1 5\r\nhe\r\no\r\nMSG a 2 reply 0\r\n\r\n" +
		"HMSG _INBOX.x 3 16 16\r\nNATS/1.0 503\r\n\r\n\r\n" +
		fmt.Sprintf("MSG a 1 %d\r\n%s\r\n", longestMessage, strings.Repeat("x", longestMessage)) +
		"INFO " + strings.Repeat("a", longestLine-7) + "\r\nPONG\r\n"
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(all), "byte by byte": iotest.OneByteReader(strings.NewReader(all))} {
		if got, err := io.ReadAll(newBounded(&heard{Reader: r})); err != nil || string(got) != all {
			t.Errorf("%s: %d of %d bytes, %v", name, len(got), len(all), err)
		}
	}
}

func TestBoundedRefuses(t *testing.T) {
	for name, bad := range map[string]string{
		"any size":        "MSG _INBOX.x 1 9223372036854775807\r\nxx",
		"over the limit":  "MSG _INBOX.x 1 1048577\r\nxx",
		"not a number":    "MSG a 1 +5\r\nhello\r\n",
		"negative":        "MSG a 1 -5\r\nhello\r\n",
		"no size":         "MSG a 1\r\n",
		"too many fields": "MSG a 1 b c 5\r\nhello\r\n",
		"two spaces":      "MSG  a 1 5\r\nhello\r\n",
		"a tab":           "MSG a\t1 1 5\r\nhello\r\n",
		"any sid":         "MSG a 99999999999999999999 5\r\nhello\r\n",
		"longer":          "MSG a 1 4\r\nhello\r\n",
		"header > size":   "HMSG a 1 16 15\r\nNATS/1.0 503\r\n\r\n\r\n",
		"header":          "HMSG a 1 16 16\r\nHTTP/1.0 503\r\n\r\n\r\n",
		"long header":     "HMSG a 1 16385 16385\r\n" + strings.Repeat("a", 20000),
		"endless line":    "INFO " + strings.Repeat("a", longestLine),
		"no argument":     "INFO \r\n",
		"a line feed":     "PING\n",
		"a return":        "INFO a\rb\r\n",
		"lower case":      "msg a 1 5\r\nhello\r\n",
		"not NATS":        "GET / HTTP/1.1\r\n",
	} {
		c := &heard{Reader: strings.NewReader(greeting + bad)}
		b := newBounded(c)
		got, err := io.ReadAll(b)
		if !errors.Is(err, ErrWire) || !c.closed {
			t.Errorf("%s: %v, closed %v", name, err, c.closed)
		}
		if name != "longer" && string(got) != greeting {
			t.Errorf("%s: passed on: %.80q", name, got[min(len(got), len(greeting)):])
		}
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, ErrWire) {
			t.Errorf("%s: again: %v", name, err)
		}
	}
}

// FuzzBounded gives the reader any bytes, in any pieces: what it passes on is the
// beginning of them, in lines of the one form, with payloads of the sizes they say.
func FuzzBounded(f *testing.F) {
	f.Add([]byte(greeting+"MSG a 1 5\r\nhello\r\nPING\r\n"), 3)
	f.Add([]byte("MSG _INBOX.x 1 9223372036854775807\r\nxx"), 1)
	f.Add([]byte("HMSG a 1 r 16 18\r\nNATS/1.0 503\r\n\r\nhi\r\n"), 100)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		b := newBounded(&heard{Reader: bytes.NewReader(in)})
		p := make([]byte, 1+max(size, 0)%4096)
		var got []byte
		for {
			n, err := b.Read(p)
			got = append(got, p[:n]...)
			if err != nil {
				break
			}
		}
		if !bytes.HasPrefix(in, got) {
			t.Fatalf("%q of %q", got, in)
		}
		for len(got) > 0 {
			line, rest, ok := bytes.Cut(got, []byte("\n"))
			header, size, err := checkLine(append(bytes.Clone(line), '\n'))
			if !ok || err != nil || header > max(size, 0) || size > longestMessage {
				t.Fatalf("%q: %d, %d, %v", line, header, size, err)
			}
			if got = rest; size < 0 {
				continue
			}
			if got = got[min(size, len(got)):]; len(got) > 0 && !bytes.HasPrefix(got, []byte("\r\n")) {
				t.Fatalf("behind %q: %q", line, got)
			}
			got = got[min(2, len(got)):]
		}
	})
}
