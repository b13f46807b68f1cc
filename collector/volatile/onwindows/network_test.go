package onwindows

import (
	"strings"
	"testing"

	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
)

// sockaddr4 and sockaddr6 are SOCKADDR_IN and SOCKADDR_IN6, 28 bytes each.
func sockaddr4(a ...byte) []byte {
	b := blob{2, 0, 0, 0}
	b.put(4, a)
	b.room(28)
	return b
}

func sockaddr6(scope uint32, a ...byte) []byte {
	b := blob{23, 0}
	b.put(8, a)
	b.put(24, scope)
	b.room(28)
	return b
}

func linkLocal(last byte) []byte {
	return []byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}
}

func recordedNetwork() recorded {
	var links, addresses, neighbours, routes blob
	links.put(0, uint32(1))
	links.put(8, uint64(0x6008001000000))
	links.put(8+8, uint32(12))
	links.put(8+12, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	links.put(8+28, "Ethernet\x1b[2J\xed\xa0\x80")
	links.put(8+542, "ACME NIC")
	links.put(8+1056, uint32(6))
	links.put(8+1060, []byte{2, 0xfc, 0, 0, 0, 1})
	links.put(8+1092, []byte{2, 0xfc, 0, 0, 0, 2})
	links.put(8+1124, uint32(1500))
	links.put(8+1128, uint32(6))
	links.put(8+1152, []byte{5})
	links.put(8+1156, uint32(1))
	links.put(8+1160, uint32(1))
	links.put(8+1164, uint32(1))
	links.put(8+1192, ^uint64(0))
	links.put(8+1200, uint64(1e9))
	for i, off := range []int{1208, 1216, 1224, 1232, 1240, 1280, 1288, 1296, 1304, 1312} {
		links.put(8+off, uint64(i+1))
	}
	links.room(8 + sizeIfRow2)
	addresses.put(0, uint32(1))
	addresses.put(8, sockaddr6(12, linkLocal(5)...))
	addresses.put(8+40, uint32(12))
	addresses.put(8+44, uint32(2))
	addresses.put(8+48, uint32(4))
	addresses.put(8+52, uint32(0xffffffff))
	addresses.put(8+56, uint32(3600))
	addresses.put(8+60, []byte{64, 1})
	addresses.put(8+64, uint32(4))
	addresses.put(8+72, uint64(at2026))
	neighbours.put(0, uint32(1))
	neighbours.put(8, sockaddr4(10, 0, 0, 1))
	neighbours.put(8+28, uint32(12))
	neighbours.put(8+40, []byte{0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff})
	neighbours.put(8+72, uint32(6))
	neighbours.put(8+76, uint32(5))
	neighbours.put(8+80, []byte{1})
	neighbours.put(8+84, uint32(1500))
	routes.put(0, uint32(1))
	routes.put(8+8, uint32(12))
	routes.put(8+12, sockaddr4(0, 0, 0, 0))
	routes.put(8+44, sockaddr4(10, 0, 0, 1))
	routes.put(8+76, uint32(0xffffffff))
	routes.put(8+84, uint32(25))
	routes.put(8+88, uint32(3))
	routes.put(8+92, []byte{0, 1, 0, 1})
	routes.put(8+96, uint32(77))
	routes.put(8+100, uint32(2))
	return recorded{
		"network/links": links, "network/addresses": addresses, "network/neighbours": neighbours, "network/routes": routes,
		"network/adapters": recordedAdapters(), "network/dns_cache": recordedCache(), "network/dns_records": recordedRecords(),
		"network/smb_sessions": smbEntries(48, map[int]any{0: `\\10.0.0.9`, 8: "eve", 16: uint32(2), 20: uint32(60), 24: uint32(5), 28: uint32(1), 40: `\Device\NetBT`}),
		"network/smb_files":    smbEntries(32, map[int]any{0: uint32(7), 4: uint32(3), 8: uint32(1), 16: `C:\share\x`, 24: "eve"}),
		"network/smb_uses":     smbEntries(56, map[int]any{0: "X:", 8: `\\srv\s`, 24: uint32(2), 36: uint32(1), 40: "bob", 48: "CORP"}),
		"network/smb_shares":   smbEntries(72, map[int]any{0: "C$", 8: uint32(0x80000000), 16: "Default share", 32: uint32(1), 40: `C:\`}),
	}
}

// smbEntries is what entryPieces makes of one entry: texts are put where they are pointed to.
func smbEntries(size int, fields map[int]any) []byte {
	var e blob
	e.room(size)
	all := winsys.Pieces{{Data: []byte{1, 0, 0, 0}}, {Addr: 0x5000}}
	for at, v := range fields {
		if s, ok := v.(string); ok {
			v = uint64(0x10000 + 0x100*at)
			all = append(all, winsys.Piece{Addr: v.(uint64), Data: utf16of(s)})
		}
		e.put(at, v)
	}
	all[1].Data = e
	return all.Append(nil)
}

// recordedAdapters is one IP_ADAPTER_ADDRESSES whose list of name servers goes in a circle.
func recordedAdapters() []byte {
	const base = 0x20000
	var b blob
	b.room(448)
	b.put(4, uint32(12))
	b.put(48, uint64(base+0x400)) // name servers
	b.put(56, uint64(base+0x600))
	b.put(72, uint64(base+0x640))
	b.put(208, uint64(base+0x500))
	b.put(0x400, uint64(0))
	b.put(0x408, uint64(0))
	b.put(0x410, uint64(base+0x440))
	b.put(0x418, uint32(28))
	b.put(0x440, sockaddr6(12, linkLocal(1)...))
	b.put(0x500+8, uint64(0))
	b.put(0x510, uint64(base+0x540))
	b.put(0x518, uint32(16))
	b.put(0x540, sockaddr4(10, 0, 0, 1))
	b.put(0x600, "corp.example")
	b.put(0x640, "Ethernet")
	return winsys.Pieces{{Addr: base, Data: b}}.Append(nil)
}

func recordedCache() []byte {
	entry := func(next, name uint64, kind uint16) []byte {
		var b blob
		b.put(0, next)
		b.put(8, name)
		b.put(16, kind)
		b.room(24)
		return b
	}
	return winsys.Pieces{
		{Addr: 0x100, Data: entry(0x200, 0x1000, 1)}, {Addr: 0x1000, Data: utf16of("c2.example")},
		{Addr: 0x200, Data: entry(0, 0x2000, 28)}, {Addr: 0x2000, Data: utf16of("gone.example")},
	}.Append(nil)
}

func recordedRecords() []byte {
	record := func(next, name uint64, kind uint16, data ...byte) []byte {
		var b blob
		b.put(0, next)
		b.put(8, name)
		b.put(16, kind)
		b.put(18, uint16(len(data)))
		b.put(20, uint32(1))
		b.put(24, uint32(300))
		b.put(32, data)
		return b
	}
	p := winsys.Pieces{
		{Addr: 0x100, Data: record(0x200, 0x1000, 5, 0x00, 0x20, 0, 0, 0, 0, 0, 0)}, {Addr: 0x1000, Data: utf16of("C2.example")}, {Addr: 0x2000, Data: utf16of("cdn.example")},
		{Addr: 0x200, Data: record(0, 0x2000, 1, 203, 0, 113, 7)},
	}
	return section.Append(nil, cacheEntry{name: "c2.example", kind: 1}.section(), false, p.Append(nil), nil)
}

const wantNetwork = `{"kind":"link","index":12,"name":{"b64":"RXRoZXJuZXQbWzJK7aCA"},"description":"ACME NIC","guid":"{04030201-0605-0807-090A-0B0C0D0E0F10}","luid":"0x6008001000000","type":"ether","flags":["hardware","connector"],"mac":"02:fc:00:00:00:01","permanent_mac":"02:fc:00:00:00:02","mtu":1500,"operstate":"up","admin_up":true,"carrier":true,"rx_bits_per_s":1000000000,"stats":{"rx_packets":5,"tx_packets":15,"rx_bytes":1,"tx_bytes":6,"rx_errors":5,"tx_errors":10,"rx_dropped":4,"tx_dropped":9}}
{"kind":"address","index":12,"link":{"b64":"RXRoZXJuZXQbWzJK7aCA"},"family":"inet6","address":"fe80::5","prefix_len":64,"scope_id":12,"proto":"well_known","suffix_proto":"link_layer","state":"preferred","skip_as_source":true,"preferred_for_s":3600,"created":"2026-01-22T00:00:00.000000000Z"}
{"kind":"neighbour","index":12,"link":{"b64":"RXRoZXJuZXQbWzJK7aCA"},"family":"inet","address":"10.0.0.1","mac":"aa:bb:cc:dd:ee:ff","state":["reachable"],"flags":["router"],"confirmed_ms":1500}
{"kind":"route","family":"inet","to":"0.0.0.0/0","gateway":"10.0.0.1","index":12,"link":{"b64":"RXRoZXJuZXQbWzJK7aCA"},"proto":"static","origin":"dhcp","metric":25,"flags":["autoconf","immortal"],"age_s":77}
{"kind":"resolver","index":12,"link":"Ethernet","key":"nameserver","values":["fe80::1%12"]}
{"kind":"resolver","index":12,"link":"Ethernet","key":"gateway","values":["10.0.0.1"]}
{"kind":"resolver","index":12,"link":"Ethernet","key":"search","values":["corp.example"]}
{"kind":"dns_cache","name":"c2.example","type":"A","record_type":"CNAME","data":"cdn.example","ttl_s":300,"section":"answer"}
{"kind":"dns_cache","name":"c2.example","type":"A","record_name":"cdn.example","data":"203.0.113.7","ttl_s":300,"section":"answer"}
{"kind":"dns_cache","name":"gone.example","type":"AAAA"}
{"kind":"smb_session","remote":"\\\\10.0.0.9","user":"eve","transport":"\\Device\\NetBT","flags":["guest"],"opens":2,"active_s":60,"idle_s":5}
{"kind":"smb_file","path":"C:\\share\\x","user":"eve","rights":["read","write"],"locks":1,"id":7}
{"kind":"smb_use","name":"X:","remote":"\\\\srv\\s","user":"bob","domain":"CORP","status":"session_lost","opens":1}
{"kind":"smb_share","name":"C$","path":"C:\\","remark":"Default share","type":"disk+special","opens":1}
`

func TestRecordedNetwork(t *testing.T) {
	s := collectRecorded(t, collectNetwork, recordedNetwork())
	got := strings.Split(string(s.Body("volatile/network.jsonl")), "\n")
	want := strings.Split(wantNetwork, "\n")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %d:\ngot  %s\nwant %s", i, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""), strings.Join(want[min(i, len(want)):min(i+1, len(want))], ""))
		}
	}
}

// TestCircles: lists that come back to their beginning end, with a note.
func TestCircles(t *testing.T) {
	var e, r blob
	e.put(0, uint64(0x100))
	e.put(8, uint64(0x1000))
	e.room(24)
	cache := winsys.Pieces{{Addr: 0x100, Data: e}, {Addr: 0x1000, Data: utf16of("x")}}.Append(nil)
	if err := eachCacheEntry(cache, func(cacheEntry) {}); err == nil {
		t.Error("a cache in a circle has an end")
	}
	r.put(0, uint64(0x100))
	r.room(32)
	if n := len(recordRows(CacheRow{}, string(winsys.Pieces{{Addr: 0x100, Data: r}}.Append(nil)))); n != 256 {
		t.Errorf("%d records of a circle", n)
	}
}

func TestFirewallRule(t *testing.T) {
	r := firewallRule(`v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort=80|LPort=443|RA4=LocalSubnet|App=C:\x|Name=a=b|Odd|New=1|Action=Block|`)
	if r.Action != "Allow" || !r.Active || r.Dir != "In" || len(r.LocalPorts) != 2 || len(r.Profiles) != 2 || r.App != `C:\x` || r.Name != "a=b" ||
		len(r.Others) != 3 || r.Others[2] != "Action=Block" || r.RemoteAddrs[0] != "LocalSubnet" {
		t.Errorf("%+v", r)
	}
}

func TestHostEntries(t *testing.T) {
	got := hostEntries("\ufeff# comment\r\n127.0.0.1 a b # c\r\n\r\nnonsense x\xff\n", `C:\hosts`)
	if len(got) != 2 || got[0].Line != 2 || len(got[0].Names) != 2 || !got[0].Valid || got[1].Valid || got[1].Names[0] != "x\xff" {
		t.Errorf("%+v", got)
	}
}

func FuzzNetwork(f *testing.F) {
	for _, b := range recordedNetwork() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var n netNames
		row := func(any) {}
		for _, parse := range []func([]byte, func(any)) error{n.linkRows, n.addressRows, n.neighbourRows, n.routeRows, n.adapterRows, cacheRows(b),
			sessionRows502, sessionRows10, fileRows, useRows, shareRows502, shareRows1} {
			_ = parse(b, row)
		}
		recordRows(CacheRow{}, string(b))
		recordTexts(16, b)
		utf16Name(string(b))
		firewallRule(string(b))
		hostEntries(string(b), "")
	})
}
