package wmi

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// TestHeapBombs has 4 MiB, as much as a record can have, in which every byte begins
// what may be a string, a heap, or neither.
func TestHeapBombs(t *testing.T) {
	wide := append(bytes.Repeat([]byte{1}, maxRecord), 0, 0)
	if out := heapStrings(wide); len(out) > 1 {
		t.Errorf("%d strings", len(out))
	}
	if out := heapStrings(append(bytes.Repeat([]byte{1, 1, 0}, maxRecord/3), 0, 0)); len(out) > maxStrings {
		t.Errorf("%d strings", len(out))
	}
	heaps := bytes.Repeat([]byte{1, 0, 0x10, 0x80}, maxRecord/4) // each says 1 MiB, and its first string is as long
	findHeap(heaps, strings.Repeat("x", maxName))
	if got := findHeap(heaps, strings.Repeat("x", maxName+1)); len(got) == 0 {
		t.Error("nothing is left of the block")
	}
}

// TestHeapStrings is what is found beside what is not text.
func TestHeapStrings(t *testing.T) {
	b := []byte{7, 7, 0}
	b = append(b, "latin\x00"...)
	b = append(b, 1, 'a', 0, 2, 0, 'b', 0, 'c', 0, 'd', 0, 0, 0, 9) // a unit that is no text
	b = append(b, 1, 'w', 0, 'i', 0, 'd', 0, 'e', 0, 0, 0)
	if got := strings.Join(heapStrings(b), ","); got != "latin,wide" {
		t.Errorf("%q", got)
	}
}

// TestSharedText has a thousand properties, and arrays of 64 Ki, of the same text.
func TestSharedText(t *testing.T) {
	heap := make([]byte, 4+4*maxElement)
	binary.LittleEndian.PutUint32(heap, maxElement)
	text := uint32(len(heap))
	for i := range maxElement {
		binary.LittleEndian.PutUint32(heap[4+4*i:], text)
	}
	heap = append(heap, 0)
	heap = append(append(heap, bytes.Repeat([]byte{'x'}, 1<<20)...), 0)
	for _, kind := range []uint32{typeString, typeString | typeArray} {
		c, table := class{}, make([]byte, (2*maxProperties+7)/8)
		for i := range maxProperties {
			at := text
			if kind&typeArray != 0 {
				at = 0
			}
			c.fields = append(c.fields, field{name: "p", kind: kind, offset: uint32(4 * i)})
			table = binary.LittleEndian.AppendUint32(table, at)
		}
		out, full := properties(heap, table, c)
		i := Instance{Properties: out}
		if n := i.weight(); !full || n == 0 || n > 3*maxText {
			t.Errorf("%#x: %d properties with %d bytes, %v", kind, len(out), n, full)
		}
	}
}
