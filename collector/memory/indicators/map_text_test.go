package indicators

import (
	"bytes"
	"slices"
	"testing"
)

func TestDifference(t *testing.T) {
	was := make([]byte, 64)
	is := slices.Clone(was)
	is[3], is[6], is[20], is[63] = 1, 1, 1, 1
	if got := difference(is, was); !slices.Equal(got, []mapDiffer{{3, 7}, {20, 21}, {63, 64}}) {
		t.Error(got)
	}
	if got := difference(is, is); got != nil {
		t.Error(got)
	}
	if got := difference(is, nil); got != nil {
		t.Error(got)
	}
}

func TestOnlyBreakpoints(t *testing.T) {
	file := bytes.Repeat([]byte{0x55, 0x48, 0x89, 0xe5}, 16)
	for _, c := range []struct {
		name string
		at   int
		with string
		want bool
	}{
		{"int3", 5, "\xcc", true},
		{"brk #0", 8, "\x00\x00\x20\xd4", true},
		{"brk #5", 8, "\xa0\x00\x20\xd4", true},
		{"a jump", 5, "\xe9\x01\x02\x03\x04", false},
		{"a run of int3", 5, "\xcc\xcc\xcc\xcc", false},
		{"int3 and more", 5, "\xcc\x90", false},
	} {
		mem := slices.Clone(file)
		copy(mem[c.at:], c.with)
		text := &mapText{written: []mapWritten{{mem: mem, file: file, differ: difference(mem, file)}}}
		if got := onlyBreakpoints(text); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// FuzzOpenELF: a file that says it is ELF may be anything.
func FuzzOpenELF(f *testing.F) {
	f.Add([]byte(elfMagic + "\x02\x01\x01"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		file := bytes.NewReader(b)
		symbolsOf(file)(0x1000)
		selfPatching(file, &mapText{})
	})
}
