package onwindows

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/memory/minidump"
	"hozen/collector/ntapi"
	"hozen/packager/evidence"
)

func thisOpener() (opener, error) { return live{}, nil }

func (live) open(ctx context.Context, pid uint32, created uint64, whole, freeze bool) (*victim, error) {
	if int(pid) == os.Getpid() {
		return nil, evidence.Skip("process %d is this collection itself", pid)
	}
	ntapi.EnablePrivilege(luidDebug) // without it, what cannot be opened says so
	list, _, err := processList()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(p ntapi.Process) bool { return p.PID == pid && (created == 0 || p.Created == created) })
	if i < 0 {
		if created != 0 {
			return nil, evidence.NotHere("process %d has ended", pid)
		}
		return nil, fmt.Errorf("no process has the number %d", pid)
	}
	o, err := ntapi.Open(pid, list[i].Created)
	if err != nil {
		return nil, err
	}
	if o.Denied != nil {
		o.Close()
		return nil, o.Denied
	}
	v := &victim{info: list[i], mem: o, close: o.Close, system: facts()}
	drives := ntapi.ReadDrives()
	if a, err := o.Query(ntapi.ProcessImageFileWin32); err == nil {
		name, _ := ntapi.UnicodeString(a)
		v.path = drives.Win32(name, "")
	}
	if freeze && whole {
		v.freeze(o, pid)
	}
	v.regions, v.cut = o.Regions(ctx, limitRegions)
	if whole {
		v.readWhole(o)
	}
	return v, nil
}

// freezeLimit is how long a process is stopped at most: one that others wait for, such as a
// virus scanner that is asked about each file that we write, would stop us, too.
const freezeLimit = 3 * time.Minute

// freeze stops the process until it is closed (NtSuspendProcess of ntdll), but none without
// which Windows cannot go on (ProcessBreakOnTerminate: csrss, lsass, services).
func (v *victim) freeze(o *ntapi.Opened, pid uint32) {
	const suspendResume = 0x0800 // PROCESS_SUSPEND_RESUME
	if a, err := o.Query(ntapi.ProcessBreakOnTerminate); err == nil {
		if critical, err := a.Number(); err == nil && critical != 0 {
			v.frozen = "not stopped: Windows cannot go on without it"
			return
		}
	}
	h, err := windows.OpenProcess(suspendResume, false, pid)
	if err != nil {
		v.frozen = fmt.Sprintf("not stopped: %v", err)
		return
	}
	lib := windows.NewLazySystemDLL("ntdll.dll")
	stop, resume := lib.NewProc("NtSuspendProcess"), lib.NewProc("NtResumeProcess")
	if stop.Find() != nil || resume.Find() != nil {
		windows.CloseHandle(h)
		v.frozen = "not stopped: this Windows has no call for it"
		return
	}
	if r, _, _ := stop.Call(uintptr(h)); r != 0 {
		windows.CloseHandle(h)
		v.frozen = fmt.Sprintf("not stopped: NtSuspendProcess: status %#x", uint32(r))
		return
	}
	v.frozen = fmt.Sprintf("stopped by NtSuspendProcess, continued by NtResumeProcess afterwards, or after %v", freezeLimit)
	goOn := sync.OnceFunc(func() {
		resume.Call(uintptr(h))
		windows.CloseHandle(h)
	})
	late := time.AfterFunc(freezeLimit, goOn)
	closed := v.close
	v.close = func() {
		late.Stop()
		goOn()
		closed()
	}
}

// readWhole reads what a minidump has beside memory.
func (v *victim) readWhole(o *ntapi.Opened) {
	if basic, err := o.Basic(); err == nil && basic.PEB != 0 {
		if peb, err := ntapi.ReadPEB(o, basic.PEB, true); err == nil && peb.Ldr != 0 {
			v.modules, _ = ntapi.ReadModules(o, peb)
		}
	}
	get := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetThreadContext")
	if get.Find() != nil {
		return
	}
	for i := range v.info.Threads {
		t := &v.info.Threads[i]
		h, err := windows.OpenThread(windows.THREAD_GET_CONTEXT|windows.THREAD_QUERY_INFORMATION, false, t.TID)
		if err != nil {
			continue
		}
		v.threads = append(v.threads, v.state(get, h, t))
		windows.CloseHandle(h)
	}
}

// state reads the registers of a thread, and finds its stack.
func (v *victim) state(get *windows.LazyProc, h windows.Handle, t *ntapi.Thread) threadState {
	s := threadState{tid: t.TID}
	s.context, s.stackPointer, _ = registers(get, h)
	var tib [8]byte // NT_TIB.StackBase
	if t.TEB != 0 {
		if n, _ := v.mem.ReadAt(tib[:], int64(t.TEB)+8); n == 8 {
			s.stackBase = binary.LittleEndian.Uint64(tib[:])
		}
	}
	return s
}

// Registers gives those of a thread of any process (CONTEXT of winnt.h), with its
// instruction pointer.
func Registers(tid uint32) (context []byte, instruction uint64, err error) {
	get := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetThreadContext")
	if err := get.Find(); err != nil {
		return nil, 0, err
	}
	h, err := windows.OpenThread(windows.THREAD_GET_CONTEXT|windows.THREAD_QUERY_INFORMATION, false, tid)
	if err != nil {
		return nil, 0, fmt.Errorf("thread %d: OpenThread: %w", tid, err)
	}
	defer windows.CloseHandle(h)
	context, _, instruction = registers(get, h)
	if context == nil {
		return nil, 0, fmt.Errorf("thread %d: GetThreadContext gives nothing", tid)
	}
	return context, instruction, nil
}

// registers asks for those of a thread (CONTEXT of winnt.h, by GetThreadContext), with
// its stack and instruction pointer; nil where that is refused. Of a thread that runs
// they are those of some moment, unless the process is stopped.
func registers(get *windows.LazyProc, h windows.Handle) (b []byte, stack, instruction uint64) {
	// The size, where the flags lie and those that ask for everything, the two pointers.
	size, flagsAt, flags, stackAt, instructionAt := 1232, 48, uint32(0x10001f), 152, 248
	if runtime.GOARCH == "arm64" {
		size, flagsAt, flags, stackAt, instructionAt = 912, 0, 0x40000f, 256, 264
	}
	room := make([]byte, size+16)
	at := 0
	for uintptr(unsafe.Pointer(&room[at]))%16 != 0 { // the structure is aligned so
		at++
	}
	b = room[at : at+size]
	binary.LittleEndian.PutUint32(b[flagsAt:], flags)
	if r, _, _ := get.Call(uintptr(h), uintptr(unsafe.Pointer(&b[0]))); r == 0 {
		return nil, 0, 0
	}
	return b, binary.LittleEndian.Uint64(b[stackAt:]), binary.LittleEndian.Uint64(b[instructionAt:])
}

// facts says what a minidump says of the system.
func facts() systemFacts {
	i := windows.RtlGetVersion()
	f := systemFacts{architecture: minidump.ArchitectureAMD64, major: i.MajorVersion, minor: i.MinorVersion, build: i.BuildNumber, product: i.ProductType, processors: uint8(min(runtime.NumCPU(), 255))}
	if runtime.GOARCH == "arm64" {
		f.architecture = minidump.ArchitectureARM64
	}
	return f
}
