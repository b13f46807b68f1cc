package ntapi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/packager/evidence"
)

// An Opened is one process that stays the same one until Close. Its methods may be called
// concurrently. None of them waits for the process; but a read of memory that a file on
// another machine backs waits for that machine, so who reads bounds the time.
type Opened struct {
	PID     uint32
	Created uint64 // FILETIME, as the open process itself tells it
	// Denied says which rights were refused, of reading all information and memory.
	Denied error
	handle windows.Handle
	query  *windows.LazyProc // NtQueryVirtualMemory
	mu     sync.Mutex
	token  windows.Token // 0 until it is asked for
}

// The rights that are asked for, the fewest last (winnt.h, PROCESS_…).
const (
	rightsLeast = windows.PROCESS_QUERY_LIMITED_INFORMATION
	rightsRead  = rightsLeast | windows.PROCESS_VM_READ
	rightsAll   = rightsRead | windows.PROCESS_QUERY_INFORMATION
)

// Open opens a process for reading, with as many rights as we get. created is what the
// snapshot said (0: any); a process that began at another time is another one, and the
// error then says that the one asked for has ended.
func Open(pid uint32, created uint64) (*Opened, error) {
	if pid == 0 {
		return nil, evidence.NotHere("process 0: the idle process cannot be opened")
	}
	h, err := windows.OpenProcess(rightsLeast, false, pid)
	if err != nil {
		return nil, openError(pid, err)
	}
	o := &Opened{PID: pid, handle: h, query: native("NtQueryVirtualMemory")}
	var created2, exit, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created2, &exit, &kernel, &user); err != nil {
		o.Close()
		return nil, fmt.Errorf("process %d: GetProcessTimes: %w", pid, err)
	}
	o.Created = uint64(created2.HighDateTime)<<32 | uint64(created2.LowDateTime)
	if created != 0 && o.Created != created {
		o.Close()
		return nil, evidence.Gone("process %d: it has ended, and another has its number", pid)
	}
	for _, rights := range []uint32{rightsAll, rightsRead} {
		more, err := windows.OpenProcess(rights, false, pid)
		if err != nil {
			if o.Denied == nil {
				o.Denied = fmt.Errorf("process %d: OpenProcess with %#x: %w", pid, rights, err)
			}
			continue
		}
		if !sameProcess(more, created2) { // the first handle keeps the number from being used again
			windows.CloseHandle(more)
			break
		}
		windows.CloseHandle(o.handle)
		o.handle = more
		break
	}
	return o, nil
}

func sameProcess(h windows.Handle, created windows.Filetime) bool {
	var c, exit, kernel, user windows.Filetime
	return windows.GetProcessTimes(h, &c, &exit, &kernel, &user) == nil && c == created
}

func openError(pid uint32, err error) error {
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) { // no such process (OpenProcess, Remarks)
		return evidence.Gone("process %d: it has ended", pid)
	}
	return fmt.Errorf("process %d: OpenProcess: %w", pid, err)
}

// Close gives the process up.
func (o *Opened) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.token != 0 {
		o.token.Close()
	}
	windows.CloseHandle(o.handle)
}

// Handle is the handle behind it, for calls that this package does not have.
func (o *Opened) Handle() uintptr { return uintptr(o.handle) }

// Query asks NtQueryInformationProcess for a class, whose answer may have 128 KiB.
func (o *Opened) Query(class ProcessClass) (Answer, error) {
	if class == ProcessBasic {
		if a, ok := o.basicExtended(); ok {
			return a, nil
		}
	}
	what := fmt.Sprintf("process %d: NtQueryInformationProcess class %d", o.PID, class)
	return grow(what, processSize(class), 1<<17, func(b []byte, n *uint32) uint32 {
		return statusOf(windows.NtQueryInformationProcess(o.handle, int32(class), unsafe.Pointer(&b[0]), uint32(len(b)), n))
	})
}

