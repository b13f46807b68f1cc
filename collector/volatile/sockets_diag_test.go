package volatile

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

func familyNamed(t testing.TB, name string) *diagFamily {
	for _, f := range diagFamilies() {
		if f.name == name {
			return &f
		}
	}
	t.Fatalf("no family %s", name)
	return nil
}

// The dumps in testdata/sockdiag are the kernel's own bytes (see README.md
// there), of a little-endian machine.
func TestDumpsOfARealKernel(t *testing.T) {
	if bigEndian() {
		t.Skip("the dumps are of a little-endian machine")
	}
	for _, c := range []struct {
		name   string
		want   []string // each must be a row
		detail func(r *SocketRow) bool
	}{
		{"tcp", []string{"listen 0.0.0.0", "established 127.0.0.1"}, func(r *SocketRow) bool {
			return r.UID != nil && (r.State != "listen" || r.Mem != nil && r.Cong != "" && r.SendQ == 7) && (r.State != "established" || r.TCP != nil) && r.Cookie != 0
		}},
		{"tcp6", []string{"listen ::"}, func(r *SocketRow) bool { return r.Family == "inet6" }},
		{"udp", []string{"close 0.0.0.0"}, func(r *SocketRow) bool { return r.LocalPort != 0 }},
		{"mptcp", []string{"listen 0.0.0.0"}, func(r *SocketRow) bool { return r.Protocol == "mptcp" && r.Inode != 0 }},
		{"unix", []string{"close "}, func(r *SocketRow) bool { return r.Abstract && r.Path[:7] == "hozen\n\x1b" && r.Type == "stream" }},
		{"packet", []string{" "}, func(r *SocketRow) bool {
			f, _ := hex.DecodeString(r.Packet.Filter)
			return len(f) == 8 && u32at(f, 4) == 0x1234 && r.Packet.Memberships[0].IfIndex == 1 && r.Type == "raw"
		}},
		{"netlink", []string{"close "}, func(r *SocketRow) bool {
			return r.Netlink.Number != 0 || r.LocalPort == 0 || r.Netlink.Groups == "11"
		}},
	} {
		raw, err := os.ReadFile(filepath.Join("testdata/sockdiag", c.name+".nl"))
		if err != nil {
			t.Fatal(err)
		}
		rows, strange := parseDiag(raw, familyNamed(t, c.name), 1)
		if strange != 0 || len(rows) == 0 {
			t.Errorf("%s: %d rows, %d messages not understood", c.name, len(rows), strange)
		}
		seen := map[string]bool{}
		for i := range rows {
			at := ""
			if rows[i].LocalAddr.IsValid() {
				at = rows[i].LocalAddr.String()
			}
			if seen[rows[i].State+" "+at] = true; !c.detail(&rows[i]) {
				t.Errorf("%s: %s %+v", c.name, brief(&rows[i]), rows[i])
			}
		}
		for _, w := range c.want {
			if !seen[w] {
				t.Errorf("%s: no row %q in %v", c.name, w, seen)
			}
		}
	}
}

func TestRequestsHaveTheSizeOfTheirStructs(t *testing.T) {
	for name, want := range map[string]int{
		"tcp": 56, "udp6": 56, "mptcp": 64, "unix": 24, "packet": 20, "netlink": 20, "xdp": 20, "vsock": 24, "smc": 52, "tipc": 8,
	} {
		if got := len(familyNamed(t, name).request()); got != want {
			t.Errorf("%s: %d bytes, not %d", name, got, want)
		}
	}
}

func TestShortMessagesAreNoRows(t *testing.T) {
	for _, f := range diagFamilies() {
		if f.parse == nil {
			continue
		}
		if _, ok := f.parse(nlMessage{Type: sockDiagByFamily, Body: []byte{f.family, 0, 0, 0}}, &f); ok {
			t.Errorf("%s: a row of 4 bytes", f.name)
		}
		if rows, strange := parseDiag(appendMessage(nil, sockDiagByFamily, 2, 1, []byte{f.family}), &f, 1); len(rows) != 0 || strange != 1 {
			t.Errorf("%s: %d rows, %d strange", f.name, len(rows), strange)
		}
	}
}

func FuzzSockDiag(f *testing.F) {
	families := diagFamilies()
	for i := range families {
		raw, err := os.ReadFile(filepath.Join("testdata/sockdiag", families[i].name+".nl"))
		if err == nil {
			f.Add(uint8(i), raw)
		}
		f.Add(uint8(i), appendMessage(nil, sockDiagByFamily, 2, 1, append([]byte{families[i].family}, make([]byte, 90)...)))
	}
	f.Fuzz(func(t *testing.T, which uint8, raw []byte) {
		fam := &families[int(which)%len(families)]
		if fam.parse == nil {
			return
		}
		rows, _ := parseDiag(raw, fam, 1)
		for i := range rows {
			if rows[i].Family == "" || rows[i].Views != SeenByDiag {
				t.Fatalf("%+v", rows[i])
			}
		}
	})
}
