package packager

import (
	"bytes"
	"fmt"

	"hozen/packager/signed"
	"hozen/packager/text"
)

// A LogCopy is a custody log as somebody kept it.
type LogCopy struct {
	Name string // for people
	Log  []byte
}

// A CopyState is what a comparison found of one copy, against the longest that is whole.
type CopyState struct {
	Name       string `json:"name"`
	State      string `json:"state"` // one of the words below
	Collection string `json:"collection"`
	Events     int    `json:"events"`
	Head       string `json:"head"`          // hash of the last whole line
	Cut        bool   `json:"cut,omitempty"` // the last line was not written whole
	Error      string `json:"error,omitempty"`
	Lacks      int    `json:"lacks,omitempty"` // how many of the newest events it does not have
	// Line is the first that differs, and the two versions of it.
	Line   int    `json:"line,omitempty"`
	Here   *Event `json:"here,omitempty"`
	There  *Event `json:"there,omitempty"` // in the longest copy
	inFull []Event
	lines  [][]byte
}

// The states of a copy.
const (
	CopyLongest = "longest"
	CopySame    = "identical"
	CopyShorter = "truncated"        // the beginning of the longest: newest events are missing
	CopyFork    = "fork"             // another event, as well signed, stands in the same place
	CopyDamaged = "damaged"          // a line of it does not verify
	CopyOther   = "other collection" // the log of something else
)

// CompareLogs holds copies of one log, kept in different places, against the longest that
// is whole by itself (the first of those). Signatures are checked, whose they are is not.
// Where none is whole, the one with the most events that verify is the measure.
func CompareLogs(copies ...LogCopy) []CopyState {
	states, longest := make([]CopyState, len(copies)), -1
	for i, c := range copies {
		s := readCopy(c)
		states[i] = s
		if longest < 0 || better(&s, &states[longest]) {
			longest = i
		}
	}
	for i := range states {
		if i != longest {
			states[i].against(&states[longest])
		}
	}
	return states
}

// better says whether a is a better measure than b.
func better(a, b *CopyState) bool {
	if (a.Error == "") != (b.Error == "") {
		return a.Error == ""
	}
	return a.Events > b.Events
}

func readCopy(c LogCopy) CopyState {
	s := CopyState{Name: c.Name, State: CopyLongest}
	events, cut, err := readLog(c.Log)
	s.inFull, s.Events, s.Cut = events, len(events), cut
	whole := c.Log
	if n := bytes.LastIndexByte(whole, '\n'); n >= 0 {
		s.lines = bytes.Split(whole[:n], []byte("\n"))
	}
	if err != nil {
		s.State, s.Error = CopyDamaged, err.Error()
	}
	if len(events) == 0 {
		if err == nil {
			s.State, s.Error = CopyDamaged, "no event in it"
		}
		return s
	}
	s.Collection, s.Head = events[0].Collection, signed.HexSum(s.lines[len(events)-1])
	return s
}

// against fills the state of a copy by the longest one.
func (s *CopyState) against(longest *CopyState) {
	if s.Collection != "" && longest.Collection != "" && s.Collection != longest.Collection {
		s.State = CopyOther
		return
	}
	n := 0
	for n < len(s.lines) && n < len(longest.lines) && bytes.Equal(s.lines[n], longest.lines[n]) {
		n++
	}
	if n < len(s.lines) && n < len(longest.lines) {
		s.Line, s.Here, s.There = n+1, s.eventAt(n), longest.eventAt(n)
	}
	s.Lacks = max(0, longest.Events-s.Events)
	switch {
	case s.Error != "":
		s.State = CopyDamaged
	case s.Line > 0:
		s.State = CopyFork
	case s.Lacks > 0:
		s.State = CopyShorter
	default:
		s.State = CopySame
	}
}

func (s *CopyState) eventAt(n int) *Event {
	if n >= len(s.inFull) {
		return nil // it does not verify: nobody said it
	}
	return &s.inFull[n]
}

// copies holds other copies of the log against the given one. The longest is the log: one
// that lacks its end was cut. Two that differ in a line cannot both be the log.
func (v *verification) copies() {
	if len(v.o.Copies) == 0 {
		return
	}
	all := append([]LogCopy{{"the log", v.o.Log}}, v.o.Copies...)
	if v.o.Log == nil {
		all = v.o.Copies
	}
	for i, s := range CompareLogs(all...) {
		switch s.State {
		case CopyLongest:
			v.o.Log = all[i].Log
			if v.o.Log == nil {
				v.o.Log = []byte{}
			}
		case CopyShorter:
			v.rep.note("custody log: %s lacks the newest %d events of another copy", text.Name(s.Name), s.Lacks)
		case CopyFork, CopyDamaged, CopyOther:
			v.bad, v.forked = true, true
			v.rep.finding("custody log: %s", s.Text())
		}
	}
}

// Text says in one line what became of a copy.
func (s *CopyState) Text() string {
	switch s.State {
	case CopyFork:
		return fmt.Sprintf("%s is another log from line %d on: there it has %s, the other copy has %s", text.Name(s.Name), s.Line, brief(s.Here), brief(s.There))
	case CopyDamaged:
		return fmt.Sprintf("%s is damaged: %s", text.Name(s.Name), s.Error)
	case CopyOther:
		return fmt.Sprintf("%s is of another collection: %s", text.Name(s.Name), text.Name(s.Collection))
	case CopyShorter:
		return fmt.Sprintf("%s ends early: it lacks the newest %d events", text.Name(s.Name), s.Lacks)
	}
	return fmt.Sprintf("%s: %s, %d events", text.Name(s.Name), s.State, s.Events)
}

func brief(e *Event) string {
	if e == nil {
		return "a line that does not verify"
	}
	return fmt.Sprintf("%q by %s at %s", e.Event, text.Name(e.Actor), text.Name(e.Time.Wall))
}
