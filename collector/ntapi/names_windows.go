package ntapi

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/packager/evidence"
)

// A Namer tells what the handles of other processes lead to, by duplicating each into this
// process for a moment. The name of a file may never come: a pipe on which somebody waits in
// a synchronous read answers nothing else until then. Such questions are asked by a thread of
// their own, which is told to give up when it hangs and left behind when it does not; the
// duplicate is closed either way, or the other end of a pipe would never see its end while we
// run. A Namer is not safe for concurrent use.
type Namer struct {
	object, threadID, processOf, cancel *windows.LazyProc

	pid    uint32
	source windows.Handle // of pid, with PROCESS_DUP_HANDLE; 0 where denied
	denied error

	jobs   chan nameJob
	thread windows.Handle // of serve, as long as it has jobs to wait for
	hung   int
}

type nameJob struct {
	handle windows.Handle
	done   chan nameAnswer // of one element
}

type nameAnswer struct {
	name string
	err  error
}

const (
	namePatience   = 300 * time.Millisecond
	cancelPatience = 100 * time.Millisecond
	maxHung        = 16 // questions; at most so many threads are left behind
)

// NewNamer makes a Namer; Close ends it.
func NewNamer() *Namer {
	kernel32 := windows.NewLazySystemDLL("kernel32.dll")
	return &Namer{object: native("NtQueryObject"), threadID: kernel32.NewProc("GetThreadId"), processOf: kernel32.NewProc("GetProcessIdOfThread"), cancel: kernel32.NewProc("CancelSynchronousIo")}
}

// Close gives up what it holds, but for the threads that hang.
func (n *Namer) Close() {
	n.from(0)
	if n.jobs != nil {
		close(n.jobs)
		n.jobs = nil
	}
}

// from opens the process whose handles are duplicated; ask for them sorted by process.
func (n *Namer) from(pid uint32) error {
	if n.pid == pid && (n.source != 0 || n.denied != nil) {
		return n.denied
	}
	if n.source != 0 {
		windows.CloseHandle(n.source)
	}
	n.pid, n.source, n.denied = pid, 0, nil
	if pid == 0 {
		return nil
	}
	h, err := windows.OpenProcess(windows.PROCESS_DUP_HANDLE, false, pid)
	if err != nil {
		n.denied = openError(pid, err)
		return n.denied
	}
	n.source = h
	return nil
}

// duplicate copies a handle with given rights; 0: those it has.
func (n *Namer) duplicate(h Handle, access uint32) (windows.Handle, error) {
	if err := n.from(h.PID); err != nil {
		return 0, err
	}
	var options uint32
	if access == 0 {
		options = windows.DUPLICATE_SAME_ACCESS
	}
	var own windows.Handle
	err := windows.DuplicateHandle(n.source, windows.Handle(h.Value), windows.CurrentProcess(), &own, access, false, options)
	if errors.Is(err, windows.ERROR_INVALID_HANDLE) {
		return 0, evidence.Gone("handle %#x of process %d: closed meanwhile", h.Value, h.PID)
	}
	if err != nil {
		return 0, fmt.Errorf("handle %#x of process %d: DuplicateHandle: %w", h.Value, h.PID, err)
	}
	return own, nil
}

// Name asks for the kernel's name of what a handle of a type leads to; "" if it has none.
func (n *Namer) Name(h Handle, kind string) (string, error) {
	if err := n.object.Find(); err != nil {
		return "", err
	}
	if kind == "File" && n.hung >= maxHung {
		return "", evidence.Cut("handle %#x of process %d: not asked: %d others never answered", h.Value, h.PID, n.hung)
	}
	own, err := n.duplicate(h, 0)
	if err != nil {
		return "", err
	}
	if err := n.check(h, own, kind); err != nil {
		windows.CloseHandle(own)
		return "", err
	}
	if kind != "File" {
		defer windows.CloseHandle(own)
		return n.query(own)
	}
	j := nameJob{own, make(chan nameAnswer, 1)}
	if err := n.ask(j); err != nil {
		windows.CloseHandle(own)
		return "", err
	}
	if a, ok := j.wait(namePatience); ok {
		windows.CloseHandle(own)
		return a.name, a.err
	}
	n.giveUp(j)
	return "", evidence.Cut("handle %#x of process %d: no answer within %v", h.Value, h.PID, namePatience)
}

