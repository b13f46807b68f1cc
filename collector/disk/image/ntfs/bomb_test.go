package ntfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"hozen/collector/disk/image/ntfs/layout"
)

// TestListOfNothing has a file whose list of attributes names two thousand records that
// are not there: it is told, is no tower of errors, and whoever lists the directory is
// told that streams may be missing.
func TestListOfNothing(t *testing.T) {
	const size = 64 << 10
	le := binary.LittleEndian
	b := make([]byte, size)
	copy(b, "FILE")
	le.PutUint16(b[4:], 48)
	le.PutUint16(b[6:], 1)
	le.PutUint16(b[20:], 56)
	le.PutUint16(b[22:], layout.InUse)
	list := b[56:]
	le.PutUint32(list, layout.TypeList)
	le.PutUint16(list[20:], 24)
	at := 24
	for n := 1; at+32 < size-100; n++ {
		le.PutUint32(list[at:], layout.TypeData)
		le.PutUint16(list[at+4:], 32)
		le.PutUint64(list[at+16:], uint64(n))
		at += 32
	}
	le.PutUint32(list[4:], uint32(at))
	le.PutUint32(list[16:], uint32(at-24))
	le.PutUint32(list[at:], 0xffffffff)
	le.PutUint32(b[24:], uint32(56+at+8))
	f := &FS{disk: bytes.NewReader(nil), boot: boot{recordSize: size, cluster: 4096}, kept: map[uint64]*file{}}
	f.mft = &stream{memory: b, size: size, written: size}
	d, err := f.file(0)
	if err != nil {
		t.Fatal(err)
	}
	if d.damage == nil || len(d.damage.Error()) > 1<<20 || !strings.Contains(d.damage.Error(), "are not read") {
		t.Errorf("%.200v", d.damage)
	}
	if again, _ := f.file(0); again != d {
		t.Error("it is read again for each of its names")
	}
	costly := map[uint64][]string{}
	if _, err := f.streamsOf(0, costly); err == nil || len(costly) != 1 {
		t.Errorf("nothing is said to be missing; %d kept", len(costly))
	}
}

func TestManyStreams(t *testing.T) {
	d := &file{}
	for i := range 1 << 16 {
		d.attrs = append(d.attrs, layout.Attribute{Kind: layout.TypeData, Name: fmt.Sprint(i % 50000)})
	}
	d.name()
	if len(d.streams) != maxStreams || d.damage == nil {
		t.Errorf("%d streams, %v", len(d.streams), d.damage)
	}
}
