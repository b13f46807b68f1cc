package ewf

import (
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"io"
	"os"
	"strings"
	"testing"
)

func real(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../testdata/image.E01")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func one(b []byte) []Segment { return []Segment{{bytes.NewReader(b), int64(len(b))}} }

// sectionAt finds the n-th section of a type.
func sectionAt(t testing.TB, b []byte, kind string) int {
	t.Helper()
	for at := fileHeader; at+sectionHeader <= len(b); {
		if strings.TrimRight(string(b[at:at+16]), "\x00") == kind {
			return at
		}
		next := int(binary.LittleEndian.Uint64(b[at+16:]))
		if next <= at {
			break
		}
		at = next
	}
	t.Fatalf("no section %q", kind)
	return 0
}

// change changes bytes of a section's head and makes its checksum right again.
func change(t testing.TB, b []byte, kind string, with func(head, data []byte)) []byte {
	t.Helper()
	b = bytes.Clone(b)
	at := sectionAt(t, b, kind)
	with(b[at:at+72], b[at+sectionHeader:])
	binary.LittleEndian.PutUint32(b[at+72:], adler32.Checksum(b[at:at+72]))
	return b
}

func TestDamage(t *testing.T) {
	b := real(t)
	good, err := Open(one(b))
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(io.NewSectionReader(good, 0, good.Size()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		open  string // part of the error of Open
		note  string
		read  string // part of the error of reading
	}{
		{"as it is", b, "", "", ""},
		{"empty", nil, "unexpected EOF", "", ""},
		{"the media is described by nobody", change(t, b, "volume", func(h, _ []byte) { copy(h, "VOLUME") }), "before the description", "", ""},
		{"chunks of 4 GiB", change(t, b, "volume", func(_, d []byte) { binary.LittleEndian.PutUint32(d[8:], 1<<23) }), "8388608 in a chunk", "", ""},
		{"sectors of nothing", change(t, b, "volume", func(_, d []byte) { binary.LittleEndian.PutUint32(d[12:], 0) }), "sectors of 0 bytes", "", ""},
		{"more sectors than chunks", change(t, b, "volume", func(_, d []byte) { binary.LittleEndian.PutUint64(d[16:], 1<<40) }), "", "only the first 131072 of", "short"},
		{"a table that claims too much", change(t, b, "table", func(_, d []byte) { binary.LittleEndian.PutUint32(d, 1<<31) }), "", "claims 2147483648 entries", ""},
		{"a table with a wrong entry, and a good copy", change(t, b, "table", func(_, d []byte) { d[tableHeader]++ }), "", "", ""},
		{"sections in a circle", change(t, b, "table2", func(h, _ []byte) { binary.LittleEndian.PutUint64(h[16:], fileHeader) }), "", "leads back", ""},
		{"a section of 2^63 bytes", change(t, b, "sectors", func(h, _ []byte) { binary.LittleEndian.PutUint64(h[24:], 1<<63) }), "", "impossible sizes", "no segment holds it"},
		{"a hash with a wrong checksum", change(t, b, "hash", func(_, d []byte) { d[3]++ }), "", "wrong checksum, its hashes are not taken", ""},
		{"a chunk that was changed", change(t, b, "sectors", func(_, d []byte) { d[20] ^= 0xff }), "", "", "chunk 0"},
		{"cut after the chunks", b[:sectionAt(t, b, "table")+10], "", "what follows is not read", "no segment holds it"},
		{"logical evidence", change(t, b, "table2", func(h, _ []byte) { copy(h, "ltree\x00") }), "logical evidence", "", ""},
	} {
		m, err := Open(one(c.bytes))
		if c.open != "" || err != nil {
			if err == nil || c.open == "" || !strings.Contains(err.Error(), c.open) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if notes := strings.Join(m.Notes(), "; "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s: notes %q", c.name, notes)
		}
		got := make([]byte, len(want))
		_, err = m.ReadAt(got, 0)
		switch {
		case c.read == "short":
			if _, err := m.ReadAt(got, 200<<10); err == nil || !strings.Contains(err.Error(), "no segment holds it") {
				t.Errorf("%s: %v", c.name, err)
			}
		case c.read != "":
			if err == nil || !strings.Contains(err.Error(), c.read) {
				t.Errorf("%s: %v", c.name, err)
			}
		case err != nil || !bytes.Equal(got, want):
			t.Errorf("%s: %v, equal: %v", c.name, err, bytes.Equal(got, want))
		}
	}
}

func TestEntriesBeyondTwoGiB(t *testing.T) {
	var b []byte
	for _, e := range []uint32{100 | 1<<31, 1<<31 - 40000, 1<<31 - 1000, 1<<31 + 32000, 1<<31 + 64000} {
		b = binary.LittleEndian.AppendUint32(b, e)
	}
	want := []uint64{100 | entryCompressed, 1<<31 - 40000, 1<<31 - 1000, 1<<31 + 32000, 1<<31 + 64000}
	for i, got := range decodeEntries(b, 0, 1<<31+96000) {
		if got != want[i] {
			t.Errorf("entry %d: %#x, want %#x", i, got, want[i])
		}
	}
}

// FuzzOpen opens anything, and reads of it. What a seed changes has right checksums.
func FuzzOpen(f *testing.F) {
	b := real(f)
	f.Add(b)
	f.Add(change(f, b, "table", func(_, d []byte) { binary.LittleEndian.PutUint32(d, 1<<31) }))
	f.Add(change(f, b, "volume", func(_, d []byte) { binary.LittleEndian.PutUint64(d[16:], 1<<50) }))
	f.Add(change(f, b, "hash", func(h, _ []byte) { copy(h, "error2") }))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Open(one(b))
		if err != nil {
			return
		}
		p := make([]byte, 70000)
		for _, off := range []int64{0, 32767, m.Size() - 5, m.Size(), m.Size() + 5, 1 << 61} {
			if n, err := m.ReadAt(p, off); n < len(p) && err == nil {
				t.Errorf("%d bytes at %d and no error", n, off)
			}
		}
	})
}

// FuzzHeader reads headers, uncompressed.
func FuzzHeader(f *testing.F) {
	f.Add([]byte("1\nmain\nc\tn\ta\n7\t3\tsomething\n\n"))
	f.Add([]byte("\xff\xfe1\x00\n\x00m\x00\n\x00c\x00\n\x007\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h := parseHeader(b); len(h) > 64 {
			t.Errorf("%d values", len(h))
		}
	})
}
