package ntapi

import (
	"fmt"
	"strings"
)

// A Region is one MEMORY_BASIC_INFORMATION (winnt.h): pages of a process that are next to
// each other and alike.
type Region struct {
	Base, Size        uint64
	AllocationBase    uint64 // 0 in free memory
	AllocationProtect uint32
	State             uint32
	Protect           uint32 // 0 unless committed
	Type              uint32
	// File is the kernel's name of the file that is mapped here, as
	// \Device\HarddiskVolume3\Windows\System32\ntdll.dll in WTF-8; "" for private memory, and
	// for sections without a file. FileError says why it is not known.
	File      string
	FileError error
}

// States, types and protections of a Region (winnt.h).
const (
	MemCommit  = 0x1000
	MemReserve = 0x2000
	MemFree    = 0x10000

	MemPrivate = 0x20000
	MemMapped  = 0x40000
	MemImage   = 0x1000000

	PageNoAccess         = 0x01
	PageReadOnly         = 0x02
	PageReadWrite        = 0x04
	PageWriteCopy        = 0x08
	PageExecute          = 0x10
	PageExecuteRead      = 0x20
	PageExecuteReadWrite = 0x40
	PageExecuteWriteCopy = 0x80
	PageGuard            = 0x100
)

// regionSize is the size of MEMORY_BASIC_INFORMATION.
const regionSize = 0x30

// ParseRegion reads one MEMORY_BASIC_INFORMATION.
func ParseRegion(a Answer) (Region, error) {
	if !a.has(0, regionSize) {
		return Region{}, fmt.Errorf("memory region: %w", ErrShort)
	}
	return Region{
		Base: a.u64(0), AllocationBase: a.u64(8), AllocationProtect: a.u32(0x10), Size: a.u64(0x18),
		State: a.u32(0x20), Protect: a.u32(0x24), Type: a.u32(0x28),
	}, nil
}

// Readable says whether its pages can be read without side effects: committed, not
// forbidden, and no guard pages (reading one from outside gives an error, and keeps it).
func (r *Region) Readable() bool {
	return r.State == MemCommit && r.Protect&(PageGuard|PageNoAccess) == 0 && r.Protect != 0
}

// Executable says whether its pages may be executed.
func (r *Region) Executable() bool {
	return r.State == MemCommit && r.Protect&(PageExecute|PageExecuteRead|PageExecuteReadWrite|PageExecuteWriteCopy) != 0
}

// Writable says whether its pages may be written, copy on write counted.
func (r *Region) Writable() bool {
	return r.State == MemCommit && r.Protect&(PageReadWrite|PageWriteCopy|PageExecuteReadWrite|PageExecuteWriteCopy) != 0
}

// StateName is "commit", "reserve" or "free", else a number.
func (r *Region) StateName() string {
	switch r.State {
	case MemCommit:
		return "commit"
	case MemReserve:
		return "reserve"
	case MemFree:
		return "free"
	}
	return fmt.Sprintf("%#x", r.State)
}

// TypeName is "private", "mapped" or "image"; "" in free memory, else a number.
func (r *Region) TypeName() string {
	switch r.Type {
	case 0:
		return ""
	case MemPrivate:
		return "private"
	case MemMapped:
		return "mapped"
	case MemImage:
		return "image"
	}
	return fmt.Sprintf("%#x", r.Type)
}

// ProtectName gives a protection in winnt.h's words without their PAGE_, as
// "EXECUTE_READ GUARD"; "" for 0.
func ProtectName(p uint32) string {
	return strings.Join(flagNames(p, "NOACCESS", "READONLY", "READWRITE", "WRITECOPY", "EXECUTE", "EXECUTE_READ",
		"EXECUTE_READWRITE", "EXECUTE_WRITECOPY", "GUARD", "NOCACHE", "WRITECOMBINE"), " ")
}

// A WorkingSetPage is MEMORY_WORKING_SET_EX_BLOCK (psapi.h: PSAPI_WORKING_SET_EX_BLOCK) of
// one page.
type WorkingSetPage uint64

// Valid says whether the page is in the working set: otherwise nothing else is known of it.
func (p WorkingSetPage) Valid() bool { return p&1 != 0 }

// Shared says whether the page is sharable: a page of an image that is not has been written
// to, and is the process's own copy.
func (p WorkingSetPage) Shared() bool { return p>>15&1 != 0 }

// ShareCount is how many processes share the page, at most 7.
func (p WorkingSetPage) ShareCount() int { return int(p >> 1 & 7) }
