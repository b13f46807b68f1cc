package onwindows

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"hozen/collector/jsonl"
	"hozen/collector/section"
	"hozen/collector/utf16"
	"hozen/collector/volatile/winsys"
)

// A SocketRow is one end of TCP or UDP, a line of volatile/sockets.jsonl. The words are
// those of Linux's row.
type SocketRow struct {
	Family     string     `json:"family"`          // inet, inet6
	Protocol   string     `json:"protocol"`        // tcp, udp
	State      string     `json:"state,omitempty"` // MIB_TCP_STATE in lower case, underlined: listen, established, time_wait
	LocalAddr  netip.Addr `json:"local_addr"`
	LocalPort  uint32     `json:"local_port"`
	RemoteAddr netip.Addr `json:"remote_addr,omitzero"`
	RemotePort uint32     `json:"remote_port,omitzero"`
	// LocalScope and RemoteScope are the IPv6 scope ids (of link-local addresses the
	// index of the interface), as the table has them.
	LocalScope  uint32 `json:"local_scope,omitzero"`
	RemoteScope uint32 `json:"remote_scope,omitzero"`
	// Created is when the context bind happened that made the socket; "" where Windows
	// does not say (TIME_WAIT).
	Created string `json:"created,omitempty"`
	// SpecificPort says of UDP that the program asked for this very port.
	SpecificPort bool           `json:"specific_port,omitempty"`
	Holders      []SocketHolder `json:"holders,omitempty"` // none: pid 0, a connection that has no process any more
	// ServiceTag tells the services of one svchost apart; 0 where there is none.
	ServiceTag uint64 `json:"service_tag,omitzero"`
	// OwnerModule is the service or module that made the socket, by its short name,
	// OwnerPath its file, as Windows resolves them.
	OwnerModule jsonl.Text `json:"owner_module,omitempty"`
	OwnerPath   jsonl.Text `json:"owner_path,omitempty"`
}

// A SocketHolder is the process that owns a socket.
type SocketHolder struct {
	PID int `json:"pid"`
}

// A socketOwner is what GetOwnerModuleFrom…Entry says for one process and service.
type socketOwner struct{ name, path string }

// An ownerKey is what the call's answer depends on: the process and OwningModuleInfo[0],
// which is the tag of the service (GetOwnerModuleFromTcpEntry's own use of it; System
// Informer's network.c reads it so).
type ownerKey struct {
	pid uint32
	tag uint64
}

// sectionName is what an answer is called in owners.bin.
func (k ownerKey) sectionName() string { return fmt.Sprintf("pid-%d-tag-%d", k.pid, k.tag) }

// A socketTables makes rows of the four tables.
type socketTables struct {
	owners map[ownerKey]socketOwner
	err    error
}

// newSocketTables reads the answers about owners: a section for each, of which the data
// is pieces that begin with TCPIP_OWNER_MODULE_BASIC_INFO (iprtrmib.h): two pointers to
// texts, the module's name and its path.
func newSocketTables(owners []byte) *socketTables {
	t := &socketTables{owners: map[ownerKey]socketOwner{}}
	sections, err := section.Parse(string(owners))
	t.err = err
	for _, s := range sections {
		var k ownerKey
		p, err := winsys.ParsePieces([]byte(s.Data))
		if _, serr := fmt.Sscanf(s.Name, "pid-%d-tag-%d", &k.pid, &k.tag); serr != nil || err != nil || len(p) == 0 || len(p[0].Data) < 16 {
			continue
		}
		t.owners[k] = socketOwner{p.Text(u64(p[0].Data, 0)), p.Text(u64(p[0].Data, 8))}
	}
	return t
}

// unread says what was wrong with the owners; their rows are in the others.
func (t *socketTables) unread([]byte, func(any)) error { return t.err }

func (t *socketTables) own(r *SocketRow, pid uint32, created uint64, module []byte) {
	k := ownerKey{pid, u64(module, 0)}
	r.Created, r.ServiceTag = stamp(created), k.tag
	if pid != 0 {
		r.Holders = []SocketHolder{{int(pid)}}
	}
	o := t.owners[k]
	r.OwnerModule, r.OwnerPath = jsonl.Text(o.name), jsonl.Text(o.path)
}

// The rows of the tables, from iprtrmib.h and
// https://learn.microsoft.com/windows/win32/api/tcpmib/ns-tcpmib-mib_tcprow_owner_module
// (and its kin), as a 64-bit compiler lays them out. The first row is at 8: it has a
// member that is aligned to 8.
const (
	firstOwnerRow = 8
	sizeTCP4      = 160 // state, local address and port, remote address and port, pid; created at 24, module at 32
	sizeTCP6      = 192 // local address, scope, port; remote address 24, scope, port; state 48, pid 52; created 56, module 64
	sizeUDP4      = 160 // address, port, pid; created at 16, flags 24, module 32
	sizeUDP6      = 176 // address, scope, port, pid 24; created 32, flags 40, module 48
)

