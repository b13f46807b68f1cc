package volatile

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"hozen/collector/section"
	"hozen/packager/evidence"
)

// fuzzDecoder gives a decoder whose rows must all be JSON.
func fuzzDecoder(t *testing.T) *netDecoder {
	var tally evidence.Tally
	return newNetDecoder(1, &tally, func(r any) {
		if _, err := json.Marshal(r); err != nil {
			t.Fatalf("%T: %v", r, err)
		}
	})
}

func seed(f *testing.F, pattern string) {
	names, _ := filepath.Glob(filepath.Join("testdata", "network", pattern))
	if len(names) == 0 {
		f.Fatalf("no seed %s", pattern)
	}
	for _, n := range names {
		f.Add(fixture(f, filepath.Base(n)))
	}
}

func FuzzRtnetlink(f *testing.F) {
	seed(f, "*.nl")
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzDecoder(t).rtnetlink(b)
		filterParents(b)
		nsidOf(b)
	})
}

func FuzzNfnetlink(f *testing.F) {
	for _, name := range []string{"nft.nl", "conntrack.nl", "ipset.nl"} {
		seedMessages(f, fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzDecoder(t).nfnetlink(b)
		nftSets(b)
	})
}

// seedMessages adds each message by itself: the fuzzer shortens every input that
// finds something new, in time that grows with the square of its length.
func seedMessages(f *testing.F, raw []byte) {
	for {
		_, rest, ok := nextMessage(raw)
		if !ok {
			return
		}
		if n := len(raw) - len(rest); n <= 400 {
			f.Add(raw[:n:n])
		}
		raw = rest
	}
}

// seedXtables adds each entry of the recorded tables by itself, behind the
// answer to GET_INFO and struct ipt_get_entries.
func seedXtables(f *testing.F) {
	names, _ := filepath.Glob("testdata/network/*.bin")
	for _, name := range names {
		family, b := xtFamily(filepath.Base(name)), fixture(f, filepath.Base(name))
		n := 4 + u32at(b, 0)
		t, err := parseXtables(family, b[4:n], b[n:])
		if err != nil {
			f.Fatal(err)
		}
		_ = t.each(func(_ int, entry []byte, _ int) {
			f.Add(uint8(slices.Index(xtFamilies(), family)), append(b[:n+40:n+40], entry...))
		})
	}
}

func FuzzXtables(f *testing.F) {
	seedXtables(f)
	f.Fuzz(func(t *testing.T, family uint8, b []byte) {
		if n := min(int(u32at(b, 0)), len(b)-4); n >= 0 {
			fuzzDecoder(t).xtables(xtFamilies()[family%3], b[4:4+n], b[4+n:])
		}
	})
}

func xtFamilies() []string { return []string{"ip", "ip6", "arp"} }

func FuzzNetworkText(f *testing.F) {
	f.Add([]byte("==> /proc/net/igmp 6 bytes <==\n:\n1 2 \n\n"))
	f.Add([]byte("==> /proc/net/dev 12 bytes <==\na\nb\neth0: 1 2\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := fuzzDecoder(t)
		d.procNet(b)
		d.xtablesSections(b)
		d.nsids(b)
		d.conntrackText(b)
		for _, name := range procNetNames() {
			d.procNet(section.Append(nil, "/proc/net/"+name, false, b, nil))
		}
	})
}

func FuzzNetworkFiles(f *testing.F) {
	f.Add([]byte("network={\nssid=\"a\"\npsk=b\n}\n[wifi]\nssid=72;111;\nlease {\n fixed-address 1;\n}\n"))
	f.Add([]byte("network:\n wifis:\n  w0:\n   access-points:\n    x: {password: y, auth: {auth: {}}}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range netFileSources() {
			file := netFile{kind: s.kind, name: s.name + "x=00.psk", body: b}
			var tally evidence.Tally
			file.rows(fuzzDecoder(t).row, &tally)
		}
	})
}
