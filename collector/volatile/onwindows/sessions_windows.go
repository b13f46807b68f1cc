package onwindows

import (
	"context"
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
)

func (l *live) sessionCalls() map[string]call {
	return map[string]call{
		"sessions/wts":      l.remembered("wts", wtsSessions),
		"sessions/wts_info": l.wtsInfo,
		"sessions/logons":   logons,
	}
}

// wtsSessions is WTSEnumerateSessionsEx of this host
// (https://learn.microsoft.com/windows/win32/api/wtsapi32/nf-wtsapi32-wtsenumeratesessionsexw).
func wtsSessions(ctx context.Context) ([]byte, error) {
	p, err := lazy("wtsapi32.dll", "WTSEnumerateSessionsExW")
	if err != nil {
		return nil, err
	}
	free, err := lazy("wtsapi32.dll", "WTSFreeMemoryExW")
	if err != nil {
		return nil, err
	}
	level, count := uint32(1), uint32(0)
	var at uintptr
	r, _, e := p.Call(0, uintptr(unsafe.Pointer(&level)), 0, uintptr(unsafe.Pointer(&at)), uintptr(unsafe.Pointer(&count)))
	if r == 0 && e == windows.Errno(0) { // Wine
		return nil, evidence.NotHere("WTSEnumerateSessionsEx gave nothing, and no error")
	}
	if r == 0 {
		return nil, named("WTSEnumerateSessionsEx", e)
	}
	const typeSessionInfoLevel1 = 2
	defer func() { _, _, _ = free.Call(typeSessionInfoLevel1, at, uintptr(count)) }()
	if count > 1<<14 {
		return nil, evidence.Cut("%d sessions", count)
	}
	return entryPieces(ctx, at, int(count), sizeSessionInfo1, []int{16, 24, 32, 40, 48})
}

func (l *live) wtsInfo(ctx context.Context) ([]byte, error) {
	l.mu.Lock()
	sessions := l.tables["wts"]
	l.mu.Unlock()
	p, err := lazy("wtsapi32.dll", "WTSQuerySessionInformationW")
	if err != nil {
		return nil, err
	}
	var out []byte
	var tally evidence.Tally
	tally.Add("sessions", netEntries(sessions, sizeSessionInfo1, func(_ winsys.Pieces, e []byte) {
		session := u32(e, 8)
		for _, class := range wtsClasses() {
			if ctx.Err() != nil {
				return
			}
			b, err := wtsQuery(p, session, class)
			out = section.Append(out, wtsSection(session, class), false, b, err)
		}
	}))
	if ctx.Err() != nil {
		tally.Add("sessions", context.Cause(ctx))
	}
	return out, tally.Err()
}

func wtsQuery(p *windows.LazyProc, session, class uint32) ([]byte, error) {
	var at uintptr
	var n uint32
	r, _, e := p.Call(0, uintptr(session), uintptr(class), uintptr(unsafe.Pointer(&at)), uintptr(unsafe.Pointer(&n)))
	if r == 0 {
		return nil, e
	}
	defer windows.WTSFreeMemory(at)
	if n == 0 {
		return nil, nil
	}
	c, err := winsys.CopyAt(at, int(min(n, 64<<10)))
	return c.Data, err
}

// logons is LsaEnumerateLogonSessions and LsaGetLogonSessionData: of others' sessions an
// ordinary user learns only that they exist.
func logons(ctx context.Context) ([]byte, error) {
	var all [3]*windows.LazyProc
	for i, name := range []string{"LsaEnumerateLogonSessions", "LsaGetLogonSessionData", "LsaFreeReturnBuffer"} {
		p, err := lazy("secur32.dll", name)
		if err != nil {
			return nil, err
		}
		all[i] = p
	}
	var count uint32
	var list uintptr
	if r, _, _ := all[0].Call(uintptr(unsafe.Pointer(&count)), uintptr(unsafe.Pointer(&list))); r != 0 {
		return nil, named("LsaEnumerateLogonSessions", windows.NTStatus(uint32(r)))
	}
	defer func() { _, _, _ = all[2].Call(list) }()
	if count == 0 || count > 1<<16 {
		return nil, evidence.NotHere("%d logon sessions", count)
	}
	luids, err := winsys.CopyAt(list, int(count)*8)
	if err != nil {
		return nil, err
	}
	var out []byte
	var tally evidence.Tally
	for i := range int(count) {
		if ctx.Err() != nil {
			tally.Add("logons", context.Cause(ctx))
			break
		}
		luid := binary.LittleEndian.Uint64(luids.Data[8*i:])
		b, err := logonData(all[1], all[2], luid)
		out = section.Append(out, fmt.Sprintf("%#x", luid), false, b, err)
		tally.Add("LsaGetLogonSessionData", err)
	}
	return out, tally.Err()
}

func logonData(get, free *windows.LazyProc, luid uint64) ([]byte, error) {
	var at uintptr
	if r, _, _ := get.Call(uintptr(unsafe.Pointer(&luid)), uintptr(unsafe.Pointer(&at))); r != 0 {
		return nil, windows.NTStatus(uint32(r))
	}
	if at == 0 {
		return nil, nil
	}
	defer func() { _, _, _ = free.Call(at) }()
	head, err := winsys.CopyAt(at, 4)
	if err != nil {
		return nil, err
	}
	d, err := winsys.CopyAt(at, int(min(max(u32(head.Data, 0), minLogonData), 272)))
	if err != nil {
		return nil, err
	}
	pieces := winsys.Pieces{d}
	for _, off := range logonTexts() {
		if off+16 > len(d.Data) {
			break
		}
		if p, err := winsys.CopyAt(uintptr(u64(d.Data, off+8)), int(u16(d.Data, off))); err == nil {
			pieces = append(pieces, p)
		}
	}
	if sid := uintptr(u64(d.Data, 72)); sid != 0 {
		if head, err := winsys.CopyAt(sid, 8); err == nil { // SID: revision, number of its parts, authority, 4 bytes each
			if p, err := winsys.CopyAt(sid, 8+4*int(min(head.Data[1], 15))); err == nil {
				pieces = append(pieces, p)
			}
		}
	}
	return pieces.Append(nil), nil
}

// wtsClasses are the classes that are asked of each session.
func wtsClasses() []uint32 {
	return []uint32{wtsInitialProgram, wtsWorkingDirectory, wtsClientBuild, wtsClientName, wtsClientDirectory, wtsClientAddress, wtsClientProtocol, wtsSessionInfo}
}

// logonTexts is where SECURITY_LOGON_SESSION_DATA has UNICODE_STRINGs, those of old
// versions first.
func logonTexts() []int { return []int{16, 32, 48, 88, 104, 120, 168, 184, 200, 216} }
