package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"syscall"
)

// A reason is an error by which a fill states an outcome outright, where no
// error of the system says it.
type reason struct {
	outcome   Outcome
	shortfall bool
	text      string
}

func (r *reason) Error() string { return r.text }

// Skip is returned by a fill that chose not to read: evidence.Skip("not a live host").
//
//go:noinline
func Skip(format string, a ...any) error {
	return &reason{Skipped, false, fmt.Sprintf(format, a...)}
}

// Cut is returned by a fill that stopped at a limit. The item is partial (or
// skipped, where nothing was written) and counts as a shortfall.
//
//go:noinline
func Cut(format string, a ...any) error {
	return &reason{Partial, true, fmt.Sprintf(format, a...)}
}

// Gone is returned by a fill whose object ended while it was read. What was
// read is kept; it is an ordinary outcome.
//
//go:noinline
func Gone(format string, a ...any) error {
	return &reason{Partial, false, fmt.Sprintf(format, a...)}
}

// Part is returned by a fill that wrote all that is planned of an object, which is
// not all of it: the data of a sparse file, a sample. It is an ordinary outcome.
func Part(format string, a ...any) error {
	return &reason{Partial, false, fmt.Sprintf(format, a...)}
}

// NotHere is returned by a fill whose source this system does not have.
//
//go:noinline
func NotHere(format string, a ...any) error {
	return &reason{Absent, false, fmt.Sprintf(format, a...)}
}

// Classify turns the error of a fill that wrote size bytes into an outcome, a
// note, and whether it is a shortfall. It knows Skip, Cut, Gone, Part, NotHere, a
// Tally, fs.ErrNotExist, fs.ErrPermission, ESRCH, ENOSYS and the like, and the
// end of a context; anything else is a failure.
func Classify(err error, size int64) (o Outcome, note string, shortfall bool) {
	if err == nil {
		return Collected, "", false
	}
	note = err.Error()
	var r *reason
	var counted *tallied
	switch {
	case errors.As(err, &counted):
		if size > 0 {
			return Partial, note, true
		}
		return counted.tally.worst(), note, true
	case errors.As(err, &r):
		o, shortfall = r.outcome, r.shortfall
		if o == Partial && size == 0 {
			o = Absent
			if shortfall {
				o = Skipped
			}
		}
		return o, note, shortfall
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ESRCH):
		if size > 0 {
			return Partial, note, false
		}
		return Absent, note, false
	case errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP),
		errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.EPROTONOSUPPORT):
		return pick(size, Absent), note, false
	case errors.Is(err, fs.ErrPermission):
		return pick(size, Denied), note, true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return pick(size, Skipped), note, true
	}
	return pick(size, Failed), note, true
}

func pick(size int64, ifEmpty Outcome) Outcome {
	if size > 0 {
		return Partial
	}
	return ifEmpty
}

// A Tally counts what went wrong inside one item that is made of many reads (a
// table of processes, a tree). The zero Tally is ready. It is not safe for
// concurrent use.
type Tally struct {
	count [Failed + 1]int
	first [Failed + 1]string
	cut   int
	why   string
}

// A tallied is the error of a tally, which another tally can take over.
type tallied struct{ tally Tally }

func (e *tallied) Error() string { return e.tally.text() }

// worst is the outcome of an item of which nothing could be had for these errors.
func (t *Tally) worst() Outcome {
	switch {
	case t.count[Failed] > 0:
		return Failed
	case t.cut > 0:
		return Skipped
	}
	return Denied
}

// Add counts the error of one read; nil is not counted. The error of another tally
// counts as what that one counted. It returns err.
func (t *Tally) Add(what string, err error) error {
	if err == nil {
		return nil
	}
	var counted *tallied
	if errors.As(err, &counted) {
		t.Merge(&counted.tally)
		return err
	}
	o, note, shortfall := Classify(err, 0)
	if o == Skipped && shortfall {
		t.cut++
		if t.why == "" {
			t.why = what + ": " + note
		}
		return err
	}
	if t.count[o]++; t.count[o] == 1 {
		t.first[o] = what + ": " + note
	}
	return err
}

// Merge adds the counts of u.
// Not inlined, for the size of the program.
//
//go:noinline
func (t *Tally) Merge(u *Tally) {
	for i := range t.count {
		t.count[i] += u.count[i]
		if t.first[i] == "" {
			t.first[i] = u.first[i]
		}
	}
	t.cut += u.cut
	if t.why == "" {
		t.why = u.why
	}
}

// Err is the error with which the fill of the whole item ends: nil when nothing
// but ordinary things happened (absent, ended, skipped by choice), else one that
// makes the item partial and says how much was denied, cut or failed, with one
// example of each.
//
//go:noinline
func (t *Tally) Err() error {
	if t.text() == "" {
		return nil
	}
	return &tallied{*t}
}

// text says how much was denied, cut or failed; "" if nothing was.
func (t *Tally) text() string {
	var parts []string
	for _, o := range []Outcome{Denied, Failed} {
		if t.count[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (first: %s)", t.count[o], o, t.first[o]))
		}
	}
	if t.cut > 0 {
		parts = append(parts, fmt.Sprintf("%d cut (first: %s)", t.cut, t.why))
	}
	sort.Strings(parts)
	return strings.Join(parts, "; ")
}

// Count gives how many reads ended with an outcome.
func (t *Tally) Count(o Outcome) int { return t.count[o] }
