package ntapi

import (
	"fmt"
	"io"
)

// A PEB is what is read of a process environment block: the 64-bit one of every process, or
// the 32-bit one (PEB32) that a WoW64 process has beside it. All of it lies in memory that
// the process itself can write.
type PEB struct {
	Address       uint64
	Wide          bool // 64-bit
	BeingDebugged bool
	BitField      uint8 // phnt: ImageUsesLargePages 1, IsProtectedProcess 2, IsImageDynamicallyRelocated 4, ...
	ImageBase     uint64
	Ldr           uint64 // address of PEB_LDR_DATA; 0 before the loader has run
	Parameters    uint64 // address of RTL_USER_PROCESS_PARAMETERS
	NtGlobalFlag  uint32 // 0x70 under a debugger
	OSMajor       uint32 // what the process is told; it may be shimmed
	OSMinor       uint32
	OSBuild       uint16
	Session       uint32
}

// ReadPEB reads the PEB at an address (phnt, ntpebteb.h; ntdiff/headers has its offsets for
// each build, and these have never moved). wide says which form it has.
func ReadPEB(mem io.ReaderAt, address uint64, wide bool) (PEB, error) {
	v := view{mem, wide}
	a, err := v.read(address, int(v.pick(0x2c4, 0x1d8)))
	if err != nil {
		return PEB{}, fmt.Errorf("PEB: %w", err)
	}
	return PEB{
		Address: address, Wide: wide, BeingDebugged: a.u8(2) != 0, BitField: a.u8(3),
		ImageBase: v.pointer(a, 0x10, 0x08), Ldr: v.pointer(a, 0x18, 0x0c), Parameters: v.pointer(a, 0x20, 0x10),
		NtGlobalFlag: a.u32(int(v.pick(0xbc, 0x68))), OSMajor: a.u32(int(v.pick(0x118, 0xa4))),
		OSMinor: a.u32(int(v.pick(0x11c, 0xa8))), OSBuild: a.u16(int(v.pick(0x120, 0xac))),
		Session: a.u32(int(v.pick(0x2c0, 0x1d4))),
	}, nil
}
