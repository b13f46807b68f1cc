package onwindows

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
	"hozen/collector/pe/authenticode"
	"hozen/packager/evidence"
)

const table = "memory/indicators.jsonl"

// Options says how indicators are looked for.
type Options struct {
	// Suspects is told which processes have a sign.
	Suspects *memory.Suspects
	// Drivers replaces the list of known vulnerable drivers that is built in; nil: that
	// list. See ReadDrivers.
	Drivers *Drivers
	// Signature says what Windows thinks of a file's signature; nil: Windows is asked.
	Signature SignatureCheck
}

// Indicators looks for signs of what lives in memory only, and tells o.Suspects which
// processes have one. On a directory that holds a host's files, and on other systems
// than Windows, it says skipped.
func Indicators(o Options) collector.Collector {
	return collector.Collector{
		Name: "indicators", Doc: "signs of injected code, hidden processes, hooks and masquerading",
		Volatility: collector.Memory,
		Limit:      collector.Limit{Time: 10 * time.Minute},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			if o.Signature == nil {
				o.Signature = authenticode.TrustOf
			}
			sys, err := thisSystem()
			if !h.Live {
				err = collector.ErrNotLive
			}
			if err != nil || ctx.Err() != nil {
				return to.Put(ctx, tableItem(), func(io.Writer) error { return err })
			}
			return collect(ctx, h, to, sys, o)
		},
	}
}

func tableItem() evidence.Item {
	return evidence.Item{Path: table, Source: "NtQuerySystemInformation and others, as the evidence of each row says"}
}

func collect(ctx context.Context, h *collector.Host, to evidence.Sink, sys system, o Options) error {
	s := &survey{ctx: ctx, host: h, sys: sys, to: to, suspects: o.Suspects, kinds: map[string]indicators.Kind{}, seen: map[uint32]*summary{}}
	for _, k := range Kinds() {
		s.kinds[k.ID] = k
	}
	s.files = &peFiles{host: h, open: map[string]*openFile{}}
	defer s.files.closeAll()
	var err error
	if s.known, err = o.Drivers.orBuiltIn(); err != nil {
		s.known = &knownDrivers{}
		s.note("list of drivers", err)
	}
	s.signature = o.Signature
	s.snapshot = sys.snapshot(ctx, s)
	for what, err := range s.errs {
		s.note(what, err)
	}
	if err := s.pass(); err != nil {
		return err
	}
	for _, c := range hostChecks() {
		if ctx.Err() != nil {
			s.note("check "+c.family, context.Cause(ctx))
			continue
		}
		if s.guarded(c.family, func() { c.look(s) }); s.broken != nil {
			return s.broken
		}
	}
	memory.Rank(s.rows)
	s.suspects.Done(s.rows)
	return to.Put(context.WithoutCancel(ctx), tableItem(), s.write)
}

// guarded runs a check. A panic is a fact about our reading; the others are none the
// worse for it.
func (s *survey) guarded(what string, look func()) {
	defer func() {
		if r := recover(); r != nil {
			s.note("check "+what, fmt.Errorf("panic: %v", r))
		}
	}()
	look()
}

// write writes the rows, the surest first.
func (s *survey) write(w io.Writer) error {
	if err := jsonl.Write(w, s.rows); err != nil {
		return err
	}
	if s.cut > 0 {
		s.note(table, evidence.Cut("more than %d indicators: %d left out", maxRows, s.cut))
	}
	return s.tally.Err()
}

// pass looks at every process. It gives only errors of the sink.
func (s *survey) pass() error {
	for i, info := range s.processes {
		if s.ctx.Err() != nil {
			s.note("processes", fmt.Errorf("%d processes not looked at: %w", len(s.processes)-i, context.Cause(s.ctx)))
			return nil
		}
		p := &process{ctx: s.ctx, s: s, info: info}
		s.guarded(fmt.Sprintf("of process %d", info.PID), func() { s.look(p) })
		if err := s.keep(p); err != nil {
			return err
		}
	}
	return nil
}

// look reads a process and runs the checks.
func (s *survey) look(p *process) {
	done := s.sys.read(p)
	defer done()
	p.arrange()
	for _, c := range processChecks() {
		s.guarded(fmt.Sprintf("%s of process %d", c.family, p.info.PID), func() { c.look(p) })
	}
}

// keep puts the evidence of a process that has indicators, and notes its summary.
func (s *survey) keep(p *process) error {
	s.tally.Merge(&p.tally)
	path := firstOf(p.path, p.kernelPath)
	was := &summary{info: p.info, path: path, sid: p.sid, user: p.user, protected: p.protected, unreadable: p.mem == nil, installed: p.installed(path)}
	s.seen[p.info.PID] = was
	if len(p.found) == 0 {
		return nil
	}
	base := stem(p.info.PID, p.info.Created)
	if err := s.putRaw(base, p); err != nil {
		return err
	}
	was.proved = base + ".txt"
	suspect := memory.Suspect{PID: int(p.info.PID), StartTicks: p.info.Created}
	for _, f := range p.found {
		if int(p.info.PID) == os.Getpid() {
			f.explained = "this is the collection itself"
		}
		members, err := s.putProofs(base, f)
		if err != nil {
			return err
		}
		row := f.row(s.kinds, p.subject(), append(append([]string{was.proved}, members...), f.evidence...))
		s.add(row)
		suspect.Level = max(suspect.Level, row.Level)
		suspect.IDs = append(suspect.IDs, f.id)
		suspect.Regions = append(suspect.Regions, f.regions...)
	}
	s.suspects.Add(suspect)
	return nil
}

func (s *survey) putRaw(base string, p *process) error {
	return s.to.Put(s.ctx, evidence.Item{Path: base + ".txt", Source: fmt.Sprintf("process %d", p.info.PID)}, func(w io.Writer) error {
		if _, err := w.Write(p.raw); err != nil {
			return err
		}
		if p.gone {
			return evidence.Gone("it ended while it was read")
		}
		return p.tally.Err()
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
