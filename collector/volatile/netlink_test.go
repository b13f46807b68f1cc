package volatile

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestMessagesAndAttributesAreCutWhereTheirLengthsSay(t *testing.T) {
	attrs := []byte{7, 0, 3, 0x80, 'a', 'b', 'c', 0, 4, 0, 9, 0}
	raw := appendMessage(nil, 20, nlfRequest|nlfDump, 7, attrs)
	raw = appendMessage(raw, nlmsgDone, 2, 7, []byte{0, 0, 0, 0})
	m, rest, ok := nextMessage(raw)
	if !ok || m.Type != 20 || m.Seq != 7 || m.Flags != 0x301 || !bytes.Equal(m.Body, attrs) {
		t.Fatalf("first message %+v, %v", m, ok)
	}
	typ, val, more, ok := nextAttr(m.Body)
	if !ok || typ != 3 || string(val) != "abc" {
		t.Errorf("first attribute %d %q %v: the flag bits are no part of the type", typ, val, ok)
	}
	if typ, val, more, ok = nextAttr(more); !ok || typ != 9 || len(val) != 0 || len(more) != 0 {
		t.Errorf("second attribute %d %q, %d bytes left, %v", typ, val, len(more), ok)
	}
	if m, rest, ok = nextMessage(rest); !ok || m.Type != nlmsgDone || len(rest) != 0 {
		t.Errorf("last message %+v, %d bytes left, %v", m, len(rest), ok)
	}
	if _, _, ok = nextMessage(rest); ok {
		t.Error("a message after the end")
	}
}

func TestLyingLengthsEndTheWalk(t *testing.T) {
	for _, b := range [][]byte{nil, {1}, {15, 0, 0, 0}, append([]byte{255, 255, 255, 255}, make([]byte, 40)...), make([]byte, 40)} {
		if _, _, ok := nextMessage(b); ok {
			t.Errorf("message in % x", b)
		}
	}
	for _, b := range [][]byte{nil, {3, 0, 1, 0}, {9, 0, 1, 0, 1}, make([]byte, 8)} {
		if _, _, _, ok := nextAttr(b); ok {
			t.Errorf("attribute in % x", b)
		}
	}
}

func TestWhatEndsAnAnswer(t *testing.T) {
	word := func(n int32) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(n)) }
	for _, c := range []struct {
		typ, flags    uint16
		seq           uint32
		body          []byte
		done, changed bool
		errno         uint32
	}{
		{20, 0, 7, nil, false, false, 0},
		{20, nlfDumpInterrupt, 7, nil, false, true, 0},
		{nlmsgDone, 0, 7, word(0), true, false, 0},
		{nlmsgDone, 0, 6, word(0), false, false, 0}, // of another request
		{nlmsgDone, nlfDumpInterrupt, 7, word(-4), true, true, 4},
		{nlmsgError, 0, 7, word(-1), true, false, 1},
		{nlmsgError, 0, 7, word(5), true, false, 0},
		{nlmsgError, 0, 7, word(-1 << 31), true, false, 1 << 31},
		{nlmsgError, 0, 7, nil, true, false, 0},
	} {
		b := appendMessage(appendMessage(nil, 21, 0, 7, nil), c.typ, c.flags, c.seq, c.body)
		if done, changed, errno := answerEnds(b, 7); done != c.done || changed != c.changed || errno != c.errno {
			t.Errorf("%+v: %v %v %d", c, done, changed, errno)
		}
	}
}

func FuzzNetlinkWalk(f *testing.F) {
	f.Add(appendMessage(nil, 20, 2, 1, []byte{7, 0, 3, 0, 'a', 'b', 'c', 0}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		answerEnds(raw, 1)
		total := 0
		for {
			m, rest, ok := nextMessage(raw)
			if !ok {
				break
			}
			if total += nlHeaderLen + len(m.Body); len(rest) >= len(raw) {
				t.Fatal("the walk does not move on")
			}
			for b := m.Body; ; {
				_, _, more, ok := nextAttr(b)
				if !ok {
					break
				}
				if len(more) >= len(b) {
					t.Fatal("the walk of attributes does not move on")
				}
				b = more
			}
			raw = rest
		}
	})
}
