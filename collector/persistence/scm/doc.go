// Package scm reads what the Service Control Manager of a running Windows says of
// services and drivers: who answers may be another program than who is asked about, so
// that it is one view among others (package persistence joins them).
//
// fetch_windows.go asks and copies the answers; services.go and config.go read them, on
// every system, and follow only pointers that lie within an answer. Nothing is started,
// stopped or changed: services are opened with the right to query them only.
//
// Begin with Services (an answer of EnumServicesStatusExW) and Config (those of
// QueryServiceConfigW and QueryServiceConfig2W). Layouts are those of winsvc.h for 64
// bits (https://learn.microsoft.com/windows/win32/api/winsvc/).
package scm

import (
	"encoding/binary"

	"hozen/collector/utf16"
)

// An Answer is what a call wrote into our buffer. Pointers in it are absolute addresses.
type Answer struct {
	Base uint64 // the address of Data[0] when the system wrote it
	Data []byte
}

func (a Answer) has(at, n int) bool {
	return at >= 0 && n >= 0 && at <= len(a.Data) && n <= len(a.Data)-at
}

// u32 and u64 read little-endian numbers; 0 where there are no bytes.
func (a Answer) u32(at int) uint32 {
	if !a.has(at, 4) {
		return 0
	}
	return binary.LittleEndian.Uint32(a.Data[at:])
}

func (a Answer) u64(at int) uint64 {
	if !a.has(at, 8) {
		return 0
	}
	return binary.LittleEndian.Uint64(a.Data[at:])
}

// follow gives where the pointer at an offset leads; false for null and for one that
// leads elsewhere.
func (a Answer) follow(at int) (int, bool) {
	p := a.u64(at)
	if p == 0 || p < a.Base || p-a.Base >= uint64(len(a.Data)) {
		return 0, false
	}
	return int(p - a.Base), true
}

// text reads the string that the pointer at an offset leads to.
func (a Answer) text(at int) string {
	to, ok := a.follow(at)
	if !ok {
		return ""
	}
	return utf16.ToNUL(a.Data[to:])
}

// texts reads the list of strings, ended by an empty one, that a pointer leads to.
func (a Answer) texts(at int) (out []string) {
	to, ok := a.follow(at)
	for ok && len(out) < maxList {
		s := utf16.ToNUL(a.Data[to:])
		if s == "" {
			break
		}
		out = append(out, s)
		units, err := utf16.Units(s)
		if err != nil {
			break
		}
		to += 2*len(units) + 2
		ok = to < len(a.Data)
	}
	return out
}

// maxList bounds lists within one answer.
const maxList = 4096
