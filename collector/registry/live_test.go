package registry

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"hozen/collector/utf16"
)

// system answers as the kernel does, with buffers made after wdm.h.
type system struct {
	written uint64
	class   string
	link    string
	keys    []string
	values  []Value
	broken  []byte // instead of every answer, if not nil
	big     bool   // values are too long
}

func wide(s string) []byte {
	b, err := utf16.Bytes(s)
	if err != nil {
		panic(err)
	}
	return b
}

func valueBuffer(v Value) []byte {
	name := wide(v.Name)
	b := make([]byte, 20)
	binary.LittleEndian.PutUint32(b[4:], uint32(v.Type))
	binary.LittleEndian.PutUint32(b[8:], uint32(20+len(name)))
	binary.LittleEndian.PutUint32(b[12:], uint32(len(v.Data)))
	binary.LittleEndian.PutUint32(b[16:], uint32(len(name)))
	return append(append(b, name...), v.Data...)
}

func (s *system) get(what class, number int) ([]byte, error) {
	switch {
	case what == classBelow && number >= len(s.keys), what == classValue && number >= len(s.values):
		return nil, errNoMore
	case what == classLink && s.link == "":
		return nil, fs.ErrNotExist
	case s.broken != nil:
		return s.broken, nil
	}
	switch what {
	case classKey:
		b := make([]byte, 44)
		binary.LittleEndian.PutUint64(b, s.written)
		binary.LittleEndian.PutUint32(b[12:], 44)
		binary.LittleEndian.PutUint32(b[16:], uint32(len(wide(s.class))))
		binary.LittleEndian.PutUint32(b[20:], uint32(len(s.keys)))
		binary.LittleEndian.PutUint32(b[32:], uint32(len(s.values)))
		return append(b, wide(s.class)...), nil
	case classBelow:
		b := make([]byte, 16)
		binary.LittleEndian.PutUint32(b[12:], uint32(len(wide(s.keys[number]))))
		return append(b, wide(s.keys[number])...), nil
	case classLink:
		return valueBuffer(Value{Name: linkValue, Type: Link, Data: wide(s.link)}), nil
	}
	v := s.values[number]
	if s.big {
		b := make([]byte, 12)
		binary.LittleEndian.PutUint32(b[4:], uint32(v.Type))
		binary.LittleEndian.PutUint32(b[8:], uint32(len(wide(v.Name))))
		return append(b, wide(v.Name)...), ErrLimit
	}
	return valueBuffer(v), nil
}

func (s *system) open(name []uint16, link bool) (handle, error) { return nil, fs.ErrPermission }
func (s *system) close() error                                  { return nil }

func TestLiveBuffers(t *testing.T) {
	s := &system{written: 132726537727906426, class: "a class", link: `\REGISTRY\MACHINE\x`, keys: []string{"plain", "nul\x00in", "\xed\xa0\x80"},
		values: []Value{{Name: "", Type: SZ, Data: []byte("a\x00")}, {Name: "n\x00", Type: DWORD, Data: []byte{1}}, {Name: "none"}}}
	k := &Key{path: "x", node: live{s}}
	info, err := k.Info()
	if err != nil || info.Class != "a class" || info.Link != s.link || info.Keys != 3 || info.Values != 3 || info.Written.Year() != 2021 {
		t.Errorf("%+v, %v", info, err)
	}
	names, err := k.Subkeys()
	if err != nil || strings.Join(names, ",") != strings.Join(s.keys, ",") {
		t.Errorf("%q, %v", names, err)
	}
	values, err := k.Values()
	if err != nil || len(values) != 3 || values[1].Name != "n\x00" || string(values[1].Data) != "\x01" || values[2].Data != nil {
		t.Errorf("%+v, %v", values, err)
	}
	denied := 0
	for below, err := range k.Each() {
		if below != nil || !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(err.Error(), `x\`) {
			t.Errorf("%v, %v", below, err)
		}
		denied++
	}
	if denied != 3 {
		t.Errorf("%d", denied)
	}
	s.big = true
	if values, err := k.Values(); err != nil || len(values) != 3 || values[1].Name != "n\x00" || !errors.Is(values[1].Err, ErrLimit) {
		t.Errorf("too long: %+v, %v", values, err)
	}
	for n := range 20 {
		s.big, s.broken = false, make([]byte, n)
		if _, err := k.Values(); err == nil && n < 20 {
			t.Errorf("%d bytes of an answer, and no error", n)
		}
		if _, err := k.Info(); err == nil {
			t.Errorf("%d bytes of an answer, and no error", n)
		}
	}
}

func FuzzBuffers(f *testing.F) {
	f.Add(valueBuffer(Value{Name: "a", Type: SZ, Data: []byte("b\x00")}))
	f.Add(make([]byte, 44))
	f.Fuzz(func(t *testing.T, b []byte) {
		parseKeyFull(b)
		parseKeyBasic(b)
		parseValueBasic(b)
		if v, err := parseValueFull(b); err == nil && int64(len(v.Data)) != v.Size {
			t.Errorf("%d bytes of %d", len(v.Data), v.Size)
		}
	})
}
