package ntapi

import (
	"fmt"
)

// A Process is one SYSTEM_PROCESS_INFORMATION (phnt, ntexapi.h) with its threads.
type Process struct {
	PID, Parent       uint32 // Parent is InheritedFromUniqueProcessId: what the creator chose
	Created           uint64 // FILETIME; with PID it names a process. 0 for Idle
	Session           uint32
	Name              string // the last part of the image's name, WTF-8; "" for Idle
	UserTime          uint64 // 100 ns
	KernelTime        uint64 // 100 ns
	CycleTime         uint64
	Priority          int32
	Handles           uint32
	PageFaults        uint32
	HardFaults        uint32
	PeakThreads       uint32
	VirtualSize       uint64 // bytes, as all sizes here
	PeakVirtualSize   uint64
	WorkingSet        uint64
	PeakWorkingSet    uint64
	PrivateWorkingSet uint64
	PagefileUsage     uint64
	PeakPagefileUsage uint64
	PagedPool         uint64
	NonPagedPool      uint64
	PrivateBytes      uint64
	ReadOps, WriteOps uint64
	OtherOps          uint64
	ReadBytes         uint64
	WriteBytes        uint64
	OtherBytes        uint64
	SID               string // of its user; only SystemFullProcess tells
	PackageFullName   string // of a packaged app; only SystemFullProcess tells
	Threads           []Thread
	ThreadsSaid       uint32 // how many the system says there are; Threads has those that lie in the answer
	Offset            int    // of the entry in the answer
}

const (
	processHead    = 0x100 // SYSTEM_PROCESS_INFORMATION without Threads
	maxProcesses   = 1 << 18
	maxThreads     = 1 << 20 // of all processes together
	maxPackageName = 1 << 10
)

// Processes reads an answer of SystemProcess, SystemExtendedProcess or SystemFullProcess, in
// the order of the system. What can be read before an error is given with it.
func Processes(a Answer, class SystemClass) ([]Process, error) {
	var all []Process
	threads := 0
	for at := 0; ; {
		if !a.has(at, processHead) {
			return all, fmt.Errorf("process %d at offset %d: %w", len(all), at, ErrShort)
		}
		next := int(a.u32(at))
		end := len(a.Data)
		if next != 0 {
			end = min(end, at+next)
		}
		p, err := process(Answer{a.Base, a.Data[:end]}, a, at, class)
		all = append(all, p)
		threads += len(p.Threads)
		switch {
		case err != nil:
			return all, fmt.Errorf("process %d: %w", p.PID, err)
		case next == 0:
			return all, nil
		case next < processHead || next > len(a.Data)-at:
			return all, fmt.Errorf("process %d: the next entry, %d bytes on, %w", p.PID, next, ErrShort)
		case len(all) == maxProcesses || threads > maxThreads:
			return all, fmt.Errorf("more than %d processes or %d threads", maxProcesses, maxThreads)
		}
		at += next
	}
}

// process reads the entry at an offset; entry ends where the next one begins.
func process(entry, a Answer, at int, class SystemClass) (Process, error) {
	p := Process{
		PID: uint32(a.u64(at + 0x50)), Parent: uint32(a.u64(at + 0x58)), Created: a.u64(at + 0x20), Session: a.u32(at + 0x64),
		UserTime: a.u64(at + 0x28), KernelTime: a.u64(at + 0x30), CycleTime: a.u64(at + 0x18), Priority: int32(a.u32(at + 0x48)),
		Handles: a.u32(at + 0x60), PageFaults: a.u32(at + 0x80), HardFaults: a.u32(at + 0x10), PeakThreads: a.u32(at + 0x14),
		PeakVirtualSize: a.u64(at + 0x70), VirtualSize: a.u64(at + 0x78), PeakWorkingSet: a.u64(at + 0x88), WorkingSet: a.u64(at + 0x90),
		PrivateWorkingSet: a.u64(at + 0x08), PagedPool: a.u64(at + 0xa0), NonPagedPool: a.u64(at + 0xb0),
		PagefileUsage: a.u64(at + 0xb8), PeakPagefileUsage: a.u64(at + 0xc0), PrivateBytes: a.u64(at + 0xc8),
		ReadOps: a.u64(at + 0xd0), WriteOps: a.u64(at + 0xd8), OtherOps: a.u64(at + 0xe0),
		ReadBytes: a.u64(at + 0xe8), WriteBytes: a.u64(at + 0xf0), OtherBytes: a.u64(at + 0xf8),
		ThreadsSaid: a.u32(at + 0x04), Offset: at,
	}
	var err error
	p.Name, err = a.unicode(at + 0x38)
	if err != nil {
		err = fmt.Errorf("name: %w", err)
	}
	size := threadSize(class)
	for i := range int(min(p.ThreadsSaid, maxThreads)) {
		from := at + processHead + i*size
		if !entry.has(from, size) {
			return p, fmt.Errorf("thread %d of %d: %w", i, p.ThreadsSaid, ErrShort)
		}
		p.Threads = append(p.Threads, thread(entry, from, class))
	}
	if class == SystemFullProcess && err == nil {
		err = p.extension(entry, at+processHead+len(p.Threads)*size)
	}
	return p, err
}

// extension reads SYSTEM_PROCESS_INFORMATION_EXTENSION, which lies behind the threads. Its
// offsets are counted from its own beginning.
func (p *Process) extension(entry Answer, at int) error {
	if !entry.has(at, 0x3c) {
		return nil // older than Windows 10
	}
	if off := entry.u32(at + 0x34); off != 0 {
		from := at + int(off)
		if from < at || !entry.has(from, 8) {
			return fmt.Errorf("user SID: %w", ErrShort)
		}
		sid, _, err := SID(entry.Data[from:])
		if err != nil {
			return err
		}
		p.SID = sid
	}
	if off := entry.u32(at + 0x38); off != 0 {
		from := at + int(off)
		if from < at || !entry.has(from, 2) {
			return fmt.Errorf("package name: %w", ErrShort)
		}
		p.PackageFullName = untilNUL(entry.Data[from:], maxPackageName)
	}
	return nil
}
