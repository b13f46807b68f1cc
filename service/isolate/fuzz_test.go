package isolate

import "testing"

func FuzzParseState(f *testing.F) {
	f.Add([]byte(`{"type":"hozen/isolation/1","want":"isolated","since":"2026-11-22T05:00:00.000000000Z","until":"2026-11-22T13:00:00.000000000Z","hubs":["192.0.2.1:4222"],"next":["2001:db8::1"],"case":"42","reason":"r","operator":"o","job":"","rules":""}` + "\n"))
	f.Add([]byte(`{"type":"hozen/isolation/1","want":"released","since":"2026-11-22T05:00:00.000000000Z","until":"2026-11-22T13:00:00.000000000Z","hubs":[],"next":[],"case":"","reason":"","operator":"","job":"","rules":""}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseState(b)
		if err != nil {
			return
		}
		s.seen(s.next())
		if len(s.hubs()) != len(s.Hubs) {
			t.Fatalf("%q: hubs %v", b, s.hubs())
		}
		if since, _ := parseWall(s.Since); s.left(since) < MinFor || s.left(since) > MaxFor {
			t.Fatalf("%q: holds %v", b, s.left(since))
		}
		(&Want{Hubs: s.hubs(), Links: []string{"eth0"}}).Text()
	})
}

func FuzzParseRuleset(f *testing.F) {
	f.Add(someDump(7, 100))
	f.Add(append(someDump(7, 100), 1, 2, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRuleset(b)
		if err != nil {
			return
		}
		again, err := ParseRuleset(b)
		if err != nil || r.rules() != again.rules() || len(differences(r, again)) != 0 {
			t.Fatalf("%x: read twice, not the same", b)
		}
		r.ours()
	})
}

func FuzzParseLinks(f *testing.F) {
	f.Add(message(16, make([]byte, 16), na(3, "eth0\x00"), na(18, na(1, "veth\x00")), na(43, na(2, "\x01"))))
	f.Add(message(20, make([]byte, 8), na(2, "\xc0\x00\x02\x01"), na(6, "\x01\x00\x00\x00\x02\x00\x00\x00")))
	f.Add(message(24, make([]byte, 12), na(4, "\x02\x00\x00\x00"), na(5, "\xc0\x00\x02\x01"), na(18, "\x0a\x00\xfe\x80")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if links, err := parseLinks(b); err == nil && len(links) > len(b)/16 {
			t.Fatalf("%x: %d links", b, len(links))
		}
		if leases, err := parseLeases(b); err == nil && len(leases) > len(b)/16 {
			t.Fatalf("%x: %d leases", b, len(leases))
		}
		if w, err := parseWay(b); err != nil && w.next.IsValid() && len(b) < 16 {
			t.Fatalf("%x: a way in too few bytes", b)
		}
	})
}
