package isolate

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestParseLinks(t *testing.T) {
	head := func(index, flags byte) []byte { return []byte{0, 0, 0, 0, index, 0, 0, 0, flags, 0, 0, 0, 0, 0, 0, 0} }
	raw := slices.Concat(
		message(16, head(1, 8|1), na(3, "lo\x00")),
		message(16, head(2, 1), na(3, "eth0\x00"), na(43, na(2, "\x02"))),
		message(16, head(3, 1), na(3, "wg0\x00"), na(18, na(1, "wireguard\x00"))),
		message(17, head(4, 1), na(3, "gone\x00")))
	got, err := parseLinks(raw)
	want := []link{{1, "lo", "", true, false}, {2, "eth0", "", false, true}, {3, "wg0", "wireguard", false, false}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := parseLinks(raw[:len(raw)-1]); err == nil {
		t.Error("a message that was cut was taken")
	}
}

func TestParseWay(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		want way
	}{
		"a router":                   {message(24, make([]byte, 12), na(4, "\x02\x00\x00\x00"), na(5, "\xc0\x00\x02\x01")), way{2, netip.MustParseAddr("192.0.2.1")}},
		"a router of another family": {message(24, make([]byte, 12), na(4, "\x02\x00\x00\x00"), na(18, "\x0a\x00", string(netip.MustParseAddr("fe80::1").AsSlice()))), way{2, netip.MustParseAddr("fe80::1")}},
		"on the link":                {message(24, make([]byte, 12), na(4, "\x03\x00\x00\x00")), way{index: 3}},
	} {
		if got, err := parseWay(c.raw); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestParseLeases(t *testing.T) {
	raw := slices.Concat(
		message(20, make([]byte, 8), na(2, "\xc0\x00\x02\x01"), na(6, "\x00\x00\x00\x00\x10\x0e\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")),
		message(20, make([]byte, 8), na(2, "\xc0\x00\x02\x02"), na(6, "\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00")))
	got, err := parseLeases(raw)
	if err != nil || !slices.Equal(got, []lease{{netip.MustParseAddr("192.0.2.1"), 3600}}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseGeneration(t *testing.T) {
	raw := message(nfnlNftables<<8|nftNewGen, []byte{0, 0, 0, 7}, na(1, "\x00\x01\x02\x03"), na(2, "\x00\x00\x00\x09"))
	if n, err := parseGeneration(raw); err != nil || n != 0x10203 {
		t.Errorf("%#x, %v", n, err)
	}
	if _, err := parseGeneration(raw[:len(raw)-1]); err == nil {
		t.Error("a message that was cut was taken")
	}
}

// The warning says when, what cuts it, and what comes of it.
func TestLeaseWarning(t *testing.T) {
	got := lease{netip.MustParseAddr("192.0.2.1"), 5400}.warning()
	for _, want := range []string{"192.0.2.1 ends in 1h30m0s", "DHCP is cut", "after a restart", "hub"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}
