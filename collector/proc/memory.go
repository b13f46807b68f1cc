package proc

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"syscall"

	"hozen/collector"
	"hozen/packager/evidence/fault"
)

// ErrUnreadable is wrapped by the error of ReadAt at an address of which the
// kernel gives no page: nothing is mapped there (any more), or memory of a
// device is. A mapping without the right to read (---p) is given all the same.
var ErrUnreadable = errors.New("no readable page")

// ErrEnded is wrapped by the error of ReadAt when the process has no memory any
// longer: it ended, or is a kernel thread.
var ErrEnded = errors.New("the process has no memory any longer")

// Memory is the memory of one process, read through /proc/PID/mem without
// stopping it (proc_pid_mem(5)). It belongs to the program that the process ran
// when it was opened: after an execve(2) it gives the end of that program, never
// another one's memory. That the pid is still the same process is for the caller:
// compare its start ticks after OpenMemory with those it had before.
//
// Reading a page that is not resident brings it in from disk or swap, and can
// wait for whoever serves it (userfaultfd(2), a file system in user space): read
// only where Pagemap says Present, unless that is wanted.
//
// A Memory is safe for concurrent use.
type Memory struct {
	dir      string
	mem      *os.File
	pagemap  *os.File
	mapErr   error // why there is no pagemap
	pageSize uint64
}

// OpenMemory opens the memory of a process for reading. It needs the right to
// trace it (PTRACE_MODE_ATTACH, ptrace(2)). Close it.
func OpenMemory(h *collector.Host, pid int) (*Memory, error) {
	m := &Memory{dir: "/proc/" + strconv.Itoa(pid), pageSize: uint64(os.Getpagesize())}
	var err error
	if m.mem, err = h.Open(m.dir + "/mem"); err != nil {
		return nil, err
	}
	m.pagemap, m.mapErr = h.Open(m.dir + "/pagemap")
	return m, nil
}

// Close ends the reading.
func (m *Memory) Close() error {
	if m.pagemap != nil {
		m.pagemap.Close()
	}
	return m.mem.Close()
}

// PageSize is the size in bytes of the pages of Pagemap.
func (m *Memory) PageSize() uint64 { return m.pageSize }

// ReadAt reads memory from addr on until b is full or a page cannot be read. It
// gives how many bytes were read before the error: one that is ErrUnreadable (go
// on behind that page), ErrEnded (nothing more will come), or another one.
func (m *Memory) ReadAt(b []byte, addr uint64) (int, error) {
	if addr > math.MaxInt64-uint64(len(b)) { // [vsyscall], which is the kernel's own and always the same
		return 0, fmt.Errorf("%s/mem at %#x: %w", m.dir, addr, ErrUnreadable)
	}
	n, err := m.mem.ReadAt(b, int64(addr))
	switch at := addr + uint64(n); {
	case err == nil:
		return n, nil
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.EFAULT):
		return n, fmt.Errorf("%s/mem at %#x: %w", m.dir, at, ErrUnreadable)
	case errors.Is(err, io.EOF):
		return n, fmt.Errorf("%s/mem at %#x: %w", m.dir, at, ErrEnded)
	default:
		return n, fmt.Errorf("%s/mem at %#x: %w", m.dir, at, err)
	}
}

// ReadPresent reads as ReadAt does, but only what is in RAM: it ends before the
// first page that is not, and gives how many bytes it read. So it waits for nobody:
// a page of a file system in user space that never answers would hold the reading
// thread for ever, and with it the end of this program.
func (m *Memory) ReadPresent(b []byte, addr uint64) (int, error) {
	if len(b) == 0 || addr > math.MaxInt64-uint64(len(b)) {
		return 0, fmt.Errorf("%s/mem at %#x: %w", m.dir, addr, ErrUnreadable)
	}
	first := addr / m.pageSize * m.pageSize
	states := make([]PageState, (addr-first+uint64(len(b))+m.pageSize-1)/m.pageSize)
	n, err := m.Pagemap(states, first)
	there := 0
	for there < n && states[there].Present() {
		there++
	}
	if there == 0 {
		return 0, fault.Join(err, fmt.Errorf("%s/mem at %#x: not in RAM: %w", m.dir, addr, ErrUnreadable))
	}
	return m.ReadAt(b[:min(uint64(len(b)), first+uint64(there)*m.pageSize-addr)], addr)
}

// Pagemap tells the state of len(dst) pages from the one that holds addr on, as
// /proc/PID/pagemap has it. It gives how many it filled in: fewer only with an
// error, which is ErrEnded where the process ended or its address space is over.
func (m *Memory) Pagemap(dst []PageState, addr uint64) (int, error) {
	if m.pagemap == nil {
		return 0, m.mapErr
	}
	raw := make([]byte, min(len(dst), pagemapBatch)*pageStateSize)
	for n := 0; n < len(dst); {
		part := raw[:min(len(raw), (len(dst)-n)*pageStateSize)]
		k, err := m.pagemap.ReadAt(part, int64(addr/m.pageSize+uint64(n))*pageStateSize)
		n += parsePagemap(dst[n:], part[:k])
		if errors.Is(err, io.EOF) {
			err = ErrEnded
		}
		if err != nil {
			return n, fmt.Errorf("%s/pagemap of %#x: %w", m.dir, addr+uint64(n)*m.pageSize, err)
		}
	}
	return len(dst), nil
}

// pagemapBatch is how many pages are asked for at once.
const pagemapBatch = 8 << 10
