package indicators

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// table is the path of the rows.
const table = "memory/indicators.jsonl"

// Indicators looks for signs of what lives in memory only, and tells suspects
// which processes have one. On a directory that holds a host's files, or a system
// without /proc, it says skipped.
func Indicators(suspects *memory.Suspects) collector.Collector {
	return collector.Collector{
		Name: "indicators", Doc: "signs of injected code, hidden processes, hooks and masquerading",
		Volatility: collector.Memory,
		Limit:      collector.Limit{Time: 5 * time.Minute},
		Estimate:   estimate,
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collect(ctx, h, to, suspects)
		},
	}
}

func estimate(h *collector.Host) collector.Estimate {
	pids, err := proc.PIDs(h)
	if err != nil {
		return collector.Estimate{}
	}
	n := int64(len(pids))
	return collector.Estimate{Time: time.Second + time.Duration(n)*2*time.Millisecond, Bytes: 1<<20 + n<<10}
}

func collect(ctx context.Context, h *collector.Host, to evidence.Sink, suspects *memory.Suspects) error {
	item := evidence.Item{Path: table, Source: "/proc and others, as the evidence of each row says"}
	if !h.Live {
		return to.Put(ctx, item, func(io.Writer) error { return collector.ErrNotLive })
	}
	pids, err := proc.PIDs(h)
	if err != nil || ctx.Err() != nil {
		return to.Put(ctx, item, func(io.Writer) error { return fault.Join(err, ctx.Err()) })
	}
	s := &survey{ctx: ctx, host: h, to: to, kinds: kindsByID(), seen: map[int]*summary{}, suspects: suspects, proved: map[int]string{}, hidden: map[int]finding{}, base: newBase(h)}
	if err := s.pass(pids); err != nil {
		return err
	}
	for _, c := range hostChecks() {
		if ctx.Err() != nil {
			s.note("check "+c.family, context.Cause(ctx))
			continue
		}
		if s.guarded(c); s.broken != nil {
			return s.broken
		}
	}
	memory.Rank(s.rows)
	suspects.Done(s.rows)
	return to.Put(context.WithoutCancel(ctx), item, s.write)
}

// guarded runs a host check. A panic is a fact about our reading; the other
// checks and the rows are none the worse for it.
func (s *survey) guarded(c hostCheck) {
	defer func() {
		if r := recover(); r != nil {
			s.note("check "+c.family, fmt.Errorf("panic: %v", r))
		}
	}()
	c.look(s)
}

// write writes the rows, the surest first.
func (s *survey) write(w io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := jsonl.Write(w, s.rows); err != nil {
		return err
	}
	if s.cut > 0 {
		s.tally.Add(table, evidence.Cut("more than %d indicators: %d left out", maxRows, s.cut))
	}
	return s.tally.Err()
}

// pass reads every process and runs the process checks on it. It gives only
// errors of the sink.
func (s *survey) pass(pids []int) error {
	open, end, err := proc.Open(s.host)
	if err != nil {
		s.note("/proc", err)
		return nil
	}
	pool := proc.NewPool(s.ctx, func() func(context.Context, int, *process) {
		open := open()
		return func(ctx context.Context, pid int, p *process) { s.look(ctx, open, pid, p) }
	}, end)
	defer pool.Close()
	for i, pid := range pids {
		patience := pool.Patience
		p, err := pool.Next(s.ctx, pids[i:])
		if err != nil {
			s.note("/proc", fmt.Errorf("%d processes not looked at: %w", len(pids)-i, err))
			return nil
		}
		if p == nil {
			s.note(fmt.Sprintf("/proc/%d", pid), fmt.Errorf("no answer within %v", patience))
			s.seen[pid] = &summary{Subject: memory.Subject{PID: pid}, err: errors.New("it gave no answer")}
			continue
		}
		if err := s.keep(p); err != nil {
			return err
		}
	}
	return nil
}

// lookAgain is how often a process is read that changed while it was read: what
// is seen of one that begins another program may be half of each.
const lookAgain = 3

