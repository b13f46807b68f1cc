package vss

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"hozen/collector/filetime"
	"hozen/collector/hosttest"
)

const volumeBytes = 1 << 30

// pieces is a volume of which only some parts are at hand; the rest are zeros.
type pieces map[int64][]byte

func (p pieces) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	if off+int64(len(b)) > volumeBytes {
		return 0, io.EOF
	}
	for at, data := range p {
		for i := range b {
			if k := off + int64(i) - at; k >= 0 && k < int64(len(data)) {
				b[i] = data[k]
			}
		}
	}
	return len(b), nil
}

func testVolume(t testing.TB) pieces {
	t.Helper()
	b := hosttest.Unzip(t, "testdata/vsstest.pieces.gz")
	p := pieces{}
	for len(b) > 0 {
		at, n := int64(binary.LittleEndian.Uint64(b)), int(binary.LittleEndian.Uint64(b[8:]))
		p[at] = bytes.Clone(b[16 : 16+n])
		b = b[16+n:]
	}
	return p
}

// What libvshadow 20190323 says of the same volume.
func TestAgreesWithLibvshadow(t *testing.T) {
	h, copies, read, err := List(testVolume(t), volumeBytes)
	if err != nil || len(copies) != 2 {
		t.Fatalf("%v, %+v", err, copies)
	}
	for i, want := range []struct {
		id      string
		created uint64
	}{{"600f0b69-5bdf-11e3-9d6c-005056c00008", 130305261097363787}, {"600f0b6d-5bdf-11e3-9d6c-005056c00008", 130305262689190583}} {
		c := copies[i]
		if c.ID != want.id || !c.Created.Equal(filetime.Time(want.created)) || c.VolumeSize != volumeBytes || c.Sequence != uint64(i+1) {
			t.Errorf("%+v", c)
		}
		if c.Store == nil || c.Store.Machine != "infinity" || c.Store.Service != "infinity" || len(c.Store.CopyID) != 36 || c.Store.CopyID == copies[1-i].Store.CopyID {
			t.Errorf("%+v", c.Store)
		}
	}
	// The stores' files, as $MFT has them: records 37 and 40.
	if copies[0].FileReference&0xffff != 37 || copies[1].FileReference&0xffff != 40 || h.Catalog != 115539968 || len(read) != 7 {
		t.Errorf("%+v, %d pieces", h, len(read))
	}
}

func TestDamage(t *testing.T) {
	if _, copies, _, err := List(pieces{}, volumeBytes); !errors.Is(err, ErrNone) || copies != nil {
		t.Errorf("an empty volume: %v", err)
	}
	if _, _, _, err := List(bytes.NewReader(nil), 0); err == nil || errors.Is(err, ErrNone) {
		t.Errorf("no volume: %v", err)
	}
	v := testVolume(t)
	_, whole, _, _ := List(v, volumeBytes)
	clear(v[whole[0].Header][:16])
	if _, copies, _, err := List(v, volumeBytes); err == nil || len(copies) != 2 || copies[0].Store != nil || copies[1].Store == nil {
		t.Errorf("without a store: %v, %+v", err, copies)
	}
	v = testVolume(t)
	binary.LittleEndian.PutUint64(v[115556352][40:], 115539968) // the second block leads to the first
	if _, copies, _, err := List(v, volumeBytes); err == nil || len(copies) != 2 {
		t.Errorf("a circle: %v, %d", err, len(copies))
	}
	v = testVolume(t)
	binary.LittleEndian.PutUint64(v[headerAt][48:], 1<<62)
	if _, copies, _, err := List(v, volumeBytes); err == nil || len(copies) != 0 {
		t.Errorf("a catalog outside: %v, %d", err, len(copies))
	}
}

func FuzzList(f *testing.F) {
	v := testVolume(f)
	f.Add(uint16(48), []byte{0}, uint16(40), []byte{1}, uint16(130), []byte{0xff, 0xff})
	f.Add(uint16(0), []byte{1}, uint16(128), []byte{3}, uint16(192), []byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, at1 uint16, head []byte, at2 uint16, catalog []byte, at3 uint16, store []byte) {
		damaged := pieces{}
		for at, b := range v {
			damaged[at] = bytes.Clone(b)
		}
		patch := func(b []byte, at uint16, with []byte) { copy(b[min(int(at), len(b)):], with) }
		patch(damaged[headerAt], at1, head)
		patch(damaged[115539968], at2, catalog)
		patch(damaged[827719680], at3, store)
		List(damaged, volumeBytes)
	})
}
