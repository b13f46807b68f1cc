package onwindows

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/section"
	"hozen/collector/utf16"
	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
)

// Sessions is the collector "sessions": who is logged on, at the screen, from afar, and
// as a service, and who was last. Items:
//
//	volatile/sessions/wts.bin       WTS_SESSION_INFO_1 of each session, as pieces
//	volatile/sessions/wts_info.bin  WTSQuerySessionInformation of each, in sections
//	volatile/sessions/logons.bin    SECURITY_LOGON_SESSION_DATA of each logon, sections of pieces
//	volatile/sessions.jsonl         SessionRow and LogonRow
//	volatile/sessions/settings.jsonl SettingRow: last logons, profiles, remote desktop
//
// Earlier logons are in the event logs, which the collector disk takes.
func Sessions() collector.Collector {
	return collector.Collector{
		Name: "sessions", Doc: "who is logged on, at the screen and from afar, each logon session, and who was last",
		Volatility: collector.Live, Needs: collector.LiveHost,
		Limit: collector.Limit{Time: time.Minute},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collectSessions(newJob(ctx, h, to, thisSystem()))
		},
	}
}

func sessionAnswers() []answer {
	return []answer{
		{name: "sessions/wts", source: "WTSEnumerateSessionsEx(WTS_CURRENT_SERVER_HANDLE)", within: serviceTime},
		{name: "sessions/wts_info", source: "WTSQuerySessionInformation(each session)", within: serviceTime},
		{name: "sessions/logons", source: "LsaEnumerateLogonSessions, LsaGetLogonSessionData", within: serviceTime},
	}
}

func collectSessions(j *job) error {
	if err := j.take(sessionAnswers()...); err != nil {
		return err
	}
	info, _ := j.of("sessions/wts_info")
	if err := j.table("volatile/sessions.jsonl", "wtsapi32, secur32: the calls of sessions/*.bin",
		part{"sessions/wts", sessionRows(info)}, part{"sessions/logons", logonRows}); err != nil {
		return err
	}
	return putSettings(j, "volatile/sessions/settings.jsonl", sessionSettings())
}

// A SessionRow is a session of Remote Desktop Services, of which the one at the screen
// and session 0, of the services, are some: kind "session".
type SessionRow struct {
	Kind      string     `json:"kind"`
	SessionID uint32     `json:"session_id"`
	Name      jsonl.Text `json:"name,omitempty"` // of the window station: Console, RDP-Tcp#3, Services
	State     string     `json:"state"`          // WTS_CONNECTSTATE_CLASS: active, connected, disconnected, listen, …
	User      jsonl.Text `json:"user,omitempty"`
	Domain    jsonl.Text `json:"domain,omitempty"`
	Host      jsonl.Text `json:"host,omitempty"`     // that the session is on, where it is a virtual one
	Protocol  string     `json:"protocol,omitempty"` // console, ica, rdp
	// ClientName, ClientAddress and the others are what the client said of itself.
	ClientName      jsonl.Text `json:"client_name,omitempty"`
	ClientAddress   netip.Addr `json:"client_address,omitzero"`
	ClientBuild     uint32     `json:"client_build,omitempty"`
	ClientDirectory jsonl.Text `json:"client_directory,omitempty"`
	Program         jsonl.Text `json:"program,omitempty"` // that was to be started instead of the shell
	WorkDir         jsonl.Text `json:"work_dir,omitempty"`
	Connected       string     `json:"connected,omitempty"`
	Disconnected    string     `json:"disconnected,omitempty"`
	LastInput       string     `json:"last_input,omitempty"`
	Logon           string     `json:"logon_time,omitempty"`
	BytesIn         uint32     `json:"rx_bytes,omitempty"` // of the protocol, modulo 2^32
	BytesOut        uint32     `json:"tx_bytes,omitempty"`
}

// Classes of WTSQuerySessionInformation that are asked (WTS_INFO_CLASS, wtsapi32.h).
const (
	wtsInitialProgram   = 0
	wtsWorkingDirectory = 2
	wtsClientBuild      = 9
	wtsClientName       = 10
	wtsClientDirectory  = 11
	wtsClientAddress    = 14
	wtsClientProtocol   = 16
	wtsSessionInfo      = 24
)

// wtsSection is the name of an answer in wts_info.bin.
func wtsSection(session, class uint32) string {
	return fmt.Sprintf("session-%d-class-%d", session, class)
}

// sizeSessionInfo1 is that of WTS_SESSION_INFO_1W: execution environment, state, session,
// then five pointers: session name, host name, user name, domain name, farm name.
const sizeSessionInfo1 = 56

func sessionRows(info []byte) func([]byte, func(any)) error {
	sections, perr := section.Parse(string(info))
	told := map[string][]byte{}
	for _, s := range sections {
		told[s.Name] = []byte(s.Data)
	}
	return func(b []byte, row func(any)) error {
		err := netEntries(b, sizeSessionInfo1, func(p winsys.Pieces, e []byte) {
			r := SessionRow{Kind: "session", SessionID: u32(e, 8), State: connectState(u32(e, 4)), Name: jsonl.Text(p.Text(u64(e, 16))),
				Host: jsonl.Text(p.Text(u64(e, 24))), User: jsonl.Text(p.Text(u64(e, 32))), Domain: jsonl.Text(p.Text(u64(e, 40)))}
			r.client(func(class uint32) []byte { return told[wtsSection(r.SessionID, class)] })
			row(&r)
		})
		if err == nil {
			err = perr
		}
		return err
	}
}

func connectState(n uint32) string {
	return nth(uint64(n), "active", "connected", "connect_query", "shadow", "disconnected", "idle", "listen", "reset", "down", "init")
}