// look reads a process and runs the checks.
func (s *survey) look(ctx context.Context, open func(int) (proc.Dir, error), pid int, p *process) {
	for range lookAgain {
		*p = process{ctx: ctx, host: s.host, base: s.base, pid: pid}
		if s.lookOnce(open, p); !p.changed || ctx.Err() != nil {
			return
		}
	}
}

// read reads a process for a host check. It may take long: only where the pass
// saw that the process answers.
func (s *survey) read(p *process) {
	open, end, err := proc.Open(s.host)
	if err == nil {
		defer end()
		p.dir, err = open()(p.pid)
	}
	if err != nil {
		p.err, p.gone = err, proc.IsGone(err)
		return
	}
	defer p.dir.Close()
	p.read()
}

// lookOnce is one try. A panic is a fact about our reading.
func (s *survey) lookOnce(open func(int) (proc.Dir, error), p *process) {
	defer func() {
		if r := recover(); r != nil {
			p.tally.Add(p.path(""), fmt.Errorf("panic: %v", r))
		}
	}()
	if p.dir, p.err = open(p.pid); p.err != nil {
		p.gone = proc.IsGone(p.err)
		p.note("", p.err)
		return
	}
	defer p.dir.Close()
	if p.read(); p.err != nil {
		return
	}
	for _, c := range processChecks() {
		c.look(s, p)
	}
	p.again()
}

// keep puts the evidence of a process that has indicators, and notes its summary.
func (s *survey) keep(p *process) error {
	s.mu.Lock()
	s.tally.Merge(&p.tally)
	s.mu.Unlock()
	s.seen[p.pid] = p.summary()
	if len(p.found) == 0 {
		return nil
	}
	base := stem(p.pid, p.stat.Start())
	if err := s.putRaw(base, p); err != nil {
		return err
	}
	s.proved[p.pid] = base + ".txt"
	suspect := memory.Suspect{PID: p.pid, StartTicks: p.stat.Start()}
	for _, f := range p.found {
		if p.pid == os.Getpid() {
			f.explained = "this is the collection itself"
		}
		members, err := s.putProofs(base, f)
		if err != nil {
			return err
		}
		row := f.row(s.kinds, p.subject(), append(append([]string{base + ".txt"}, members...), f.evidence...))
		s.add(row)
		suspect.Level = max(suspect.Level, row.Level)
		suspect.IDs = append(suspect.IDs, f.id)
		suspect.Regions = append(suspect.Regions, f.regions...)
	}
	s.suspects.Add(suspect)
	return nil
}

func (s *survey) putRaw(base string, p *process) error {
	return s.to.Put(s.ctx, evidence.Item{Path: base + ".txt", Source: p.path("")}, func(w io.Writer) error {
		if _, err := w.Write(p.raw); err != nil {
			return err
		}
		if err := p.tally.Err(); err != nil {
			return err
		}
		if p.gone {
			return evidence.Gone("it ended while it was read")
		}
		return nil
	})
}

func (s *survey) putProofs(base string, f finding) (members []string, err error) {
	for _, pr := range f.proofs {
		item := evidence.Item{Path: base + "/" + pr.name, Source: pr.source}
		err := s.to.Put(s.ctx, item, func(w io.Writer) error {
			_, err := w.Write(pr.data)
			return err
		})
		if err != nil {
			return nil, err
		}
		members = append(members, item.Path)
	}
	return members, nil
}

// summary is what stays of the process after the pass.
func (p *process) summary() *summary {
	out := &summary{Subject: *p.subject(), stat: p.stat, kernel: p.kernelThread(), gone: p.gone, err: p.err, nspid: p.status["NSpid"], ourMounts: p.ourMounts, installed: p.imageInstalled(), fdsUnread: p.fdsUnread}
	for _, d := range p.fds {
		if !strings.HasPrefix(d.target, "/") || strings.HasPrefix(d.target, "/proc/") {
			out.fds = append(out.fds, d)
		}
	}
	return out
}
