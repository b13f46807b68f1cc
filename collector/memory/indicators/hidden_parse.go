package indicators

import (
	"bytes"
	"math"
	"regexp"

	"hozen/collector/proc"
)

// eachNumber calls f with every number in a text of numbers between blanks:
// cgroup.procs, children.
func eachNumber(text []byte, f func(int)) {
	for word := range bytes.FieldsSeq(text) {
		if n, ok := proc.Number(word); ok && n > 0 && n <= math.MaxInt32 {
			f(int(n))
		}
	}
}

// eachColumn calls f with the number in a column, counted from 0, of every line.
func eachColumn(text []byte, column int, f func(int)) {
	for line := range bytes.Lines(text) {
		at := 0
		for word := range bytes.FieldsSeq(line) {
			if at == column {
				eachNumber(word, f)
			}
			at++
		}
	}
}

// eachLockOwner reads proc_locks(5): "1: POSIX ADVISORY WRITE 4711 fe:00:42 0 EOF",
// and "1: -> POSIX …" of one that waits.
func eachLockOwner(text []byte, f func(int)) {
	for line := range bytes.Lines(text) {
		eachColumn(bytes.Replace(line, []byte(" -> "), []byte(" "), 1), 4, f)
	}
}

// A task in the list that kernel/sched/debug.c prints: its number, then its
// vruntime or the like, with six digits after the point. The name before it may
// hold anything: what is found is looked at again.
var scheduledTask = regexp.MustCompile(`(?m)^.*?\s(\d{1,10})\s+-?\d+\.\d{6}\s`)

// eachScheduled reads the scheduler's list of tasks.
func eachScheduled(text []byte, f func(int)) {
	for _, m := range scheduledTask.FindAllSubmatch(text, -1) {
		eachNumber(m[1], f)
	}
}

// pidfdTarget reads the line "Pid:" of the fdinfo of a pidfd (pidfd_open(2)); -1
// and 0 mean none that we could see.
func pidfdTarget(text []byte, f func(int)) {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("Pid:")); ok {
			eachNumber(rest, f)
		}
	}
}
