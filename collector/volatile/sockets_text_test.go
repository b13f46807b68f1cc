package volatile

import (
	"testing"

	"golang.org/x/tools/txtar"
)

func tableNamed(t testing.TB, name string) *textTable {
	for _, tt := range textTables() {
		if tt.name == name {
			return &tt
		}
	}
	t.Fatalf("no table %s", name)
	return nil
}

// Lines of real machines, and what they must not become.
func TestLinesOfProcNet(t *testing.T) {
	for _, c := range []struct {
		table, line string
		big         bool
		want        string // "" where the line is no row
		detail      func(r *SocketRow) bool
	}{
		{"tcp", "   1: 0100007F:C15C 0100007F:1F90 01 00000003:00000A00 01:00000014 00000002  1000        0 190839 2 000000006e2a8271 20 0 0 10 -1", false,
			"0 inet/tcp established 127.0.0.1.49500 127.0.0.1.8080 i190839 q2560 ",
			func(r *SocketRow) bool {
				return r.SendQ == 3 && r.Timer == "on" && r.TimerMS == 200 && r.Retrans == 2 && *r.UID == 1000
			}},
		{"tcp", "   1: 7F000001:C15C 7F000001:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4 2 0 20 0 0 10 -1", true,
			"0 inet/tcp established 127.0.0.1.49500 127.0.0.1.8080 i4 q0 ", nil},
		{"tcp", "   2: 0F02000A:0016 0202000A:D2F4 03 00000000:00000000 01:0000005A 00000000     0        0 0", false,
			"0 inet/tcp syn-recv 10.0.2.15.22 10.0.2.2.54004 i0 q0 ", nil},
		{"tcp6", "   1: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 5 1 0 100 0 0 10 0", false,
			"0 inet6/tcp listen 2001:db8::1.443 ::.0 i5 q0 ", nil},
		{"udp", "  361: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 14215 2 0000000000000000 12", false,
			"0 inet/udp close 0.0.0.0.68 0.0.0.0.0 i14215 q0 ", func(r *SocketRow) bool { return r.Drops == 12 }},
		{"raw", "    1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 9 2 0000000000000000 0", false,
			"0 inet/raw close 0.0.0.0.0 0.0.0.0.0 i9 q0 ", func(r *SocketRow) bool { return r.IPProtocol == 1 }},
		{"unix", "ffff9a8c0b1e4400: 00000002 00000000 00010000 0001 01 21034 /run/a b ", false, `0 unix/ listen "/run/a b " i21034 q0 `, nil},
		{"unix", "0000000000000000: 00000003 00000000 00000000 0005 03 21035", false, "0 unix/ established i21035 q0 ",
			func(r *SocketRow) bool { return r.Type == "seqpacket" && r.Path == "" }},
		{"unix", "0000000000000000: 00000003 00000000 00000000 0001 03     5 @/tmp/.X11-unix/X0", false, `0 unix/ established "/tmp/.X11-unix/X0" i5 q0 `,
			func(r *SocketRow) bool { return r.Abstract }},
		{"packet", "0000000000000000 3      2    88cc   3     1 512    100    16123", false, "0 packet/  i16123 q512 ",
			func(r *SocketRow) bool {
				return r.Type == "dgram" && r.Packet.EtherType == 0x88cc && r.IfIndex == 3 && *r.UID == 100
			}},
		{"netlink", "0000000000000000 15  -4117  00000002 4        0        0     2        7        1438    ", false, "0 netlink/kobject_uevent  i1438 q4 ",
			func(r *SocketRow) bool {
				return r.LocalPort == 4294963179 && r.Netlink.Groups == "02" && r.Drops == 7
			}},
		{"l2cap", "0000000000000000 2      0      0      0      30412  0      00:00:00:00:00:00 0 1 1 0 672 0 1", false, "0 bluetooth/l2cap  i30412 q0 ", nil},
		{"tcp", "", false, "", nil},
		{"tcp", "   1: 0100007F:1 x", false, "", nil},
		{"tcp", "   1: 0100007FX:C15C 0100007F:1F90 01 00000003:00000A00 01:00000014 00000002  1000        0 190839", false, "", nil},
		{"tcp", "   1: 0100007F:C15C 0100007F:1F90 01 00000003:00000A00 01:00000014 00000002  99999999999        0 190839", false, "", nil},
		{"udp", "   1: 0100007F:C15C 0100007F:1F90 01 00000003 01:00000014 00000002  1000        0 190839", false, "", nil},
		{"unix", "0", false, "", nil},
		{"packet", "0000000000000000 3      2    zz   3     1 512    100    16123", false, "", nil},
		{"netlink", "0000000000000000 15  4117  00000002 4        0        0     2", false, "", nil},
		{"l2cap", "0000000000000000 2", false, "", nil},
	} {
		tt := tableNamed(t, c.table)
		r, ok := tt.parse([]byte(c.line), tt, c.big)
		if got := brief(&r); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: %s\n got %q %v\nwant %q", c.table, c.line, got, ok, c.want)
		}
		if ok && c.detail != nil && !c.detail(&r) {
			t.Errorf("%s: %s\n got %+v", c.table, c.line, r)
		}
	}
}

func FuzzProcNetTables(f *testing.F) {
	a, err := txtar.ParseFile(socketsFixture)
	if err != nil {
		f.Fatal(err)
	}
	tables := textTables()
	for _, file := range a.Files {
		for i := range tables {
			if file.Name == "proc/net/"+tables[i].name {
				f.Add(uint8(i), false, file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, big bool, text []byte) {
		tt := &tables[int(which)%len(tables)]
		if tt.parse == nil {
			return
		}
		rows, _ := parseText(text, tt, 1, big)
		for i := range rows {
			if rows[i].Family == "" || rows[i].Views != SeenByProcNet {
				t.Fatalf("%+v", rows[i])
			}
		}
	})
}
