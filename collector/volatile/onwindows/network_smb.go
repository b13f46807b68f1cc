package onwindows

import (
	"fmt"

	"hozen/collector/jsonl"
	"hozen/collector/volatile/winsys"
)

// An SMBRow is a session, a share, an open file or a connection of SMB: kinds
// smb_session, smb_share, smb_file (this host as a server), smb_use (as a client).
type SMBRow struct {
	Kind   string     `json:"kind"`
	Name   jsonl.Text `json:"name,omitempty"`   // of a share; of a connection the local device
	Path   jsonl.Text `json:"path,omitempty"`   // of a share or an open file
	Remote jsonl.Text `json:"remote,omitempty"` // of a connection: \\server\share; of a session: the client
	User   jsonl.Text `json:"user,omitempty"`
	Domain jsonl.Text `json:"domain,omitempty"`
	Remark jsonl.Text `json:"remark,omitempty"`
	Type   string     `json:"type,omitempty"`   // of a share: disk, printer, device, ipc, + special, temporary
	Status string     `json:"status,omitempty"` // of a connection
	Client jsonl.Text `json:"client,omitempty"` // what the client says it runs
	// Transport is the device through which a session came.
	Transport jsonl.Text `json:"transport,omitempty"`
	Flags     []string   `json:"flags,omitempty"` // of a session: guest, no_encryption
	Opens     uint32     `json:"opens,omitempty"` // of a session: files and pipes open; of a share: connections; of a connection: uses
	// Seconds that a session has lasted, and since the client last asked for something.
	ActiveFor *uint32  `json:"active_s,omitempty"`
	IdleFor   *uint32  `json:"idle_s,omitempty"`
	Rights    []string `json:"rights,omitempty"` // of an open file: read, write, create
	Locks     uint32   `json:"locks,omitempty"`
	ID        uint32   `json:"id,omitempty"` // of an open file
}

// netEntries reads what a NetXxxEnum gave, kept as pieces: the number of entries (4
// bytes, a piece at address 0 of its own), then the entries of size bytes, then the texts.
func netEntries(b []byte, size int, one func(p winsys.Pieces, e []byte)) error {
	p, err := winsys.ParsePieces(b)
	if err != nil || len(p) == 0 {
		return err
	}
	if len(p[0].Data) < 4 || len(p) < 2 {
		return nil // no entries
	}
	n := int(u32(p[0].Data, 0))
	for i := range n {
		if (i+1)*size > len(p[1].Data) {
			return fmt.Errorf("entry %d of %d: not there", i, n)
		}
		one(p[1:], p[1].Data[i*size:(i+1)*size])
	}
	return nil
}

// sessionRows502 reads SESSION_INFO_502 (lmshare.h); sessionRows10 what an ordinary user gets.
func sessionRows502(b []byte, row func(any)) error {
	return netEntries(b, 48, func(p winsys.Pieces, e []byte) {
		active, idle := u32(e, 20), u32(e, 24)
		row(&SMBRow{Kind: "smb_session", Remote: jsonl.Text(p.Text(u64(e, 0))), User: jsonl.Text(p.Text(u64(e, 8))), Opens: u32(e, 16),
			ActiveFor: &active, IdleFor: &idle, Flags: bits(uint64(u32(e, 28)), "guest", "no_encryption"),
			Client: jsonl.Text(p.Text(u64(e, 32))), Transport: jsonl.Text(p.Text(u64(e, 40)))})
	})
}

func sessionRows10(b []byte, row func(any)) error {
	return netEntries(b, 24, func(p winsys.Pieces, e []byte) {
		active, idle := u32(e, 16), u32(e, 20)
		row(&SMBRow{Kind: "smb_session", Remote: jsonl.Text(p.Text(u64(e, 0))), User: jsonl.Text(p.Text(u64(e, 8))), ActiveFor: &active, IdleFor: &idle})
	})
}

// shareRows502 reads SHARE_INFO_502 (lmshare.h); shareRows1 what an ordinary user gets.
func shareRows502(b []byte, row func(any)) error {
	return netEntries(b, 72, func(p winsys.Pieces, e []byte) {
		row(&SMBRow{Kind: "smb_share", Name: jsonl.Text(p.Text(u64(e, 0))), Type: shareType(u32(e, 8)), Remark: jsonl.Text(p.Text(u64(e, 16))),
			Opens: u32(e, 32), Path: jsonl.Text(p.Text(u64(e, 40)))})
	})
}

func shareRows1(b []byte, row func(any)) error {
	return netEntries(b, 24, func(p winsys.Pieces, e []byte) {
		row(&SMBRow{Kind: "smb_share", Name: jsonl.Text(p.Text(u64(e, 0))), Type: shareType(u32(e, 8)), Remark: jsonl.Text(p.Text(u64(e, 16)))})
	})
}

// shareType reads STYPE_* (lmshare.h).
func shareType(n uint32) string {
	s := nth(uint64(n&0xff), "disk", "printer", "device", "ipc")
	if n&0x80000000 != 0 {
		s += "+special"
	}
	if n&0x40000000 != 0 {
		s += "+temporary"
	}
	return s
}

// fileRows reads FILE_INFO_3 (lmshare.h).
func fileRows(b []byte, row func(any)) error {
	return netEntries(b, 32, func(p winsys.Pieces, e []byte) {
		row(&SMBRow{Kind: "smb_file", ID: u32(e, 0), Rights: bits(uint64(u32(e, 4)), "read", "write", "create"), Locks: u32(e, 8),
			Path: jsonl.Text(p.Text(u64(e, 16))), User: jsonl.Text(p.Text(u64(e, 24)))})
	})
}

// useRows reads USE_INFO_2 (lmuse.h). Its password is never read.
func useRows(b []byte, row func(any)) error {
	return netEntries(b, 56, func(p winsys.Pieces, e []byte) {
		row(&SMBRow{Kind: "smb_use", Name: jsonl.Text(p.Text(u64(e, 0))), Remote: jsonl.Text(p.Text(u64(e, 8))),
			Status: nth(uint64(u32(e, 24)), "ok", "paused", "session_lost", "network_error", "connecting", "reconnecting"),
			Opens:  u32(e, 36), User: jsonl.Text(p.Text(u64(e, 40))), Domain: jsonl.Text(p.Text(u64(e, 48)))})
	})
}
