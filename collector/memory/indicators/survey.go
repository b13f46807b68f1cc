package indicators

import (
	"context"
	"io"
	"sync"

	"hozen/collector"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A survey is one search. Host checks find in it what the pass saw of every
// process; process checks what they share.
type survey struct {
	ctx   context.Context
	host  *collector.Host
	to    evidence.Sink
	kinds map[string]Kind

	// seen holds a summary of every process, by pid; complete for host checks only.
	seen map[int]*summary
	// hidden holds, by pid, what a host check says of a process that the pass is to read again.
	hidden map[int]finding
	names  knownNames // of files, that processes know

	mu       sync.Mutex
	rows     []memory.Indicator
	cut      int
	tally    evidence.Tally
	broken   error // of the sink: nothing more can be kept
	suspects *memory.Suspects
	programs programs       // that checkKernel found; nil where eBPF could not be asked
	proved   map[int]string // by pid: the member with the raw text of a process

	base *base // what all checks share of the host
	// maps is what the looks at memory share
	maps mapShared
}

// A summary is what stays in memory of a process after the pass.
type summary struct {
	memory.Subject
	stat   proc.Stat
	kernel bool
	gone   bool
	err    error // why nothing was read of it
	nspid  string
	// ourMounts says that it is in our own mount namespace.
	ourMounts bool
	installed bool         // its image is installed software
	fdsUnread bool         // its descriptors were denied, all or some
	fds       []descriptor // those that lead to sockets, other processes, anonymous inodes
}

// maxRows bounds the table of indicators against a host made to fill it.
const maxRows = 1 << 16

// add takes rows; what is beyond the bound is counted.
func (s *survey) add(rows ...memory.Indicator) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rows {
		if len(s.rows) >= maxRows {
			s.cut++
			continue
		}
		s.rows = append(s.rows, r)
	}
}

// note counts an error of a host check.
func (s *survey) note(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.Add(what, err)
}

// merge counts the errors of a host check.
func (s *survey) merge(t *evidence.Tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.Merge(t)
}

// put keeps what a host check read, as memory/indicators/host/NAME, and gives the
// member's path.
func (s *survey) put(name, source string, fill func(w io.Writer) error) string {
	path := "memory/indicators/host/" + name
	if err := s.to.Put(s.ctx, evidence.Item{Path: path, Source: source}, fill); err != nil {
		s.stop(err)
	}
	return path
}

// stop notes that the sink keeps nothing more.
func (s *survey) stop(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
	}
}

// putBytes is put for what is in memory already.
func (s *survey) putBytes(name, source string, data []byte, why error) string {
	return s.put(name, source, func(w io.Writer) error {
		if len(data) > 0 {
			if _, err := w.Write(data); err != nil {
				return err
			}
		}
		return why
	})
}

// report adds a finding of a host check.
func (s *survey) report(f finding) {
	row := f.row(s.kinds, f.subject, append([]string{}, f.evidence...))
	s.add(row)
	if f.subject != nil {
		s.suspects.Add(memory.Suspect{PID: f.subject.PID, StartTicks: f.subject.StartTicks, Level: row.Level, IDs: []string{f.id}, Regions: f.regions})
	}
}
