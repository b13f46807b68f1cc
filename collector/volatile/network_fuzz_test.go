package volatile

import (
	"encoding/json"
	"path/filepath"
	"testing"

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
	})
}

func FuzzNfnetlink(f *testing.F) {
	seed(f, "nft.nl")
	seed(f, "conntrack.nl")
	seed(f, "ipset.nl")
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzDecoder(t).nfnetlink(b)
		nftSets(b)
	})
}

func FuzzXtables(f *testing.F) {
	seed(f, "*.bin")
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, family := range []string{"ip", "ip6", "arp"} {
			n := min(int(u32at(b, 0)), len(b)-4)
			if n < 0 {
				return
			}
			fuzzDecoder(t).xtables(family, b[4:4+n], b[4+n:])
		}
	})
}

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
			d.procNet(appendSection(nil, "/proc/net/"+name, false, b, nil))
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
