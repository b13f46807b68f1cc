package onwindows

import (
	"testing"

	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
)

func recordedSessions() recorded {
	var info blob
	info.put(8, uint32(1000))
	info.put(12, uint32(2000))
	for i := range 4 {
		info.put(176+8*i, uint64(at2026)+uint64(i)*1e7)
	}
	info.room(216)
	var address, logon blob
	address.put(0, uint32(2))
	address.put(6, []byte{203, 0, 113, 9})
	address.room(24)
	unicode := func(at int, addr uint64, text string) winsys.Piece {
		b := utf16of(text)
		logon.put(at, uint16(len(b)-2))
		logon.put(at+2, uint16(len(b)))
		logon.put(at+8, addr)
		return winsys.Piece{Addr: addr, Data: b}
	}
	all := winsys.Pieces{{Addr: 0x100}, unicode(16, 0x1000, "eve\xed\xa0\x80"), unicode(32, 0x2000, "CORP"), unicode(48, 0x3000, "NTLM"),
		{Addr: 0x4000, Data: []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0}}}
	logon.put(0, uint32(272))
	logon.put(4, uint64(0x3e7))
	logon.put(64, uint32(10))
	logon.put(68, uint32(3))
	logon.put(72, uint64(0x4000))
	logon.put(80, uint64(at2026))
	logon.put(136, uint32(0x120))
	logon.put(232, uint64(0x7fffffffffffffff))
	logon.room(272)
	all[0].Data = logon
	tell := func(out []byte, class uint32, b []byte) []byte {
		return section.Append(out, wtsSection(3, class), false, b, nil)
	}
	told := tell(tell(tell(tell(nil, wtsSessionInfo, info), wtsClientName, utf16of("EVIL-PC")), wtsClientAddress, address), wtsClientProtocol, []byte{2, 0})
	return recorded{
		"sessions/wts":      smbEntries(sizeSessionInfo1, map[int]any{4: uint32(0), 8: uint32(3), 16: "RDP-Tcp#1", 32: "eve", 40: "CORP"}),
		"sessions/wts_info": told,
		"sessions/logons":   section.Append(section.Append(nil, "0x3e7", false, all.Append(nil), nil), "0x99", false, nil, errNoAnswer),
	}
}

func TestRecordedSessions(t *testing.T) {
	s := collectRecorded(t, collectSessions, recordedSessions())
	const want = `{"kind":"session","session_id":3,"name":"RDP-Tcp#1","state":"active","user":"eve","domain":"CORP","protocol":"rdp","client_name":"EVIL-PC","client_address":"203.0.113.9","connected":"2026-01-22T00:00:00.000000000Z","disconnected":"2026-01-22T00:00:01.000000000Z","last_input":"2026-01-22T00:00:02.000000000Z","logon_time":"2026-01-22T00:00:03.000000000Z","rx_bytes":1000,"tx_bytes":2000}
{"kind":"logon","luid":"0x3e7","user":{"b64":"ZXZl7aCA"},"domain":"CORP","sid":"S-1-5-32-544","package":"NTLM","logon_type":"remote_interactive","session_id":3,"logon_time":"2026-01-22T00:00:00.000000000Z","flags":"0x120"}
{"kind":"logon","luid":"0x99","logon_type":"unknown","session_id":0}
`
	if got := string(s.Body("volatile/sessions.jsonl")); got != want {
		t.Errorf("got\n%s", got)
	}
}

func FuzzSessions(f *testing.F) {
	for _, b := range recordedSessions() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = sessionRows(b)(b, func(any) {})
		_ = logonRows(b, func(any) {})
		var r SessionRow
		r.client(func(uint32) []byte { return b })
	})
}