// client reads the answers about one session.
func (r *SessionRow) client(of func(class uint32) []byte) {
	text := func(class uint32) jsonl.Text { b := of(class); return jsonl.Text(utf16.ToNUL(b[:len(b)&^1])) }
	r.Program, r.WorkDir = text(wtsInitialProgram), text(wtsWorkingDirectory)
	r.ClientName, r.ClientDirectory = text(wtsClientName), text(wtsClientDirectory)
	if b := of(wtsClientBuild); len(b) >= 4 {
		r.ClientBuild = u32(b, 0)
	}
	if b := of(wtsClientProtocol); len(b) >= 2 {
		r.Protocol = nth(uint64(u16(b, 0)), "console", "ica", "rdp")
	}
	if b := of(wtsClientAddress); len(b) >= 24 { // WTS_CLIENT_ADDRESS: the family, the address from the third byte on
		switch u32(b, 0) {
		case 2:
			r.ClientAddress = addr4(b[6:])
		case 23:
			r.ClientAddress = addr6(b[6:])
		}
	}
	// WTSINFOW: state, session, six counters, name at 32, domain 96, user 130, times from 176 on.
	if b := of(wtsSessionInfo); len(b) >= 216 {
		r.BytesIn, r.BytesOut = u32(b, 8), u32(b, 12)
		r.Connected, r.Disconnected, r.LastInput, r.Logon = stamp(u64(b, 176)), stamp(u64(b, 184)), stamp(u64(b, 192)), stamp(u64(b, 200))
	}
}

// A LogonRow is a logon session of the local security authority: kind "logon". It is
// SECURITY_LOGON_SESSION_DATA
// (https://learn.microsoft.com/windows/win32/api/ntsecapi/ns-ntsecapi-security_logon_session_data).
type LogonRow struct {
	Kind      string     `json:"kind"`
	LUID      string     `json:"luid"` // hexadecimal; tokens of processes name it
	User      jsonl.Text `json:"user,omitempty"`
	Domain    jsonl.Text `json:"domain,omitempty"`
	SID       string     `json:"sid,omitempty"`
	UPN       jsonl.Text `json:"upn,omitempty"`
	DNSDomain jsonl.Text `json:"dns_domain,omitempty"`
	Server    jsonl.Text `json:"logon_server,omitempty"`
	Package   jsonl.Text `json:"package,omitempty"` // Kerberos, NTLM, Negotiate, …
	Type      string     `json:"logon_type"`        // SECURITY_LOGON_TYPE: interactive, network, batch, service, remote_interactive, …
	SessionID uint32     `json:"session_id"`
	Logon     string     `json:"logon_time,omitempty"`
	Logoff    string     `json:"logoff_time,omitempty"`
	Flags     string     `json:"flags,omitempty"` // UserFlags, hexadecimal
	// Of the logon before this one, where the policy has Windows remember it.
	LastLogon  string `json:"last_logon,omitempty"`
	LastFailed string `json:"last_failed_logon,omitempty"`
	Failed     uint32 `json:"failed_since,omitempty"`
	// PasswordSet is when the password was last changed.
	PasswordSet string     `json:"password_set,omitempty"`
	Script      jsonl.Text `json:"logon_script,omitempty"`
	ProfilePath jsonl.Text `json:"profile_path,omitempty"`
	Home        jsonl.Text `json:"home,omitempty"`
}

// minLogonData is the size up to which every Windows fills the structure (to Upn).
const minLogonData = 136

func logonRows(b []byte, row func(any)) error {
	sections, err := section.Parse(string(b))
	for _, s := range sections {
		p, perr := winsys.ParsePieces([]byte(s.Data))
		if perr != nil || len(p) == 0 || len(p[0].Data) < minLogonData {
			row(&LogonRow{Kind: "logon", LUID: s.Name, Type: "unknown"}) // that there is one is all that is known
			continue
		}
		r := logonRow(p)
		row(&r)
	}
	return err
}

func logonRow(p winsys.Pieces) LogonRow {
	d := make([]byte, 272)
	copy(d, p[0].Data) // what an older Windows does not have is 0
	text := func(at int) jsonl.Text { return unicodeString(p, d[at:]) }
	r := LogonRow{
		Kind: "logon", LUID: fmt.Sprintf("%#x", u64(d, 4)), User: text(16), Domain: text(32), Package: text(48), Type: logonType(u32(d, 64)),
		SessionID: u32(d, 68), Logon: stamp(u64(d, 80)), Server: text(88), DNSDomain: text(104), UPN: text(120),
		LastLogon: stamp(u64(d, 144)), LastFailed: stamp(u64(d, 152)), Failed: u32(d, 160), Script: text(168), ProfilePath: text(184),
		Home: text(200), Logoff: stamp(u64(d, 232)), PasswordSet: stamp(u64(d, 248)),
	}
	if flags := u32(d, 136); flags != 0 {
		r.Flags = fmt.Sprintf("%#x", flags)
	}
	if raw := p.From(u64(d, 72)); len(raw) > 0 {
		sid, _, err := ntapi.SID(raw)
		if r.SID = sid; err != nil {
			r.SID = fmt.Sprintf("%x", raw[:min(len(raw), 68)])
		}
	}
	return r
}

// unicodeString reads UNICODE_STRING: length in bytes, room, pointer at 8.
func unicodeString(p winsys.Pieces, s []byte) jsonl.Text {
	return jsonl.Text(utf16.WTF8(p.At(u64(s, 8), int(u16(s, 0))&^1)))
}

// logonType names SECURITY_LOGON_TYPE (ntsecapi.h).
func logonType(n uint32) string {
	return nth(uint64(n), "system", "", "interactive", "network", "batch", "service", "proxy", "unlock", "network_cleartext", "new_credentials",
		"remote_interactive", "cached_interactive", "cached_remote_interactive", "cached_unlock")
}
