package main

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hozen/packager/timestamp/tsatest"
)

// scriptTSA starts a time stamping authority on loopback: $TSA is its address, FILE its
// root certificate.
func scriptTSA(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tsa FILE")
	}
	a, err := tsatest.New(time.Now, tsatest.Shape{})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), a.Roots(false), 0o600))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err == nil {
			query, err = a.Answer(query)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write(query) // who asked may have gone
	}))
	ts.Defer(s.Close)
	ts.Setenv("TSA", s.URL)
}

// scriptNTP starts a time server on loopback that is ahead of this machine by that much:
// $NTP is its address.
func scriptNTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ntp AHEAD")
	}
	ahead, err := time.ParseDuration(args[0])
	ts.Check(err)
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = c.Close() })
	ts.Setenv("NTP", c.LocalAddr().String())
	go func() {
		query := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(query)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			b := make([]byte, 48)
			b[0], b[1], b[2], b[3] = 4<<3|4, 1, 6, 0xec // version 4, a server of stratum 1
			now := time.Now().Add(ahead)
			for _, at := range []int{16, 32, 40} {
				binary.BigEndian.PutUint64(b[at:], uint64(now.Unix()+2208988800)<<32|uint64(now.Nanosecond())<<32/1e9)
			}
			copy(b[24:32], query[40:48])
			_, _ = c.WriteTo(b, from)
		}
	}()
}
