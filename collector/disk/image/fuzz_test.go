package image

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
)

// FuzzPartitions looks for tables in anything.
func FuzzPartitions(f *testing.F) {
	disk := make([]byte, 64<<10)
	disk[510], disk[511] = 0x55, 0xaa
	for i, e := range [][]byte{
		{0x80, 0, 0, 0, 0x83, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0},
		{0, 0, 0, 0, 5, 0, 0, 0, 64, 0, 0, 0, 60, 0, 0, 0},
	} {
		copy(disk[446+16*i:], e)
	}
	ebr := disk[64*512:]
	ebr[510], ebr[511] = 0x55, 0xaa
	copy(ebr[446:], []byte{0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0})
	copy(ebr[462:], []byte{0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0}) // leads to itself
	f.Add(disk)
	gpt := make([]byte, 64<<10)
	gpt[510], gpt[511], gpt[450] = 0x55, 0xaa, 0xee
	copy(gpt[512:], "EFI PART")
	binary.LittleEndian.PutUint32(gpt[512+12:], 92)
	f.Add(gpt)
	e01, err := os.ReadFile("testdata/image.E01")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e01)
	f.Fuzz(func(t *testing.T, b []byte) {
		got := readPartitions(bytes.NewReader(b), int64(len(b)), 0)
		for _, p := range got.parts {
			if p.Start < 0 || p.Size < 0 || p.Size > int64(len(b)) || p.Size > 0 && p.Start > int64(len(b))-p.Size {
				t.Errorf("%+v on a medium of %d bytes", p, len(b))
			}
		}
		if len(got.notes) > 32 || len(got.parts) > maxLogical+8 && got.scheme == "mbr" {
			t.Errorf("%d notes, %d partitions", len(got.notes), len(got.parts))
		}
	})
}

// FuzzGPTHeader gives headers that have the right checksum.
func FuzzGPTHeader(f *testing.F) {
	b := make([]byte, 512)
	copy(b, "EFI PART")
	binary.LittleEndian.PutUint32(b[12:], 92)
	binary.LittleEndian.PutUint32(b[80:], 128)
	binary.LittleEndian.PutUint32(b[84:], 128)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 512 {
			return
		}
		g, _, size, err := parseGPTHeader(b)
		if err == nil && (size < 0 || size > maxGPTEntries || g.each < 128) {
			t.Errorf("%d bytes of entries of %d", size, g.each)
		}
	})
}