// processSize gives the exact size of classes that have one, else a beginning.
func processSize(class ProcessClass) int {
	switch class {
	case ProcessBasic:
		return basicPlain
	case ProcessTimes:
		return 32
	case ProcessDebugPort, ProcessWow64:
		return 8
	case ProcessBreakOnTerminate:
		return 4
	case ProcessProtectionInfo:
		return 1
	}
	return 1 << 10
}

// basicExtended asks for the extended form of ProcessBasic, whose caller writes its size into it.
func (o *Opened) basicExtended() (Answer, bool) {
	b := make([]byte, basicExtended)
	binary.LittleEndian.PutUint64(b, basicExtended)
	var n uint32
	status := statusOf(windows.NtQueryInformationProcess(o.handle, int32(ProcessBasic), unsafe.Pointer(&b[0]), uint32(len(b)), &n))
	return Answer{Data: b}, !failed(status) && n == basicExtended
}

// Basic reads ProcessBasic.
func (o *Opened) Basic() (BasicProcess, error) {
	a, err := o.Query(ProcessBasic)
	if err != nil {
		return BasicProcess{}, err
	}
	return ParseBasicProcess(a)
}

// QueryMitigation asks for the flags of one mitigation policy: see ParseMitigation.
func (o *Opened) QueryMitigation(policy uint32) (Answer, error) {
	b := make([]byte, 8)
	binary.LittleEndian.PutUint32(b, policy)
	status := statusOf(windows.NtQueryInformationProcess(o.handle, int32(ProcessMitigationPolicy), unsafe.Pointer(&b[0]), uint32(len(b)), nil))
	if failed(status) {
		return Answer{}, nativeError(fmt.Sprintf("process %d: mitigation policy %d", o.PID, policy), status)
	}
	return Answer{Data: b}, nil
}

// Token reads the primary token of the process.
func (o *Opened) Token() (*Token, error) {
	if _, err := o.QueryToken(TokenUser); err != nil {
		return nil, err
	}
	return ParseToken(o.QueryToken), nil
}

// QueryToken asks GetTokenInformation for a class, of the primary token of the process.
func (o *Opened) QueryToken(class TokenClass) (Answer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.token == 0 {
		if err := windows.OpenProcessToken(o.handle, windows.TOKEN_QUERY, &o.token); err != nil {
			o.token = 0
			return Answer{}, fmt.Errorf("process %d: OpenProcessToken: %w", o.PID, err)
		}
	}
	return queryToken(o.token, class)
}

// ReadAt reads memory of the process at the address off, up to the first page that cannot
// be read. It implements io.ReaderAt.
func (o *Opened) ReadAt(b []byte, off int64) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	var n uintptr
	err := windows.ReadProcessMemory(o.handle, uintptr(off), &b[0], uintptr(len(b)), &n)
	if err != nil && int(n) < len(b) {
		// The call copies some pages at a time, and nothing of those among which one is missing.
		n += o.readable(b[n:], off+int64(n))
	}
	if err != nil && int(n) < len(b) {
		return int(n), fmt.Errorf("process %d: memory at %#x: %w", o.PID, uint64(off)+uint64(n), err)
	}
	return int(n), nil
}

// readable reads what can be read from the beginning of b on, which cannot be read whole, up
// to the end of a page, and says how much that is. The end is looked for by halves: one step
// for each page would take minutes for a large region of which nothing can be read.
func (o *Opened) readable(b []byte, off int64) uintptr {
	first := pageSize - int(off%pageSize) // where the second page begins
	got, fails := 0, (len(b)-first+pageSize-1)/pageSize+1
	for got+1 < fails { // got pages were read, fails pages cannot be
		pages := (got + fails) / 2
		if windows.ReadProcessMemory(o.handle, uintptr(off), &b[0], uintptr(first+(pages-1)*pageSize), nil) == nil {
			got = pages
		} else {
			fails = pages
		}
	}
	if got == 0 {
		return 0
	}
	return uintptr(first + (got-1)*pageSize)
}

