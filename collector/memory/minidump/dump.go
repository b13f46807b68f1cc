package minidump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Dump is everything of a process but the contents of its memory.
type Dump struct {
	Time    time.Time
	System  System
	Process Process
	Threads []Thread
	Modules []Module
	// Areas is the whole map of the address space, ascending.
	Areas   []Area
	Handles []Handle
	// Ranges is the memory whose contents are written, ascending, without overlap.
	Ranges []Range
}

// System is MINIDUMP_SYSTEM_INFO, as far as it is known.
type System struct {
	Architecture        uint16 // PROCESSOR_ARCHITECTURE_*: AMD64 9, ARM64 12, INTEL 0
	Level, Revision     uint16
	Processors          uint8
	ProductType         uint8 // 1 workstation, 2 domain controller, 3 server
	Major, Minor, Build uint32
	ServicePack         []uint16
}

// The architectures of System.Architecture (winnt.h).
const (
	ArchitectureX86   = 0
	ArchitectureAMD64 = 9
	ArchitectureARM64 = 12
)

// Process is MINIDUMP_MISC_INFO.
type Process struct {
	PID          uint32
	Created      time.Time
	User, Kernel time.Duration // processor time
}

// A Thread is MINIDUMP_THREAD and MINIDUMP_THREAD_INFO.
type Thread struct {
	ID, SuspendCount    uint32
	PriorityClass       uint32
	Priority            uint32
	TEB                 uint64
	StackStart, StackAt uint64 // the stack's upper end and the stack pointer; 0 if unknown
	Start               uint64 // where it was started
	Created             uint64 // 100 ns since 1601 UTC
	User, Kernel        uint64 // processor time, 100 ns
	Context             []byte // CONTEXT of the architecture, as the system gave it; may be empty
}

// A Module is MINIDUMP_MODULE.
type Module struct {
	Base      uint64
	Size      uint32
	CheckSum  uint32
	TimeStamp uint32
	Name      []uint16
}

// An Area is MINIDUMP_MEMORY_INFO: MEMORY_BASIC_INFORMATION of one run of pages.
type Area struct {
	Base, AllocationBase uint64
	AllocationProtect    uint32
	Size                 uint64
	State, Protect, Type uint32
}

// A Handle is MINIDUMP_HANDLE_DESCRIPTOR.
type Handle struct {
	Handle             uint64
	Type, Name         []uint16
	Attributes, Access uint32
}

// A Range is a run of addresses.
type Range struct{ Start, Size uint64 }

// Result says what of the memory was written.
type Result struct {
	Written    int64 // bytes of the dump
	Unreadable int64 // bytes of memory that could not be read and are zeros
}

// Memory is the memory of the process. ReadMemory reads b from an address on; with
// fewer bytes than len(b) it gives an error. An error that is ErrEnded says that
// nothing more will come.
type Memory interface {
	ReadMemory(b []byte, at uint64) (int, error)
}

// ErrEnded is wrapped by errors of Memory after which nothing can be read any more.
var ErrEnded = errors.New("the process has ended")

// Size is the number of bytes that Write will write.
func (d *Dump) Size() (int64, error) {
	p, err := d.plan()
	if err != nil {
		return 0, err
	}
	return p.size(), nil
}

// piece is how much memory is read at once; page what a smaller try is.
const (
	piece = 1 << 20
	page  = 4096
)

// Write writes the dump to w, always as many bytes as Size says unless w or ctx
// ends it: memory that cannot be read is zeros, and counted.
func (d *Dump) Write(ctx context.Context, w io.Writer, m Memory) (r Result, err error) {
	p, err := d.plan()
	if err != nil {
		return r, err
	}
	n, err := w.Write(p.head)
	if r.Written = int64(n); err != nil {
		return r, err
	}
	buf := make([]byte, piece)
	ended := false
	for _, s := range d.Ranges {
		for at := s.Start; at < s.Start+s.Size; {
			if ctx.Err() != nil {
				return r, context.Cause(ctx)
			}
			b := buf[:min(uint64(len(buf)), s.Start+s.Size-at)]
			bad, stop := fill(m, b, at, ended)
			r.Unreadable += bad
			ended = ended || stop
			n, err := w.Write(b)
			if r.Written += int64(n); err != nil {
				return r, fmt.Errorf("memory at %#x: %w", at, err)
			}
			at += uint64(len(b))
		}
	}
	return r, nil
}

// fill reads b, page by page where all at once fails; what cannot be read is zeros.
func fill(m Memory, b []byte, at uint64, ended bool) (bad int64, stop bool) {
	if ended {
		clear(b)
		return int64(len(b)), true
	}
	if n, err := m.ReadMemory(b, at); err == nil && n == len(b) {
		return 0, false
	}
	for len(b) > 0 {
		p := b[:min(uint64(len(b)), page-at%page)]
		n, err := m.ReadMemory(p, at)
		if n = max(0, min(n, len(p))); err != nil || n < len(p) {
			clear(p[n:])
			bad += int64(len(p) - n)
		}
		b, at = b[len(p):], at+uint64(len(p))
		if errors.Is(err, ErrEnded) {
			clear(b)
			return bad + int64(len(b)), true
		}
	}
	return bad, false
}