func (t *socketTables) tcp4(b []byte, row func(any)) error {
	return eachEntry(b, firstOwnerRow, sizeTCP4, func(e []byte) {
		r := SocketRow{Family: "inet", Protocol: "tcp", State: tcpState(u32(e, 0)), LocalAddr: addr4(e[4:]), LocalPort: port(e[8:])}
		if r.State != "listen" { // of a listener the rest means nothing
			r.RemoteAddr, r.RemotePort = addr4(e[12:]), port(e[16:])
		}
		t.own(&r, u32(e, 20), u64(e, 24), e[32:])
		row(&r)
	})
}

func (t *socketTables) tcp6(b []byte, row func(any)) error {
	return eachEntry(b, firstOwnerRow, sizeTCP6, func(e []byte) {
		r := SocketRow{Family: "inet6", Protocol: "tcp", State: tcpState(u32(e, 48)),
			LocalAddr: addr6(e), LocalScope: u32(e, 16), LocalPort: port(e[20:])}
		if r.State != "listen" {
			r.RemoteAddr, r.RemoteScope, r.RemotePort = addr6(e[24:]), u32(e, 40), port(e[44:])
		}
		t.own(&r, u32(e, 52), u64(e, 56), e[64:])
		row(&r)
	})
}

func (t *socketTables) udp4(b []byte, row func(any)) error {
	return eachEntry(b, firstOwnerRow, sizeUDP4, func(e []byte) {
		r := SocketRow{Family: "inet", Protocol: "udp", LocalAddr: addr4(e), LocalPort: port(e[4:]), SpecificPort: u32(e, 24)&1 != 0}
		t.own(&r, u32(e, 8), u64(e, 16), e[32:])
		row(&r)
	})
}

func (t *socketTables) udp6(b []byte, row func(any)) error {
	return eachEntry(b, firstOwnerRow, sizeUDP6, func(e []byte) {
		r := SocketRow{Family: "inet6", Protocol: "udp", LocalAddr: addr6(e), LocalScope: u32(e, 16), LocalPort: port(e[20:]), SpecificPort: u32(e, 40)&1 != 0}
		t.own(&r, u32(e, 24), u64(e, 32), e[48:])
		row(&r)
	})
}

// ownersOf gives the keys of a table's rows, each once: what is to be asked for. at is
// where the row has its pid, its module information is module bytes into it.
func ownersOf(b []byte, size, pid, module int, seen map[ownerKey]bool, one func(k ownerKey, row []byte)) {
	_ = eachEntry(b, firstOwnerRow, size, func(e []byte) {
		k := ownerKey{u32(e, pid), u64(e, module)}
		if k.pid != 0 && !seen[k] && len(seen) < maxOwners {
			seen[k] = true
			one(k, e)
		}
	})
}

// maxOwners bounds how many processes and services are asked about.
const maxOwners = 1 << 14

func addr4(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) }
func addr6(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b)) }

// port reads a port in network order, which the low two bytes of the DWORD have.
func port(b []byte) uint32 { return uint32(binary.BigEndian.Uint16(b)) }

// tcpState names MIB_TCP_STATE (tcpmib.h).
func tcpState(n uint32) string {
	return nth(uint64(n), "", "closed", "listen", "syn_sent", "syn_rcvd", "established", "fin_wait1", "fin_wait2", "close_wait",
		"closing", "last_ack", "time_wait", "delete_tcb")
}

// A PipeRow is a named pipe, a line of volatile/sockets/pipes.jsonl.
type PipeRow struct {
	Name      jsonl.Text `json:"name"`          // below \Device\NamedPipe\
	Instances uint32     `json:"instances"`     // that are open now
	Limit     int32      `json:"max_instances"` // -1: no limit
}

// pipeRows reads lists of FILE_DIRECTORY_INFORMATION
// (https://learn.microsoft.com/windows-hardware/drivers/ddi/ntifs/ns-ntifs-_file_directory_information),
// one for each call, each beginning at a multiple of 8. For a pipe EndOfFile is the
// number of instances and AllocationSize their limit (npfs, dirsup.c).
func pipeRows(b []byte, row func(any)) error {
	return eachDirectoryEntry(b, func(e []byte, name string) {
		row(&PipeRow{Name: jsonl.Text(name), Instances: u32(e, 40), Limit: int32(u32(e, 48))})
	})
}

// eachDirectoryEntry calls one with each entry's fixed part and its name.
func eachDirectoryEntry(b []byte, one func(e []byte, name string)) error {
	const fixed = 64
	for at := 0; at < len(b); {
		if len(b)-at < fixed {
			return fmt.Errorf("directory entry at %d: %d bytes left", at, len(b)-at)
		}
		e := b[at:]
		next, n := int64(u32(e, 0)), int64(u32(e, 60))
		if n > int64(len(e)-fixed) {
			return fmt.Errorf("directory entry at %d: name of %d bytes", at, n)
		}
		one(e, utf16.WTF8(e[fixed:fixed+int(n)]))
		if next == 0 { // the last of one call
			next = (fixed + n + 7) &^ 7
		}
		if next < fixed+n {
			return fmt.Errorf("directory entry at %d: the next begins inside it", at)
		}
		at = int(min(int64(at)+next, int64(len(b))))
	}
	return nil
}
