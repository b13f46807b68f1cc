package isolate

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"
)

// na is a netlink attribute: its data are strings and other attributes.
func na(typ uint16, data ...string) string {
	body := strings.Join(data, "")
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(body)))
	b = append(binary.NativeEndian.AppendUint16(b, typ), body...)
	return string(append(b, make([]byte, -len(body)&3)...))
}

// message is a netlink message.
func message(typ uint16, head []byte, attrs ...string) []byte {
	body := string(head) + strings.Join(attrs, "")
	b := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)
	return append(append(b, body...), make([]byte, -len(body)&3)...)
}

func nft(typ uint16, family byte, attrs ...string) []byte {
	return message(10<<8|typ, []byte{family, 0, 0, 0}, attrs...)
}

func u32(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
func u64(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// someDump is of a table of somebody else and of ours; the counters, the time left and our
// handles are made of n and left.
func someDump(n uint64, left uint64) []byte {
	counter := na(4, na(1, na(1, "counter\x00"), na(2, na(1, u64(n)), na(2, u64(n)))), na(1, na(1, "immediate\x00"), na(2, na(1, u32(0)))))
	return slices.Concat(
		nft(nftNewTable, 2, na(1, "fil\nter\x00"), na(2, u32(0)), na(4, u64(1))),
		nft(nftNewTable, 1, na(1, Table+"\x00"), na(2, u32(0)), na(4, u64(n))),
		nft(nftNewTable, 5, na(1, Table+"\x00"), na(2, u32(0)), na(4, u64(n+1))),
		nft(nftNewChain, 2, na(1, "fil\nter\x00"), na(3, "INPUT\x00"), na(2, u64(1)), na(8, na(1, u64(n)))),
		nft(nftNewChain, 5, na(1, Table+"\x00"), na(3, "in0\x00"), na(2, u64(n)), na(4, na(1, u32(0)), na(2, u32(1<<31)), na(4, na(1, "eth0\x00"), na(1, "eth1\x00")))),
		nft(nftNewRule, 2, na(1, "fil\nter\x00"), na(2, "INPUT\x00"), na(3, u64(5)), counter),
		nft(nftNewSet, 2, na(1, "fil\nter\x00"), na(2, "seen\x00"), na(3, u32(setDynamic))),
		nft(nftNewSet, 2, na(1, "fil\nter\x00"), na(2, "fixed\x00"), na(3, u32(0))),
		nft(nftNewSet, 1, na(1, Table+"\x00"), na(2, "armed\x00"), na(3, u32(setTimeout))),
		nft(nftNewElement, 2, na(1, "fil\nter\x00"), na(2, "seen\x00"), na(3, na(1, na(1, na(1, u64(n)))))),
		nft(nftNewElement, 2, na(1, "fil\nter\x00"), na(2, "fixed\x00"), na(3, na(1, na(1, na(1, u32(9)))))),
		nft(nftNewElement, 1, na(1, Table+"\x00"), na(2, "armed\x00"), na(3, na(1, na(1, na(1, u32(0))), na(4, u64(100)), na(5, u64(left))))),
		nft(nftNewElement, 5, na(1, Table+"\x00"), na(2, "armed\x00"), na(3, na(1, na(1, na(1, u32(0))), na(4, u64(100)), na(5, u64(left))))),
		nft(nftNewObject, 2, na(1, "fil\nter\x00"), na(2, "c\x00"), na(3, u32(1)), na(4, na(1, u64(n)))),
		nft(nftNewObject, 2, na(1, "fil\nter\x00"), na(2, "q\x00"), na(3, u32(2)), na(4, na(1, u64(1000)), na(4, u64(n)))),
	)
}

func parsed(t *testing.T, raw []byte) Ruleset {
	t.Helper()
	r, err := ParseRuleset(raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What traffic and time change is not a change of the rules.
func TestCountersAndClocksAreNoRules(t *testing.T) {
	a, b := parsed(t, someDump(7, 5000)), parsed(t, someDump(8, 4000))
	if a.rules().SHA256 != b.rules().SHA256 || a.oursSum() != b.oursSum() {
		t.Errorf("other counters, another hash:\n%s\n%s", a.rules().Text, b.rules().Text)
	}
	if d := differences(a, b); len(d) != 0 {
		t.Errorf("differences: %q", d)
	}
	if got, _ := a.ours(); got != Cut || a.left() != 5*time.Second {
		t.Errorf("ours: %s, holds %v", got, a.left())
	}
	if got, _ := parsed(t, someDump(7, 0)).ours(); got != Expired {
		t.Errorf("the time is over, but it says %s", got)
	}
	if got := (Around{Links: []string{"eth0", "eth2"}}).uncovered(a); !slices.Equal(got, []string{"eth2"}) {
		t.Errorf("uncovered: %q", got)
	}
	if text := a.rules().Text; strings.Contains(text, "fil\nter") || !strings.Contains(text, `"fil\nter"`) || !strings.Contains(text, "counter immediate(") {
		t.Errorf("text: %s", text)
	}
}

// Every other byte is: each byte of a message of somebody else's table is turned once.
func TestEveryByteOfOthersCounts(t *testing.T) {
	before := parsed(t, someDump(7, 5000))
	raw := someDump(7, 5000)
	var seen, unseen int
	for at := 0; at < len(raw); {
		size := int(binary.NativeEndian.Uint32(raw[at:]))
		typ := binary.NativeEndian.Uint16(raw[at+4:]) & 0xff
		if raw[at+16] == 2 && (typ == nftNewRule || typ == nftNewTable) {
			for i := at + 24; i < at+size; i++ {
				raw[i] ^= 1
				if after, err := ParseRuleset(raw); err != nil || len(differences(before, after)) > 0 {
					seen++
				} else {
					unseen++
				}
				raw[i] ^= 1
			}
		}
		at += (size + 3) &^ 3
	}
	// Not seen: padding, the flag bits of attribute types, and what is in the counter.
	if seen < 100 || unseen > 48 {
		t.Errorf("%d bytes count, %d do not", seen, unseen)
	}
	t.Logf("%d bytes count, %d do not", seen, unseen)
}

func TestDifferences(t *testing.T) {
	a := parsed(t, slices.Concat(nft(nftNewTable, 2, na(1, "x\x00")), nft(nftNewTable, 2, na(1, "y\x00"))))
	b := parsed(t, slices.Concat(nft(nftNewTable, 2, na(1, "y\x00"), na(2, u32(1))), nft(nftNewTable, 10, na(1, "x\x00")), nft(nftNewTable, 1, na(1, Table+"\x00"))))
	want := []string{"table ip x was removed", "table ip y was changed", "table ip6 x was added"}
	if got := differences(a, b); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, why := b.ours(); got != Expired || why == "" {
		t.Errorf("a table without its element: %s %s", got, why)
	}
}
