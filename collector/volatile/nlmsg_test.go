package volatile

import (
	"bytes"
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

func FuzzNetlinkWalk(f *testing.F) {
	f.Add(appendMessage(nil, 20, 2, 1, []byte{7, 0, 3, 0, 'a', 'b', 'c', 0}))
	f.Fuzz(func(t *testing.T, raw []byte) {
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
