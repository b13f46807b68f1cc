package ntapi

import (
	"bytes"
	"fmt"
)

// A Driver is one RTL_PROCESS_MODULE_INFORMATION (phnt, ntldr.h): an image loaded into the
// kernel. Addresses are 0 where the system hides them (Windows 11 24H2 and later without
// SeDebugPrivilege).
type Driver struct {
	Base      uint64
	Size      uint32 // bytes
	Flags     uint32
	LoadOrder uint16
	InitOrder uint16
	LoadCount uint16
	Path      string // bytes of the ANSI code page: "\SystemRoot\System32\drivers\tcpip.sys"
	NameAt    uint16 // where in Path the name begins
	// The rest is known from SystemModuleEx only.
	Checksum    uint32
	Timestamp   uint32 // of the image's header, as it stands there
	DefaultBase uint64
}

const (
	driverSize   = 0x128
	driverSizeEx = 0x140
	maxDrivers   = 1 << 16
)

// Drivers reads an answer of SystemModule or SystemModuleEx, in the order of the system.
func Drivers(a Answer, class SystemClass) ([]Driver, error) {
	if class == SystemModuleEx {
		return driversEx(a)
	}
	if !a.has(0, 8) {
		return nil, fmt.Errorf("table of drivers: %w", ErrShort)
	}
	said := a.u32(0)
	var all []Driver
	for i := range int(min(said, maxDrivers)) {
		at := 8 + i*driverSize
		if !a.has(at, driverSize) {
			return all, fmt.Errorf("driver %d of %d: %w", i, said, ErrShort)
		}
		all = append(all, driver(a, at))
	}
	return all, nil
}

// driversEx reads RTL_PROCESS_MODULE_INFORMATION_EX: NextOffset, the plain form, the rest.
// An entry whose NextOffset is 0 ends the list and holds nothing.
func driversEx(a Answer) (all []Driver, err error) {
	for at := 0; len(all) < maxDrivers; {
		next := int(a.u16(at))
		if next == 0 {
			return all, nil
		}
		if next < driverSizeEx || !a.has(at, driverSizeEx) {
			return all, fmt.Errorf("driver %d: %w", len(all), ErrShort)
		}
		d := driver(a, at+8)
		d.Checksum, d.Timestamp, d.DefaultBase = a.u32(at+0x130), a.u32(at+0x134), a.u64(at+0x138)
		all = append(all, d)
		at += next
	}
	return all, fmt.Errorf("more than %d drivers", maxDrivers)
}

func driver(a Answer, at int) Driver {
	path, _, _ := bytes.Cut(a.Data[at+0x28:at+driverSize], []byte{0})
	return Driver{
		Base: a.u64(at + 0x10), Size: a.u32(at + 0x18), Flags: a.u32(at + 0x1c), LoadOrder: a.u16(at + 0x20),
		InitOrder: a.u16(at + 0x22), LoadCount: a.u16(at + 0x24), Path: string(path), NameAt: a.u16(at + 0x26),
	}
}