// ask gives a job to the thread, which it makes if there is none.
func (n *Namer) ask(j nameJob) error {
	if n.jobs == nil {
		jobs, began := make(chan nameJob), make(chan windows.Handle)
		go n.serve(jobs, began)
		if n.thread = <-began; n.thread == 0 {
			return errors.New("the thread that asks for names: no handle of it")
		}
		n.jobs = jobs
	}
	n.jobs <- j
	return nil
}

func (j nameJob) wait(patience time.Duration) (a nameAnswer, ok bool) {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case a = <-j.done:
		return a, true
	case <-late.C:
		return a, false
	}
}

// giveUp ends a question that hangs: CancelSynchronousIo where the thread waits in a call
// that can be cancelled, else without the thread. The question holds the file itself and no
// handle, so the duplicate is closed in any case; if it is the last handle of a file whose
// lock another holds, that waits, too, so it is not waited for.
func (n *Namer) giveUp(j nameJob) {
	n.hung++
	if n.cancel.Find() == nil {
		n.cancel.Call(uintptr(n.thread))
	}
	if _, ok := j.wait(cancelPatience); !ok {
		close(n.jobs)
		n.jobs = nil
	}
	go windows.CloseHandle(j.handle)
}

// serve answers jobs on a thread of its own, whose handle it gives first: 0 if it has none.
func (n *Namer) serve(jobs chan nameJob, began chan<- windows.Handle) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var thread windows.Handle
	us := windows.CurrentProcess()
	if windows.DuplicateHandle(us, windows.CurrentThread(), us, &thread, 0, false, windows.DUPLICATE_SAME_ACCESS) != nil {
		began <- 0
		return
	}
	defer windows.CloseHandle(thread)
	began <- thread
	for j := range jobs {
		name, err := n.query(j.handle)
		j.done <- nameAnswer{name, err}
	}
}

// check finds out whether the handle was closed since the table was made, and its number
// given to something else.
func (n *Namer) check(h Handle, own windows.Handle, kind string) error {
	const objectTypeInformation = 2
	a, err := grow("NtQueryObject class 2", 1<<10, 1<<14, func(b []byte, size *uint32) uint32 {
		r, _, _ := n.object.Call(uintptr(own), objectTypeInformation, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(size)))
		return uint32(r)
	})
	if err != nil {
		return nil // then there is only the name to judge by
	}
	if now, err := UnicodeString(a); err == nil && now != kind {
		return evidence.Gone("handle %#x of process %d: closed meanwhile, and its number given to a %s", h.Value, h.PID, now)
	}
	return nil
}

func (n *Namer) query(h windows.Handle) (string, error) {
	const objectNameInformation = 1
	a, err := grow("NtQueryObject class 1", 1<<10, 1<<17, func(b []byte, size *uint32) uint32 {
		r, _, _ := n.object.Call(uintptr(h), objectNameInformation, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(size)))
		return uint32(r)
	})
	if err != nil {
		return "", err
	}
	return UnicodeString(a)
}

// Target asks which process, or which thread of which process, a handle leads to.
func (n *Namer) Target(h Handle, kind string) (pid, tid uint32, err error) {
	access := uint32(windows.PROCESS_QUERY_LIMITED_INFORMATION)
	if kind == "Thread" {
		access = 0x0800 // THREAD_QUERY_LIMITED_INFORMATION
	}
	own, err := n.duplicate(h, access)
	if err != nil {
		return 0, 0, err
	}
	defer windows.CloseHandle(own)
	if kind != "Thread" {
		pid, err = windows.GetProcessId(own)
		return pid, 0, err
	}
	p, _, _ := n.processOf.Call(uintptr(own))
	t, _, _ := n.threadID.Call(uintptr(own))
	return uint32(p), uint32(t), nil
}

// PIDs tries every process number up to most, and gives those at which there is a process
// that can be opened or that is refused to us: a view that does not rest on the list of
// processes. Those that have ended and are only held by a handle are among them.
func PIDs(ctx context.Context, most uint32) ([]uint32, error) {
	var all []uint32
	for pid := uint32(4); pid <= most; pid += 4 {
		if pid%1024 == 0 && ctx.Err() != nil {
			return all, context.Cause(ctx)
		}
		h, err := windows.OpenProcess(rightsLeast, false, pid)
		switch {
		case err == nil:
			if id, err := windows.GetProcessId(h); err != nil || id == pid {
				all = append(all, pid)
			}
			windows.CloseHandle(h)
		case errors.Is(err, windows.ERROR_ACCESS_DENIED):
			all = append(all, pid)
		}
	}
	return all, nil
}
