package volatile

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// decodeFixture decodes recorded bytes of this kind, with the links known.
func decodeFixture(t testing.TB, name string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := jsonl.NewWriter(&buf)
	var tally evidence.Tally
	d := newNetDecoder(4026531840, &tally, func(any) {})
	d.rtnetlink(fixture(t, "link.nl"))
	d.row = func(r any) {
		if err := w.Row(r); err != nil {
			t.Error(err)
		}
	}
	body := fixture(t, name)
	family := xtFamily(name)
	switch {
	case family != "":
		n := binary.LittleEndian.Uint32(body)
		d.xtables(family, body[4:4+n], body[4+n:])
	case name == "nft.nl" || name == "conntrack.nl" || name == "ipset.nl":
		d.nfnetlink(body)
	default:
		d.rtnetlink(body)
	}
	if err := tally.Err(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	w.Flush()
	return buf.Bytes()
}

// xtFamily is the family of a recorded table, xt-DOMAIN-OPTION-TABLE.bin; "" if it is none.
func xtFamily(name string) string {
	f := strings.Split(name, "-")
	if len(f) < 4 {
		return ""
	}
	return map[string]string{"2-64": "ip", "10-64": "ip6", "2-96": "arp"}[f[1]+"-"+f[2]]
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "network", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRecordedDumps holds every decoder to rows that were looked through against
// what the recorded scene was made of.
func TestRecordedDumps(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the dumps were recorded on a little-endian machine")
	}
	dumps, _ := filepath.Glob(filepath.Join("testdata", "network", "*.nl"))
	blobs, _ := filepath.Glob(filepath.Join("testdata", "network", "*.bin"))
	if len(dumps)+len(blobs) < 16 {
		t.Fatalf("only %d dumps and %d blobs", len(dumps), len(blobs))
	}
	for _, p := range append(dumps, blobs...) {
		name := filepath.Base(p)
		t.Run(name, func(t *testing.T) {
			got := decodeFixture(t, name)
			want, err := os.ReadFile(p + ".jsonl")
			if os.Getenv("HOZEN_GOLDEN") != "" {
				err = os.WriteFile(p+".jsonl", got, 0o644)
				want = got
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v: got\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}
