package onwindows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/filetime"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
	"hozen/collector/ntapi"
	"hozen/packager/evidence"
)

// A system is the running Windows, as a test can fake it.
type system interface {
	// snapshot reads what is asked of the system as a whole, once.
	snapshot(ctx context.Context, s *survey) snapshot
	// read fills in what of a process is known but by the list, and gives what closes it.
	read(p *process) (done func())
}

// A snapshot is the whole system at one moment.
type snapshot struct {
	processes []ntapi.Process
	raw       []byte // the answer that processes are from
	held      []held // handles to processes, by others
	drivers   []ntapi.Driver
	drives    ntapi.Drives
	places    places
	errs      map[string]error // by what was asked; also of what is only in part there
	// pids are those that other views of the system know of, by view.
	pids map[string][]uint32
}

// A survey is one search.
type survey struct {
	snapshot
	ctx       context.Context
	host      *collector.Host
	sys       system
	to        evidence.Sink
	kinds     map[string]indicators.Kind
	known     *knownDrivers
	signature SignatureCheck // nil: signatures are not looked at
	signs     signatures
	files     *peFiles
	suspects  *memory.Suspects

	// seen holds what stays of every process after the pass, by pid.
	seen             map[uint32]*summary
	blocks           map[blockKey][32]byte // of code that is as it should be
	rows             []memory.Indicator
	cut              int
	tally            evidence.Tally
	broken           error
	putHeld, putList bool // their members were put
}

// A summary is what stays in memory of a process after the pass.
type summary struct {
	info       ntapi.Process
	path       string
	sid, user  string
	proved     string // the member with its raw text; "" where it has none
	installed  bool   // its image lies where only administrators write, and is what runs
	protected  bool
	unreadable bool
}

const maxRows = 1 << 16

func (s *survey) add(r memory.Indicator) {
	if len(s.rows) >= maxRows {
		s.cut++
		return
	}
	s.rows = append(s.rows, r)
}

// note counts an error of what was read of the whole host.
func (s *survey) note(what string, err error) { s.tally.Add(what, err) }

// put keeps what a host check read, as memory/indicators/host/NAME.
func (s *survey) put(name, source string, data []byte, why error) string {
	path := "memory/indicators/host/" + name
	err := s.to.Put(s.ctx, evidence.Item{Path: path, Source: source}, func(w io.Writer) error {
		if len(data) > 0 {
			if _, err := w.Write(data); err != nil {
				return err
			}
		}
		return why
	})
	if s.broken == nil {
		s.broken = err
	}
	return path
}

// report adds a finding of a host check.
func (s *survey) report(f finding) {
	if f.subject != nil {
		if was := s.seen[uint32(f.subject.PID)]; was != nil && was.proved != "" && !slices.Contains(f.evidence, was.proved) {
			f.evidence = append(f.evidence, was.proved)
		}
	}
	row := f.row(s.kinds, f.subject, append([]string{}, f.evidence...))
	s.add(row)
	if f.subject != nil {
		s.suspects.Add(memory.Suspect{PID: f.subject.PID, StartTicks: f.subject.StartTicks, Level: row.Level, IDs: []string{f.id}, Regions: f.regions})
	}
}

// subject names a process of the pass.
func (s *summary) subject() *memory.Subject { return subjectOf(s.info, s.path, s.sid, s.user) }

// win32 gives the name that programs know of one of the kernel.
func (s *survey) win32(name string) string {
	if name == "" {
		return ""
	}
	return s.drives.Win32(name, s.places.windows)
}

// process gives the entry of the list for a pid.
func (s *survey) process(pid uint32) (ntapi.Process, bool) {
	i := slices.IndexFunc(s.processes, func(p ntapi.Process) bool { return p.PID == pid })
	if i < 0 {
		return ntapi.Process{}, false
	}
	return s.processes[i], true
}

func stamp(t uint64) string { return filetime.Time(t).Format(time.RFC3339Nano) }

// hostName is the name by which the examined host's files are opened.
func hostName(win32 string) string { return "/" + strings.ReplaceAll(win32, `\`, "/") }

// peFiles opens images in files, and keeps the last of them open.
type peFiles struct {
	host *collector.Host
	open map[string]*openFile
	used int
}

type openFile struct {
	*peFile
	err   error
	close io.Closer
	used  int
}

const maxOpen = 256

// get opens an image by the name that programs know. What is wrong with it is
// remembered, too. The image may be closed by the next call.
func (f *peFiles) get(name string) (*peFile, error) {
	if len(name) < 3 || name[1] != ':' {
		return nil, fmt.Errorf("%s: not on a drive of this PC: %w", name, errors.ErrUnsupported)
	}
	key := fold(name)
	f.used++
	if o := f.open[key]; o != nil {
		o.used = f.used
		return o.peFile, o.err
	}
	if len(f.open) >= maxOpen {
		f.drop()
	}
	o := &openFile{used: f.used}
	f.open[key] = o
	r, err := f.host.Reader(hostName(name))
	if err != nil {
		o.err = err
		return nil, err
	}
	o.close = r
	if o.peFile, o.err = openPE(r); o.err != nil {
		o.err = fmt.Errorf("%s: %w", name, o.err)
	}
	return o.peFile, o.err
}

// drop closes the file that was not used for longest.
func (f *peFiles) drop() {
	oldest := ""
	for k, o := range f.open {
		if oldest == "" || o.used < f.open[oldest].used {
			oldest = k
		}
	}
	if c := f.open[oldest].close; c != nil {
		c.Close()
	}
	delete(f.open, oldest)
}

func (f *peFiles) closeAll() {
	for len(f.open) > 0 {
		f.drop()
	}
}
