package vmdk

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"
)

// sparse makes a disk of four grains of 4 KiB, of which the second is there: header,
// descriptor, directory, table, grain.
func sparse(compressed bool, change func(h *header, b []byte)) []byte {
	b := make([]byte, 4*512+4096)
	h := &header{Version: 1, Capacity: 32, GrainSize: 8, DescriptorOffset: 1, DescriptorSize: 1, PerTable: 512, DirectoryAt: 2}
	copy(h.Magic[:], Magic)
	copy(b[512:], "# Disk DescriptorFile\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n")
	binary.LittleEndian.PutUint32(b[1024:], 3)
	b = append(b[:1536:1536], make([]byte, 2048+4096+12)...)
	const at = 1536 + 2048
	binary.LittleEndian.PutUint32(b[1536+4:], at/512)
	data := bytes.Repeat([]byte{7}, 4096)
	if compressed {
		h.Flags, h.Compression = flagCompressed, 1
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		w.Write(data)
		w.Close()
		binary.LittleEndian.PutUint32(b[at+8:], uint32(z.Len()))
		copy(b[at+12:], z.Bytes())
	} else {
		copy(b[at:], data)
	}
	if change != nil {
		change(h, b)
	}
	if _, err := binary.Encode(b, binary.LittleEndian, h); err != nil {
		panic(err)
	}
	return b
}

func TestSparse(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		b := sparse(compressed, nil)
		m, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5*4096)
		n, err := m.ReadAt(got, 0)
		if n != 4*4096 || err != io.EOF || got[4095] != 0 || got[4096] != 7 || got[8191] != 7 || got[8192] != 0 {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

func TestLies(t *testing.T) {
	put := binary.LittleEndian.PutUint32
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":                  {nil, "unexpected EOF"},
		"no magic":               {make([]byte, 4096), "magic"},
		"grains of nothing":      {sparse(false, func(h *header, _ []byte) { h.GrainSize = 0 }), "grains of 0"},
		"grains of 2^60 sectors": {sparse(false, func(h *header, _ []byte) { h.GrainSize = 1 << 60 }), "grains of"},
		"2^32 entries":           {sparse(false, func(h *header, _ []byte) { h.PerTable = 1<<32 - 1 }), "entries in a table"},
		"2^60 sectors":           {sparse(false, func(h *header, _ []byte) { h.Capacity = 1 << 60 }), "a disk of"},
		"a directory outside":    {sparse(false, func(h *header, _ []byte) { h.DirectoryAt = 1 << 60 }), "the directory at"},
		"a descriptor outside":   {sparse(false, func(h *header, _ []byte) { h.DescriptorOffset = 1 << 60 }), "a descriptor of"},
		"a long descriptor":      {sparse(false, func(h *header, _ []byte) { h.DescriptorSize = 1 << 40 }), "a descriptor of"},
		"a parent":               {sparse(false, func(_ *header, b []byte) { copy(b[512:], "#Descr\nparentCID=12345678\n#") }), "a parent"},
		"parts":                  {sparse(false, func(_ *header, b []byte) { copy(b[512:], "createType=\"vmfs\"\n#") }), "other files"},
		"unknown compression":    {sparse(true, func(h *header, _ []byte) { h.Compression = 9 }), "unknown compression 9"},
		"a table outside":        {sparse(false, func(_ *header, b []byte) { put(b[1024:], 1<<31) }), "its table of grains"},
		"a grain outside":        {sparse(false, func(_ *header, b []byte) { put(b[1536:], 1<<31) }), "beyond the end of the file"},
		"a grain of 4 GiB":       {sparse(true, func(_ *header, b []byte) { put(b[3584+8:], 1<<32-1) }), "a compressed grain of"},
		"a grain of noise":       {sparse(true, func(_ *header, b []byte) { put(b[3584+12:], 1<<32-1) }), "its grain at 3584"},
		"a stream without end":   {sparse(false, func(h *header, _ []byte) { h.DirectoryAt = atEnd }), "at its end"},
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

// FuzzOpen opens anything, and reads of it.
func FuzzOpen(f *testing.F) {
	f.Add(sparse(false, nil))
	f.Add(sparse(true, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
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
