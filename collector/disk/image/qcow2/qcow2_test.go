package qcow2

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"hozen/collector/hosttest"
)

func real(t testing.TB) []byte {
	t.Helper()
	return hosttest.Unzip(t, "../testdata/image.qcow2.gz")
}

// small makes an image of version 3 with clusters of 512 bytes: header, L1, L2, and
// one cluster of data.
func small(entries ...uint64) []byte {
	b := make([]byte, 4*512)
	copy(b, Magic)
	put32, put64 := binary.BigEndian.PutUint32, binary.BigEndian.PutUint64
	put32(b[4:], 3)
	put32(b[20:], 9)      // cluster bits
	put64(b[24:], 64*512) // size: one L2 table
	put32(b[36:], 1)      // L1 entries
	put64(b[40:], 512)    // L1
	put32(b[96:], 4)
	put32(b[100:], 104)
	put64(b[512:], 1024|1<<63)
	for i, e := range entries {
		put64(b[1024+8*i:], e)
	}
	for i := range 512 {
		b[1536+i] = byte(i)
	}
	return b
}

func TestEntries(t *testing.T) {
	m, err := Open(bytes.NewReader(small(1536|1<<63, 1536|1, 0)), 2048)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4*512)
	if n, err := m.ReadAt(b, 0); n != len(b) || err != nil {
		t.Fatal(n, err)
	}
	if b[5] != 5 || b[511] != 255 || strings.Trim(string(b[512:]), "\x00") != "" {
		t.Error("one cluster of data, and zeros, are not what came")
	}
}

func TestLies(t *testing.T) {
	put32, put64 := binary.BigEndian.PutUint32, binary.BigEndian.PutUint64
	with := func(change func(b []byte)) []byte {
		b := small(1536 | 1<<63)
		change(b)
		return b
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":                     {nil, "unexpected EOF"},
		"no magic":                  {with(func(b []byte) { b[0] = 'q' }), "magic"},
		"version 4":                 {with(func(b []byte) { put32(b[4:], 4) }), "version 4"},
		"clusters of 4 GiB":         {with(func(b []byte) { put32(b[20:], 32) }), "2^32 bytes"},
		"a backing file":            {with(func(b []byte) { put64(b[8:], 104); put32(b[16:], 11); copy(b[104:], "/etc/shadow") }), `backing file: "/etc/shadow"`},
		"a backing file of 4 GiB":   {with(func(b []byte) { put64(b[8:], 1<<63); put32(b[16:], 1<<32-1) }), "impossible offset"},
		"encrypted":                 {with(func(b []byte) { put32(b[32:], 2) }), "encrypted"},
		"an external data file":     {with(func(b []byte) { b[79] = 4 }), "another file"},
		"unknown features":          {with(func(b []byte) { b[78] = 4 }), "0x400"},
		"a disk of 2^63 bytes":      {with(func(b []byte) { put64(b[24:], 1<<63) }), "bytes"},
		"a disk larger than its L1": {with(func(b []byte) { put64(b[24:], 1<<40) }), "needs 33554432 entries"},
		"an L1 of 32 GiB":           {with(func(b []byte) { put64(b[24:], 1<<46); put32(b[36:], 1<<32-1) }), "at most"},
		"an L1 beyond the end":      {with(func(b []byte) { put64(b[40:], 2048) }), "beyond the end"},
		"an L1 at 2^64":             {with(func(b []byte) { put64(b[40:], 1<<64-8) }), "beyond the end"},
		"an L2 beyond the end":      {with(func(b []byte) { put64(b[512:], 4096) }), "L2 table: its cluster at 4096 lies beyond"},
		"a cluster beyond the end":  {with(func(b []byte) { put64(b[1024:], 1<<40) }), "lies beyond the end"},
		"noise that is compressed":  {with(func(b []byte) { put64(b[1024:], 1<<62|1536) }), "compressed cluster at 1536"},
		"compressed, in 2^61":       {with(func(b []byte) { put64(b[1024:], 1<<62|1<<61-1) }), "beyond the end"},
	} {
		m, err := Open(bytes.NewReader(c.b), int64(len(c.b)))
		if err == nil {
			_, err = m.ReadAt(make([]byte, 512), 0)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzOpen opens anything, and reads of it.
func FuzzOpen(f *testing.F) {
	f.Add(real(f)[:1<<10])
	f.Add(small(1536|1<<63, 1536|1, 1<<62|1536))
	zstd := small(1<<62 | 1536)
	zstd[79], zstd[103], zstd[104] = 8, 112, 1
	f.Add(zstd)
	extended := small(0, 0)
	extended[79], extended[23] = 16, 14
	f.Add(extended)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		p := make([]byte, 3000)
		for _, off := range []int64{0, 500, m.Size() - 5, m.Size(), m.Size() + 5, 1 << 61} {
			if n, err := m.ReadAt(p, off); n < len(p) && err == nil {
				t.Errorf("%d bytes at %d and no error", n, off)
			}
		}
	})
}
