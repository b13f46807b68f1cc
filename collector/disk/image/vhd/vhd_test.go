package vhd

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// sum makes the checksum of a structure right.
func sum(b []byte, at int) {
	total := uint32(0)
	clear(b[at : at+4])
	for _, c := range b {
		total += uint32(c)
	}
	binary.BigEndian.PutUint32(b[at:], ^total)
}

// dynamic makes a disk of four blocks of 4 KiB, of which the second is there; change
// is done before the checksums are made.
func dynamic(change func(footer, head, table []byte)) []byte {
	b := make([]byte, 512+1024+512+512+4096+512)
	footer, head, table := b[:512], b[512:1536], b[1536:2048]
	copy(footer, Magic)
	binary.BigEndian.PutUint64(footer[16:], 512)
	binary.BigEndian.PutUint64(footer[48:], 4*4096-512)
	binary.BigEndian.PutUint32(footer[60:], typeDynamic)
	copy(head, headMagic)
	binary.BigEndian.PutUint64(head[16:], 1536)
	binary.BigEndian.PutUint32(head[28:], 4)
	binary.BigEndian.PutUint32(head[32:], 4096)
	copy(table, "\xff\xff\xff\xff\x00\x00\x00\x04\xff\xff\xff\xff\xff\xff\xff\xff")
	for i := range 4096 {
		b[2560+i] = byte(i>>8) + 1
	}
	if change != nil {
		change(footer, head, table)
	}
	sum(footer, 64)
	sum(head, 36)
	copy(b[len(b)-512:], footer)
	return b
}

func TestDynamic(t *testing.T) {
	b := dynamic(nil)
	for _, damage := range []int{-1, len(b) - 512} {
		if damage >= 0 {
			b[damage]++
		}
		m, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 4*4096)
		n, err := m.ReadAt(got, 0)
		if n != 4*4096-512 || err != io.EOF || got[4095] != 0 || got[4096] != 1 || got[8191] != 16 || got[8192] != 0 {
			t.Errorf("%d bytes, %v", n, err)
		}
		if (len(m.Notes()) > 0) != (damage >= 0) {
			t.Errorf("notes %q", m.Notes())
		}
	}
}

func TestLies(t *testing.T) {
	put32, put64 := binary.BigEndian.PutUint32, binary.BigEndian.PutUint64
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":                    {nil, "unexpected EOF"},
		"nothing":                  {make([]byte, 4096), "magic"},
		"a disk of 2^60 bytes":     {dynamic(func(f, _, _ []byte) { put64(f[48:], 1<<60) }), "a disk of"},
		"a differencing disk":      {dynamic(func(f, _, _ []byte) { put32(f[60:], 4) }), "differs from another file"},
		"a header beyond the end":  {dynamic(func(f, _, _ []byte) { put64(f[16:], 1<<63) }), "beyond the end"},
		"no header":                {dynamic(func(_, h, _ []byte) { h[0] = 0 }), "the magic"},
		"blocks of 4 GiB":          {dynamic(func(_, h, _ []byte) { put32(h[32:], 1<<31) }), "blocks of"},
		"blocks of nothing":        {dynamic(func(_, h, _ []byte) { put32(h[32:], 0) }), "blocks of 0"},
		"2^32 blocks":              {dynamic(func(_, h, _ []byte) { put32(h[28:], 1<<32-1) }), "goes on beyond the end"},
		"too few blocks":           {dynamic(func(_, h, _ []byte) { put32(h[28:], 2) }), "and 2 blocks"},
		"a block beyond the end":   {dynamic(func(_, _, e []byte) { put32(e, 1<<31) }), "disk offset 0: unexpected EOF"},
		"a fixed disk that is cut": {dynamic(func(f, _, _ []byte) { put32(f[60:], typeFixed); put64(f[48:], 1<<20) }), "disk offset 6656"},
	} {
		m, err := Open(bytes.NewReader(c.b), int64(len(c.b)))
		if err == nil {
			_, err = m.ReadAt(make([]byte, 9000), 0)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzOpen opens anything, with checksums made right, and reads of it.
func FuzzOpen(f *testing.F) {
	f.Add(dynamic(nil))
	f.Add(dynamic(func(f, _, _ []byte) { f[63] = typeFixed }))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 2048 {
			sum(b[:512], 64)
			sum(b[len(b)-512:], 64)
		}
		m, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		p := make([]byte, 9000)
		for _, off := range []int64{0, 500, m.Size() - 5, m.Size(), m.Size() + 5, 1 << 61} {
			if n, err := m.ReadAt(p, off); n < len(p) && err == nil {
				t.Errorf("%d bytes at %d and no error", n, off)
			}
		}
	})
}
