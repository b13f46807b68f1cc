// Package model keeps what a report tells of an archive: chosen rows of its tables and
// counts of its records, in bounded memory, whatever a hostile host wrote into them.
//
// Begin with New; then give it records (Record, Observe) and the bytes of the tables that
// it wants (Want, Bytes), in any order, as they pass: while they are collected, or out of
// an archive that was verified (it is a packager.Taker). What is cut off is counted.
package model

import (
	"strings"
	"sync"
	"time"

	"hozen/packager"
	"hozen/packager/custody"
	"hozen/packager/evidence"
)

// Bounds of what is kept.
const (
	maxLine      = 1 << 20 // of a row; longer ones are counted as odd
	maxProcesses = 20000
	maxSockets   = 20000
	maxRows      = 5000 // of any other table
	maxItems     = 2000 // records that are no plain success, of each kind
	maxText      = 600  // bytes of a text of the host
)

// A Table says how much of one table was seen and kept.
type Table struct {
	Path    string // in the archive, below data/
	Outcome string // of its record; "" if there was none
	Note    string
	Rows    int // seen
	Odd     int // of them, that could not be understood
	Cut     int // of them, that were left out here
}

// A Model is what a report tells. Its fields may be read when all was given to it.
type Model struct {
	mu     sync.Mutex
	closed bool
	lines  map[string]*lines
	tables map[string]*Table

	Plan       Plan
	Items      Items
	Host       Host
	Clocks     []Clock
	Tool       Tool
	Processes  []Process
	Sockets    []Socket
	Remotes    []Remote
	Indicators []Indicator
	Notable    []Notable
	Sessions   []Session
	Starts     []Start
	Disks      []Disk
	Timeline   Timeline
	Footprint  Footprint
	Known      custody.Gatherer // what the custody form has of all that
}

// New is a model of a collection that began at this time; of one of which that is not
// known, the zero time: the days of the timeline are then those before the newest change.
func New(began time.Time) *Model {
	m := &Model{lines: map[string]*lines{}, tables: map[string]*Table{}}
	m.Items.init()
	m.Timeline.since(began)
	return m
}

// readers are the tables that are read, and by what.
func (m *Model) reader(path string) func([]byte) bool {
	switch path {
	case "plan.json":
		return m.plan
	case "volatile/host.jsonl", "volatile/host/clock-start.jsonl", "volatile/host/clock-end.jsonl":
		return m.host
	case "volatile/processes.jsonl":
		return m.process
	case "volatile/sockets.jsonl":
		return m.socket
	case "volatile/sessions.jsonl":
		return m.session
	case "volatile/kernel/block.jsonl":
		return m.disk
	case "memory/indicators.jsonl":
		return m.indicator
	case "network/remotes.jsonl":
		return m.remote
	case "disk/notable.jsonl":
		return m.notable
	case "disk/timeline.jsonl":
		return m.file
	case "disk/files.jsonl":
		return m.taken
	case "disk/mounts.jsonl":
		return m.mount
	case "persistence/services.jsonl":
		return m.service
	case "persistence/tasks.jsonl":
		return m.task
	case "persistence/wmi.jsonl":
		return m.subscription
	case "persistence/autoruns.jsonl":
		return m.autorun
	case "footprint.json":
		return m.footprint
	}
	return nil
}

// Want implements packager.Taker.
func (m *Model) Want(path string) bool {
	item, below := strings.CutPrefix(path, "data/")
	return below && m.Wants(item)
}

// Wants says whether the bytes of an item are wanted, by its own path.
func (m *Model) Wants(item string) bool { return m.reader(item) != nil || m.Known.Wants(item) }

// Bytes implements packager.Taker.
func (m *Model) Bytes(path string, b []byte) error {
	m.Give(path[len("data/"):], b)
	return nil
}

// Give takes a piece of an item that is wanted. It may be called by several at once, for
// different items.
func (m *Model) Give(item string, b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	if m.Known.Wants(item) {
		m.Known.Give(item, b)
	}
	l := m.lines[item]
	if l == nil {
		read := m.reader(item)
		if read == nil {
			return
		}
		t := m.table(item)
		l = &lines{whole: item == "plan.json" || item == "footprint.json", row: func(b []byte, fits bool) {
			t.Rows++
			if !fits || !read(b) {
				t.Odd++
			}
		}}
		m.lines[item] = l
	}
	l.write(b)
}

// Record implements packager.Taker.
func (m *Model) Record(r packager.RecordLine) error {
	if r.Part == nil {
		m.known(r.Collector, r.Outcome, r.Shortfall)
	}
	if r.Joined == "" {
		m.record(Item{Path: r.ItemPath(), Source: r.ItemSource(), Collector: r.Collector, Outcome: r.Outcome, Shortfall: r.Shortfall, Note: r.Note, Size: r.Size, Began: r.ReadStart, Ended: r.ReadEnd})
	}
	return nil
}

// Observe takes a record as it is made.
func (m *Model) Observe(r evidence.Record) {
	m.known(r.Collector, r.Outcome, r.Shortfall)
	m.record(Item{Path: r.Path, Source: r.Source, Collector: r.Collector, Outcome: r.Outcome, Shortfall: r.Shortfall, Note: r.Note, Size: r.Size, Began: stamp(r.Began), Ended: stamp(r.Ended)})
}

func (m *Model) known(collector string, o evidence.Outcome, short bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.Known.Count(collector, o, short)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (m *Model) record(i Item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	if m.reader(i.Path) != nil {
		t := m.table(i.Path)
		t.Outcome, t.Note = i.Outcome.String(), clip(i.Note)
	}
	m.Items.add(i)
}

func (m *Model) table(item string) *Table {
	t := m.tables[item]
	if t == nil {
		t = &Table{Path: item}
		m.tables[item] = t
	}
	return t
}

// Table says how much of a table was seen; the zero Outcome: nobody tried to take it.
func (m *Model) Table(item string) Table {
	if t := m.tables[item]; t != nil {
		return *t
	}
	return Table{Path: item}
}

// Finish ends the taking: what comes afterwards is not heard. The fields may be read then.
func (m *Model) Finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	for _, l := range m.lines {
		l.end()
	}
	m.closed, m.lines = true, nil
	m.finishProcesses()
	m.finishSockets()
	m.finishRows()
	m.Timeline.finish()
	m.events()
}

// lines divides bytes into lines, in bounded memory.
type lines struct {
	whole bool // all is one row
	long  bool // the line is over the bound, and dropped to its end
	rest  []byte
	row   func(b []byte, fits bool)
}

func (l *lines) write(b []byte) {
	for len(b) > 0 {
		i := -1
		if !l.whole {
			i = index(b)
		}
		n := i
		if i < 0 {
			n = len(b)
		}
		switch {
		case l.long:
		case len(l.rest)+n > maxLine:
			l.long, l.rest = true, nil
		case i >= 0 && len(l.rest) == 0:
			l.row(b[:n], true)
			b = b[n+1:]
			continue
		default:
			l.rest = append(l.rest, b[:n]...)
		}
		if i < 0 {
			return
		}
		l.row(l.rest, !l.long)
		l.rest, l.long = l.rest[:0], false
		b = b[n+1:]
	}
}

// end reads what has no newline behind it.
func (l *lines) end() {
	if len(l.rest) > 0 || l.long {
		l.row(l.rest, !l.long)
	}
	l.rest, l.long = nil, false
}
