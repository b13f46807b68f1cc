package winsys

import (
	"bytes"
	"testing"
)

func TestPieces(t *testing.T) {
	p := Pieces{{0x1000, []byte{1, 2, 3, 4}}, {0x7ff000001000, []byte{'h', 0, 'i', 0, 0, 0, 'x', 0}}, {0x20, nil}}
	back, err := ParsePieces(p.Append(nil))
	if err != nil || len(back) != 3 {
		t.Fatalf("%d pieces, %v", len(back), err)
	}
	if got := back.At(0x1001, 3); !bytes.Equal(got, []byte{2, 3, 4}) {
		t.Errorf("at 0x1001: %v", got)
	}
	for _, at := range []uint64{0, 0xfff, 0x1001, 0x1004, 0x20, 1 << 63} {
		if got := back.At(at, 4); got != nil {
			t.Errorf("4 bytes at %#x: %v", at, got)
		}
	}
	if got := back.Text(0x7ff000001000); got != "hi" {
		t.Errorf("text %q", got)
	}
	if got := back.Text(0x7ff000001006); got != "x" {
		t.Errorf("text without an end %q", got)
	}
	if got := back.Text(0); got != "" {
		t.Errorf("text at null %q", got)
	}
}

func FuzzPieces(f *testing.F) {
	f.Add(Pieces{{0x1000, []byte{1, 2, 3, 4}}, {16, []byte("a\x00b\x00")}}.Append(nil), uint64(0x1000))
	f.Add([]byte("short"), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, at uint64) {
		p, err := ParsePieces(b)
		if err == nil && !bytes.Equal(p.Append(nil), b) {
			t.Error("not the same bytes again")
		}
		p.Text(at)
		p.At(at, 8)
	})
}
