package registry

import (
	"errors"
	"slices"
	"testing"

	"hozen/collector/registry/hivetest"
)

func TestText(t *testing.T) {
	for _, c := range []struct {
		value Value
		text  string
		odd   bool
	}{
		{Value{Type: SZ, Data: hivetest.Text("a b")}, "a b", false},
		{Value{Type: ExpandSZ, Data: hivetest.Text("%TEMP%")}, "%TEMP%", false},
		{Value{Type: Link, Data: hivetest.Text("x")[:2]}, "x", false},
		{Value{Type: SZ}, "", false},
		{Value{Type: SZ, Data: []byte("a\x00")}, "a", true},
		{Value{Type: SZ, Data: []byte("a\x00b")}, "a", true},
		{Value{Type: SZ, Data: []byte{0x41}}, "", true},
		{Value{Type: SZ, Data: []byte("a\x00\x00\x00\x00\x00")}, "a", false},
		{Value{Type: SZ, Data: []byte("a\x00\x00\x00b\x00\x00\x00")}, "a", true},
		{Value{Type: SZ, Data: []byte{0x3d, 0xd8, 0, 0}}, "\xed\xa0\xbd", false},
	} {
		got, err := c.value.Text()
		if err != nil || got != c.text || (c.value.Odd() != "") != c.odd {
			t.Errorf("%x: %q, %v, odd %q", c.value.Data, got, err, c.value.Odd())
		}
	}
	if _, err := (Value{Type: Binary, Data: hivetest.Text("a")}).Text(); !errors.Is(err, ErrType) {
		t.Errorf("text of a REG_BINARY: %v", err)
	}
}

func TestTexts(t *testing.T) {
	for _, c := range []struct {
		value Value
		texts []string
		odd   bool
	}{
		{valueOf(hivetest.MultiSZ("", "a", "bc")), []string{"a", "bc"}, false},
		{Value{Type: MultiSZ}, nil, false},
		{Value{Type: MultiSZ, Data: []byte{0, 0}}, nil, false},
		{Value{Type: MultiSZ, Data: []byte("a\x00\x00\x00")}, []string{"a"}, false},
		{Value{Type: MultiSZ, Data: []byte("a\x00")}, []string{"a"}, true},
		{Value{Type: MultiSZ, Data: []byte("a\x00\x00\x00b")}, []string{"a"}, true},
		{Value{Type: MultiSZ, Data: []byte("a\x00\x00\x00\x00\x00b\x00\x00\x00")}, []string{"a"}, true},
		{Value{Type: SZ, Data: hivetest.Text("one")}, []string{"one"}, false},
	} {
		got, err := c.value.Texts()
		if err != nil || !slices.Equal(got, c.texts) || (c.value.Odd() != "") != c.odd {
			t.Errorf("%x: %q, %v, odd %q", c.value.Data, got, err, c.value.Odd())
		}
	}
}

func valueOf(v hivetest.Value) Value {
	return Value{Name: v.Name, Type: Type(v.Type), Data: v.Data, Size: int64(len(v.Data))}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		value Value
		want  uint64
		ok    bool
	}{
		{Value{Type: DWORD, Data: []byte{1, 2, 0, 0}}, 0x201, true},
		{Value{Type: DWORDBigEndian, Data: []byte{0, 0, 2, 1}}, 0x201, true},
		{Value{Type: DWORD, Data: []byte{1, 2, 0, 0, 9}}, 0x201, true},
		{Value{Type: DWORD, Data: []byte{1, 2, 0}}, 0, false},
		{Value{Type: QWORD, Data: []byte{1, 0, 0, 0, 1, 0, 0, 0}}, 1<<32 | 1, true},
		{Value{Type: QWORD, Data: []byte{1, 0, 0, 0}}, 0, false},
		{Value{Type: SZ, Data: []byte("1\x00\x00\x00")}, 0, false},
		{Value{Type: 0xffffffff, Data: make([]byte, 8)}, 0, false},
	} {
		got, err := c.value.QWORD()
		if got != c.want || (err == nil) != c.ok || !c.ok && !errors.Is(err, ErrType) {
			t.Errorf("%s % x: %d, %v", c.value.Type, c.value.Data, got, err)
		}
	}
}

func FuzzValue(f *testing.F) {
	f.Add(uint32(1), []byte("a\x00\x00\x00"))
	f.Add(uint32(7), []byte("a\x00\x00\x00\x00\x00"))
	f.Add(uint32(4), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, kind uint32, b []byte) {
		v := Value{Type: Type(kind), Data: b}
		texts, _ := v.Texts()
		for _, s := range texts {
			if s == "" {
				t.Error("an empty text")
			}
		}
		v.Text()
		v.QWORD()
		v.Odd()
	})
}
