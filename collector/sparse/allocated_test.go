package sparse

import (
	"encoding/binary"
	"testing"
)

func TestFirstAllocated(t *testing.T) {
	answer := func(from, length uint64) []byte {
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, from), length)
	}
	for _, c := range []struct {
		b        []byte
		from, to int64
		ok       bool
	}{
		{answer(0, 65536), 10, 65536, true}, {answer(131072, 1<<40), 131072, 200000, true}, {nil, 0, 0, false}, {answer(0, 5), 0, 0, false},
		{answer(300000, 1), 0, 0, false}, {answer(0, 0), 0, 0, false}, {answer(1<<63, 1), 0, 0, false}, {answer(20, 1<<63), 0, 0, false},
	} {
		from, to, ok := firstAllocated(c.b, 10, 200000)
		if ok != c.ok || ok && (from != c.from || to != c.to) {
			t.Errorf("%x: %d to %d, %v", c.b, from, to, ok)
		}
	}
}
