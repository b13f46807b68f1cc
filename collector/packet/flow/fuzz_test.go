package flow

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hozen/collector/hosttest"
)

func captures(t testing.TB) (files []string) {
	for _, dir := range []string{"zeek", "malformed"} {
		some, err := filepath.Glob("testdata/" + dir + "/*.pcap*")
		if err != nil || len(some) < 20 {
			t.Fatal(some, err)
		}
		files = append(files, some...)
	}
	return files
}

// seeds are the packets of all captures that lie beside the tests.
func seeds(f testing.TB, each func(link uint16, data []byte)) {
	for _, name := range captures(f) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_ = readCapture(context.Background(), bytes.NewReader(b), func(p *filePacket) { each(p.link, p.data) }, func(int, string) {})
	}
}

// sound looks whether tables are what they must be after any input.
func sound(t *testing.T, tables *Tables) {
	t.Helper()
	if n := tables.Counts().Faults; n > 0 {
		t.Fatalf("%d packets broke a decoder", n)
	}
	s := &hosttest.Sink{}
	if err := tables.Put(context.Background(), s, ""); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Records() {
		if r.Outcome.String() == "failed" {
			t.Fatalf("%s: %s", r.Path, r.Note)
		}
	}
	if tables.aheadBytes != 0 || tables.appBytes != 0 || len(tables.flows) != 0 || tables.newest != nil {
		t.Fatalf("%d bytes and %d flows left", tables.aheadBytes, len(tables.flows))
	}
}

// FuzzPacket gives one packet twice, a second apart, the second time cut and turned round in its last byte.
func FuzzPacket(f *testing.F) {
	n := 0
	seeds(f, func(link uint16, data []byte) {
		if n++; n%7 == 0 && len(data) < 4096 {
			f.Add(link, bytes.Clone(data), len(data))
		}
	})
	f.Fuzz(func(t *testing.T, link uint16, data []byte, length int) {
		tables := New(Options{MaxFlows: 16, MaxRows: 64})
		at := time.Unix(1e9, 0)
		tables.Packet(0, link, at, data, length)
		tables.Packet(0, link, at.Add(time.Second), data[:len(data)/2], len(data))
		tables.Packet(1, link, at.Add(time.Minute), data, len(data))
		sound(t, tables)
	})
}

// FuzzReadFile reads any bytes as a capture file.
func FuzzReadFile(f *testing.F) {
	for _, name := range captures(f) {
		if b, err := os.ReadFile(name); err == nil && len(b) < 4096 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tables := New(Options{MaxFlows: 16, MaxRows: 64})
		_ = ReadFile(context.Background(), bytes.NewReader(b), tables)
		sound(t, tables)
	})
}

// FuzzStream gives one TCP flow both ways, in pieces: the fuzzer chooses what is said and in which order.
func FuzzStream(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"), uint64(3), uint16(80))
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), []byte("\x16\x03\x03\x00\x04\x0b\x00\x00\x00"), uint64(9), uint16(443))
	f.Add([]byte("\x00\x0c\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), []byte("\x00"), uint64(7), uint16(53))
	f.Fuzz(func(t *testing.T, out, in []byte, order uint64, port uint16) {
		tables := New(Options{MaxFlows: 16, MaxRows: 64})
		at := time.Unix(1e9, 0)
		conversation(out, in, order, port, func(b []byte) {
			at = at.Add(time.Millisecond)
			tables.Packet(0, linkRaw, at, b, len(b))
		})
		sound(t, tables)
	})
}

// FuzzDNS reads any bytes as a message.
func FuzzDNS(f *testing.F) {
	f.Add([]byte("\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\x01\x02\x03\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseDNS(b)
		if err == nil && len(m.answers) > maxDNSRecords {
			t.Fatal(len(m.answers))
		}
	})
}