// Regions gives the map of the process, free memory left out, at most limit regions. What
// could be read comes with the error.
func (o *Opened) Regions(ctx context.Context, limit int) ([]Region, error) {
	if err := o.query.Find(); err != nil {
		return nil, err
	}
	var all []Region
	var name mappedName
	for at := uint64(0); ; {
		if ctx.Err() != nil {
			return all, context.Cause(ctx)
		}
		b, err := o.virtual(at, memoryBasic, regionSize)
		if err != nil {
			if at > 0 && errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
				return all, nil // the end of user mode
			}
			return all, err
		}
		r, err := ParseRegion(b)
		if err != nil {
			return all, err
		}
		if r.State != MemFree {
			if len(all) == limit {
				return all, evidence.Cut("process %d: more than %d regions of memory", o.PID, limit)
			}
			name.of(o, &r)
			all = append(all, r)
		}
		next := r.Base + r.Size
		if next <= at {
			return all, nil
		}
		at = next
	}
}

// The classes of NtQueryVirtualMemory (phnt, ntmmapi.h).
const (
	memoryBasic        = 0
	memoryMappedFile   = 2
	memoryWorkingSetEx = 4
)

func (o *Opened) virtual(address uint64, class, size int) (Answer, error) {
	b := make([]byte, size)
	var n uintptr
	r, _, _ := o.query.Call(uintptr(o.handle), uintptr(address), uintptr(class), uintptr(unsafe.Pointer(&b[0])), uintptr(size), uintptr(unsafe.Pointer(&n)))
	if status := uint32(r); failed(status) {
		return Answer{}, nativeError(fmt.Sprintf("process %d: NtQueryVirtualMemory class %d at %#x", o.PID, class, address), status)
	}
	return Answer{uint64(uintptr(unsafe.Pointer(&b[0]))), b}, nil
}

// A mappedName keeps the name of the last allocation: the regions of one mapping follow each other.
type mappedName struct {
	base uint64
	name string
	err  error
}

func (m *mappedName) of(o *Opened, r *Region) {
	if r.Type != MemImage && r.Type != MemMapped {
		return
	}
	if m.base != r.AllocationBase {
		m.base = r.AllocationBase
		m.name, m.err = o.MappedFile(r.AllocationBase)
	}
	r.File, r.FileError = m.name, m.err
}

// MappedFile asks for the kernel's name of the file that is mapped at an address; "" where a
// section has no file.
func (o *Opened) MappedFile(address uint64) (string, error) {
	a, err := o.virtual(address, memoryMappedFile, 1<<10)
	if errors.Is(err, windows.ERROR_MORE_DATA) || errors.Is(err, windows.ERROR_BAD_LENGTH) || errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) {
		a, err = o.virtual(address, memoryMappedFile, 1<<16+64)
	}
	switch {
	case err == nil:
		name, err := UnicodeString(a)
		return strings.TrimRight(name, "\x00"), err
	case errors.Is(err, windows.ERROR_FILE_INVALID), errors.Is(err, windows.ERROR_INVALID_ADDRESS), errors.Is(err, windows.ERROR_UNEXP_NET_ERR):
		return "", nil
	}
	return "", err
}

// WorkingSet asks what is known of the pages at some addresses (MemoryWorkingSetExInformation).
func (o *Opened) WorkingSet(addresses []uint64) ([]WorkingSetPage, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	list := make([][2]uint64, len(addresses))
	for i, at := range addresses {
		list[i][0] = at
	}
	r, _, _ := o.query.Call(uintptr(o.handle), 0, memoryWorkingSetEx, uintptr(unsafe.Pointer(&list[0])), uintptr(16*len(list)), 0)
	if status := uint32(r); failed(status) {
		return nil, nativeError(fmt.Sprintf("process %d: NtQueryVirtualMemory class %d", o.PID, memoryWorkingSetEx), status)
	}
	pages := make([]WorkingSetPage, len(list))
	for i := range list {
		pages[i] = WorkingSetPage(list[i][1])
	}
	return pages, nil
}
