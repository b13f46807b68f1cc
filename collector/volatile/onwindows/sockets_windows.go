package onwindows

import (
	"context"
	"errors"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
)

// Arguments of iphlpapi: iprtrmib.h, ws2def.h, iphlpapi.h.
const (
	afInet             = 2
	afInet6            = 23
	tcpOwnerModuleAll  = 8 // TCP_TABLE_OWNER_MODULE_ALL
	udpOwnerModule     = 2 // UDP_TABLE_OWNER_MODULE
	ownerModuleBasic   = 0 // TCPIP_OWNER_MODULE_INFO_BASIC
	firstSocketsBuffer = 64 << 10
)

func (l *live) socketCalls() map[string]call {
	return map[string]call{
		"sockets/tcp4":   l.extended("tcp4", "GetExtendedTcpTable", afInet, tcpOwnerModuleAll),
		"sockets/tcp6":   l.extended("tcp6", "GetExtendedTcpTable", afInet6, tcpOwnerModuleAll),
		"sockets/udp4":   l.extended("udp4", "GetExtendedUdpTable", afInet, udpOwnerModule),
		"sockets/udp6":   l.extended("udp6", "GetExtendedUdpTable", afInet6, udpOwnerModule),
		"sockets/pipes":  listPipes,
		"sockets/owners": l.owners,
		"sockets/unix": func(context.Context) ([]byte, error) {
			return nil, evidence.NotHere("Windows has no table of AF_UNIX sockets: their handles and files are seen by processes and disk")
		},
	}
}

// extended is https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getextendedtcptable
// and its kin for UDP.
func (l *live) extended(name, function string, family, class uintptr) call {
	return func(context.Context) ([]byte, error) {
		p, err := lazy("iphlpapi.dll", function)
		if err != nil {
			return nil, err
		}
		b, err := grow(firstSocketsBuffer, func(buf *byte, size *uint32) error {
			return code(p.Call(uintptr(unsafe.Pointer(buf)), uintptr(unsafe.Pointer(size)), 0, family, class, 0))
		})
		l.mu.Lock()
		defer l.mu.Unlock()
		l.tables[name] = b
		return b, named(function, err)
	}
}

// owners asks once for each process and service in the tables. The row is given to the
// call as it came from the table.
func (l *live) owners(ctx context.Context) ([]byte, error) {
	l.mu.Lock()
	tables := map[string][]byte{}
	for name, b := range l.tables {
		tables[name] = b
	}
	l.mu.Unlock()
	var out []byte
	var tally evidence.Tally
	seen := map[ownerKey]bool{}
	for _, t := range []struct {
		name, function    string
		size, pid, module int
	}{
		{"tcp4", "GetOwnerModuleFromTcpEntry", sizeTCP4, 20, 32},
		{"tcp6", "GetOwnerModuleFromTcp6Entry", sizeTCP6, 52, 64},
		{"udp4", "GetOwnerModuleFromUdpEntry", sizeUDP4, 8, 32},
		{"udp6", "GetOwnerModuleFromUdp6Entry", sizeUDP6, 24, 48},
	} {
		p, err := lazy("iphlpapi.dll", t.function)
		if tally.Add(t.function, err) != nil {
			continue
		}
		ownersOf(tables[t.name], t.size, t.pid, t.module, seen, func(k ownerKey, row []byte) {
			if ctx.Err() != nil {
				tally.Add(k.sectionName(), context.Cause(ctx))
				return
			}
			b, err := ownerOf(p, row)
			if errors.Is(err, windows.ERROR_NOT_FOUND) || errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
				err = evidence.NotHere("the process has ended, or has no module: %v", err)
			}
			tally.Add(k.sectionName(), err)
			out = section.Append(out, k.sectionName(), false, b, err)
		})
	}
	return out, tally.Err()
}

// ownerOf gives the answer as pieces: the buffer, whose pointers lead into itself.
func ownerOf(p *windows.LazyProc, row []byte) ([]byte, error) {
	row = append([]byte(nil), row...)
	b, err := grow(1024, func(buf *byte, size *uint32) error {
		return code(p.Call(uintptr(unsafe.Pointer(&row[0])), ownerModuleBasic, uintptr(unsafe.Pointer(buf)), uintptr(unsafe.Pointer(size))))
	})
	if err != nil || len(b) == 0 {
		return nil, err
	}
	return winsys.Pieces{{Addr: uint64(uintptr(unsafe.Pointer(&b[0]))), Data: b}}.Append(nil), nil
}

// listPipes lists the root of the named pipe file system. Its directory is opened, no
// pipe is: opening one could take an instance that a client waits for.
func listPipes(ctx context.Context) ([]byte, error) {
	query, err := lazy("ntdll.dll", "NtQueryDirectoryFile")
	if err != nil {
		return nil, err
	}
	dir, err := openPipeRoot()
	if err != nil {
		return nil, named(`\Device\NamedPipe\`, err)
	}
	defer windows.CloseHandle(dir)
	const fileDirectoryInformation = 1
	var out []byte
	buf := make([]byte, 64<<10)
	for restart := uintptr(1); ctx.Err() == nil && len(out) < maxAnswer; restart = 0 {
		var io windows.IO_STATUS_BLOCK
		r, _, _ := query.Call(uintptr(dir), 0, 0, 0, uintptr(unsafe.Pointer(&io)), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)),
			fileDirectoryInformation, 0, 0, restart)
		if status := windows.NTStatus(uint32(r)); status == windows.STATUS_NO_MORE_FILES {
			return out, nil
		} else if status != windows.STATUS_SUCCESS {
			return out, named("NtQueryDirectoryFile", status)
		}
		n := min(int(io.Information), len(buf))
		if n == 0 {
			return out, nil
		}
		out = append(out, buf[:n]...)
		out = append(out, make([]byte, -len(out)&7)...)
	}
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	return out, evidence.Cut("over %d bytes of names", maxAnswer)
}

func openPipeRoot() (windows.Handle, error) {
	name, err := windows.NewNTUnicodeString(`\Device\NamedPipe\`)
	if err != nil {
		return 0, err
	}
	oa := windows.OBJECT_ATTRIBUTES{ObjectName: name, Attributes: windows.OBJ_CASE_INSENSITIVE}
	oa.Length = uint32(unsafe.Sizeof(oa))
	var h windows.Handle
	var io windows.IO_STATUS_BLOCK
	err = windows.NtCreateFile(&h, windows.FILE_LIST_DIRECTORY|windows.SYNCHRONIZE, &oa, &io, nil, 0,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, windows.FILE_OPEN, windows.FILE_SYNCHRONOUS_IO_NONALERT|windows.FILE_DIRECTORY_FILE, 0, 0)
	return h, err
}
