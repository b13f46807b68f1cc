package prefetch

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// TestSharedNames has a thousand volumes with the same names of 4 MiB.
func TestSharedNames(t *testing.T) {
	const names, at = 4 << 20, 512
	b := make([]byte, at+maxVolumes*96)
	le := binary.LittleEndian
	b[0] = 30
	copy(b[4:], "SCCA")
	le.PutUint32(b[84:], 304)
	le.PutUint32(b[atVolumes:], at)
	le.PutUint32(b[atVolumes+4:], maxVolumes)
	for i := range maxVolumes {
		e := b[at+96*i:]
		le.PutUint32(e, uint32(maxVolumes*96)) // the device: all that follows
		le.PutUint32(e[4:], names/2)
		le.PutUint32(e[28:], uint32(maxVolumes*96))
		le.PutUint32(e[32:], 32)
	}
	b = append(b, bytes.Repeat([]byte{0xff, 0xff}, names/2)...)
	row, err := Read(b)
	if row == nil || err == nil {
		t.Fatalf("%v, %v", row, err)
	}
	text := 0
	for _, v := range row.Volumes {
		text += len(v.Device)
		for _, d := range v.Directories {
			text += len(d)
		}
	}
	if text < maxText/2 || text > 2*maxText {
		t.Errorf("%d bytes of names", text)
	}
}
