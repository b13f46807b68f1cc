package proc

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// entryOf makes one struct linux_dirent64, padded to 8 as the kernel does.
func entryOf(name string) []byte {
	b := make([]byte, 19, 64)
	b = append(append(b, name...), 0)
	b = append(b, make([]byte, -len(b)&7)...)
	binary.NativeEndian.PutUint16(b[16:], uint16(len(b)))
	return b
}

func TestNumbersOfADirectory(t *testing.T) {
	names := []string{".", "..", "0", "1", "4194304", "self", "1x", "x1", "-1", "2147483648", "99999999999999999999999"}
	var raw []byte
	for _, n := range names {
		raw = append(raw, entryOf(n)...)
	}
	if got, want := AppendEntryNumbers(nil, raw), []int{0, 1, 4194304}; !slices.Equal(got, want) {
		t.Errorf("by entries %v, want %v", got, want)
	}
	if got, want := AppendNumbers(nil, append(names, "007")), []int{0, 1, 4194304}; !slices.Equal(got, want) {
		t.Errorf("by names %v, want %v", got, want)
	}
}

func FuzzDirectoryEntries(f *testing.F) {
	f.Add(append(entryOf("17"), entryOf("maps")...))
	f.Add(entryOf("x")[:20])
	f.Fuzz(func(t *testing.T, raw []byte) {
		AppendEntryNumbers(nil, raw)
		for {
			name, rest, ok := nextEntry(raw)
			if !ok {
				return
			}
			if len(name)+len(rest) >= len(raw) || bytes.IndexByte(name, 0) >= 0 {
				t.Fatalf("%q and %d bytes of %d", name, len(rest), len(raw))
			}
			raw = rest
		}
	})
}
