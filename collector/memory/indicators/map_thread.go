package indicators

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hozen/packager/evidence"
)

// mapThreads bounds the threads that are looked at in one process.
const mapThreads = 256

// A mapThread is where a thread waits, as /proc/PID/task/TID/syscall says
// (proc_pid_syscall(5)). Number is the system call, -1 where it waits in none: it
// was stopped, or brings in a page.
type mapThread struct {
	number int64
	sp, pc uint64
}

// parseThread reads the file: "running", or "0 0x0 … 0x7ffc… 0x7f12…": the system
// call, its six arguments, the stack pointer and the next instruction; or "-1",
// stack pointer, next instruction.
func parseThread(text string) (t mapThread, ok bool) {
	f := strings.Fields(text)
	if len(f) < 3 {
		return t, false
	}
	var err, err2, err3 error
	t.number, err = strconv.ParseInt(f[0], 0, 64)
	t.sp, err2 = strconv.ParseUint(f[len(f)-2], 0, 64)
	t.pc, err3 = strconv.ParseUint(f[len(f)-1], 0, 64)
	return t, err == nil && err2 == nil && err3 == nil
}

// reportThreads reports threads whose next instruction lies in an area of no
// file. A compiler's explanation of the area is none of a system call from it:
// the code that they make calls the library for that.
func (l *mapLook) reportThreads() {
	if !slices.ContainsFunc(l.areas, (*mapArea).ofNoFile) {
		return
	}
	tids, err := l.p.dir.List(nil, "task", mapThreads)
	if err != nil {
		l.p.note("task", err)
	}
	for _, tid := range tids {
		if l.p.ctx.Err() != nil {
			l.p.note("task", evidence.Cut("stopped"))
			return
		}
		name := "task/" + strconv.Itoa(tid) + "/syscall"
		text, err := l.p.dir.Get(nil, name, false, limitText)
		if err != nil {
			continue // ended, or a kernel that does not tell
		}
		if t, ok := parseThread(string(text)); ok {
			l.reportThread(tid, name, text, t)
		}
	}
}

func (l *mapLook) reportThread(tid int, name string, text []byte, t mapThread) {
	i := slices.IndexFunc(l.areas, func(a *mapArea) bool { return a.ofNoFile() && a.start <= t.pc && t.pc < a.end })
	if i < 0 {
		return
	}
	a := l.areas[i]
	l.p.keep(name, false, text, nil)
	f := finding{id: "map-thread-in-anonymous"}
	f.seen = fmt.Sprintf("thread %d waits in system call %d that it made from %#x, in %s %s %s", tid, t.number, t.pc, span(a.start, a.end), a.first.Perms, a.name())
	if t.number < 0 {
		f.seen = fmt.Sprintf("thread %d stands at %#x, in %s %s %s", tid, t.pc, span(a.start, a.end), a.first.Perms, a.name())
		f.explained = a.explained
	}
	page := t.pc &^ (l.pages.pageSize() - 1)
	if b := l.pages.read(page); b != nil {
		l.show(&f, page, b[:min(len(b), 4<<10)])
	}
	l.region(&f, a.start, a.end)
	l.p.report(f)
}

// ofNoFile says whether nothing with a name on a disk is behind the area.
func (a *mapArea) ofNoFile() bool { return a.kind != areaFile && a.kind != areaTmpfs }
