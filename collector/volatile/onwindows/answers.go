package onwindows

import (
	"context"
	"io"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A system answers calls: the running Windows, or answers that a test has recorded.
type system interface {
	// answer gives the bytes that a call gave; name is that of an answer below.
	answer(ctx context.Context, name string) ([]byte, error)
}

// An answer is one call whose result is kept byte for byte.
type answer struct {
	name   string        // "sockets/tcp4": its item is volatile/NAME.bin
	source string        // the call with what matters of its arguments
	within time.Duration // how long it may take; 0 for what the kernel says at once
}

// A job is one run of a collector.
type job struct {
	ctx context.Context
	h   *collector.Host
	to  evidence.Sink
	sys system

	mu   sync.Mutex // a call that hangs is left behind and may end later
	got  map[string][]byte
	errs map[string]error
}

func newJob(ctx context.Context, h *collector.Host, to evidence.Sink, sys system) *job {
	return &job{ctx: ctx, h: h, to: to, sys: sys, got: map[string][]byte{}, errs: map[string]error{}}
}

// take asks for each answer and puts it. It returns only an error that the sink returned.
func (j *job) take(all ...answer) error {
	for _, a := range all {
		if err := j.takeOne(a); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) takeOne(a answer) error {
	ctx := j.ctx
	if a.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.within)
		defer cancel()
	}
	j.remember(a.name, nil, errNoAnswer)
	return j.to.Put(ctx, evidence.Item{Path: "volatile/" + a.name + ".bin", Source: a.source}, func(w io.Writer) error {
		if ctx.Err() != nil {
			j.remember(a.name, nil, context.Cause(ctx))
			return context.Cause(ctx)
		}
		b, err := j.sys.answer(ctx, a.name)
		j.remember(a.name, b, err)
		if _, werr := w.Write(b); werr != nil {
			return werr
		}
		return err
	})
}

// errNoAnswer stands where a call has not come back.
var errNoAnswer = evidence.Cut("no answer in time")

func (j *job) remember(name string, b []byte, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.got[name], j.errs[name] = b, err
}

// of gives what a call answered, and the error that came with it.
func (j *job) of(name string) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.got[name], j.errs[name]
}

// A part makes rows of one answer: what it could not read is its error.
type part struct {
	of   string // the answer
	rows func(b []byte, row func(any)) error
}

// table puts one table made of parts, in their order. Of a part whose answer failed
// there are the rows of what came, and the error counts once more here: whoever reads
// only the table must see that it is not whole.
func (j *job) table(path, source string, parts ...part) error {
	return j.to.Put(j.ctx, evidence.Item{Path: path, Source: source}, func(w io.Writer) error {
		if j.ctx.Err() != nil {
			return context.Cause(j.ctx)
		}
		t := jsonl.NewWriter(w)
		var tally evidence.Tally
		var werr error
		for _, p := range parts {
			b, err := j.of(p.of)
			tally.Add(p.of, err)
			if len(b) > 0 {
				tally.Add(p.of, p.rows(b, func(row any) {
					if werr == nil {
						werr = t.Row(row)
					}
				}))
			}
		}
		if werr != nil {
			return werr
		}
		return fault.Join(t.Flush(), tally.Err())
	})
}
