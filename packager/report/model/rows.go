package model

import (
	"cmp"
	"slices"
	"strings"

	"hozen/packager/evidence/sorting"
)

// Levels of an indicator.
const (
	Low = iota + 1
	Medium
	High
)

func levelOf(s text) int { return slices.Index([]string{"", "low", "medium", "high"}, string(s)) }

// An Indicator is a sign of something that lives in memory only.
type Indicator struct {
	ID, Technique string
	Level         int
	HasProcess    bool
	PID           int64
	Who           string // process or object
	Exe           string
	Seen          string
	Explained     string
	Benign        []string // what else is known to look so
	Evidence      []string // items that prove it
	Views         []Fact   // both sides, where two views disagree
}

type indicatorRow struct {
	ID        text `json:"id"`
	Technique text `json:"technique"`
	Level     text `json:"level"`
	Process   *struct {
		PID  number `json:"pid"`
		Comm text   `json:"comm"`
		Exe  text   `json:"exe"`
		User text   `json:"user"`
	} `json:"process"`
	Object    text  `json:"object"`
	Seen      text  `json:"seen"`
	Explained text  `json:"explained"`
	Benign    texts `json:"benign"`
	Evidence  texts `json:"evidence"`
	Views     []struct {
		Source text `json:"source"`
		Says   text `json:"says"`
	} `json:"views"`
}

func (m *Model) indicator(b []byte) bool {
	var r indicatorRow
	if !decode(b, &r) {
		return false
	}
	if len(m.Indicators) >= maxRows { // the surest come first
		m.table("memory/indicators.jsonl").Cut++
		return true
	}
	i := Indicator{ID: string(r.ID), Technique: string(r.Technique), Level: max(levelOf(r.Level), 0), Who: string(r.Object), Seen: string(r.Seen), Explained: string(r.Explained),
		Benign: plain(r.Benign, 8), Evidence: plain(r.Evidence, 8)}
	if r.Process != nil {
		i.HasProcess, i.PID, i.Who, i.Exe = r.Process.PID.ok, r.Process.PID.n, string(r.Process.Comm), string(r.Process.Exe)
	}
	for _, v := range r.Views[:min(len(r.Views), 8)] {
		i.Views = append(i.Views, Fact{string(v.Source), string(v.Says)})
	}
	m.Indicators = append(m.Indicators, i)
	return true
}

func plain(t texts, most int) (list []string) {
	for _, s := range t[:min(len(t), most)] {
		list = append(list, string(s))
	}
	return list
}

// Notable is a file that deserves a look.
type Notable struct {
	Kind, Technique string
	Level           int
	Path, Seen      string
	Explained       string
	Benign          string
	Changed         string
	Contents        string
}

type notableRow struct {
	Kind      text  `json:"kind"`
	Technique text  `json:"technique"`
	Level     text  `json:"level"`
	Path      text  `json:"path"`
	Seen      text  `json:"seen"`
	Explained text  `json:"explained"`
	Benign    texts `json:"benign"`
	Ctime     text  `json:"ctime"`
	Mtime     text  `json:"mtime"`
	Contents  text  `json:"contents"`
}

// maxNotable bounds the notable files that are kept, the surest first.
const maxNotable = 1000

func (m *Model) notable(b []byte) bool {
	var r notableRow
	if !decode(b, &r) {
		return false
	}
	level := max(levelOf(r.Level), 0)
	if level < Medium || len(m.Notable) >= maxNotable {
		m.table("disk/notable.jsonl").Cut++
		return true
	}
	m.Notable = append(m.Notable, Notable{string(r.Kind), string(r.Technique), level, string(r.Path), string(r.Seen), string(r.Explained), r.Benign.comma(), firstOf(string(r.Ctime), string(r.Mtime)), string(r.Contents)})
	return true
}

// A Session is who is or was logged in, or tried.
type Session struct {
	Kind, User, From, Line string
	Time, End              string
	State                  string
}

type sessionRow struct {
	Kind    text   `json:"kind"`
	By      text   `json:"from"` // process, environment, file; of faillock who tried
	Type    text   `json:"type_name"`
	User    text   `json:"user"`
	Owner   text   `json:"owner"`
	Domain  text   `json:"domain"`
	Host    text   `json:"host"`
	Address text   `json:"address"`
	Line    text   `json:"line"`
	TTY     text   `json:"tty"`
	Time    text   `json:"time"`
	Program text   `json:"program"`
	Argv    texts  `json:"argv"`
	PID     number `json:"pid"`
	// Windows
	Name     text `json:"name"`
	State    text `json:"state"`
	Client   text `json:"client_name"`
	ClientIP text `json:"client_address"`
	Logon    text `json:"logon_time"`
	Logoff   text `json:"logoff_time"`
	LogonTy  text `json:"logon_type"`
	Package  text `json:"package"`
	Values   []struct {
		Name  text `json:"name"`
		Value text `json:"value"`
	} `json:"values"`
}

func (m *Model) session(b []byte) bool {
	var r sessionRow
	if !decode(b, &r) {
		return false
	}
	s := Session{Kind: string(r.Kind), User: string(r.User), From: joined(string(r.Host), string(r.Address)), Line: string(r.Line), Time: string(r.Time), State: string(r.Type)}
	switch r.Kind {
	case "utmp", "wtmp", "btmp", "lastlog":
		if r.Time == "" {
			return true
		}
	case "faillock":
		s.From = string(r.By)
	case "session", "logon":
		s.User = joinedBy(string(r.Domain), `\`, string(r.User))
		s.From, s.Line = joined(string(r.Client), string(r.ClientIP)), firstOf(string(r.Name), string(r.LogonTy))
		s.Time, s.End, s.State = string(r.Logon), string(r.Logoff), firstOf(string(r.State), string(r.Package))
	case "logind":
		for _, v := range r.Values[:min(len(r.Values), 64)] {
			switch v.Name {
			case "USER", "NAME":
				s.User = firstOf(s.User, string(v.Value))
			case "REMOTE_HOST":
				s.From = string(v.Value)
			case "TTY", "SERVICE":
				s.Line = firstOf(s.Line, string(v.Value))
			case "STATE":
				s.State = string(v.Value)
			}
		}
	default:
		if r.By != "process" {
			return true // variables and sockets tell of sessions, and are none
		}
		s.User, s.Line, s.State = string(r.Owner), string(r.TTY), firstOf(r.Argv.join(), string(r.Program))
	}
	m.Sessions = append(m.Sessions, s)
	if len(m.Sessions) > 2*maxRows {
		m.newestSessions()
	}
	return true
}

func (m *Model) newestSessions() {
	sorting.By(m.Sessions, func(a, b Session) int { return cmp.Compare(b.Time, a.Time) })
	if n := len(m.Sessions) - maxRows; n > 0 {
		m.table("volatile/sessions.jsonl").Cut += n
		m.Sessions = m.Sessions[:maxRows]
	}
}

func joined(a, b string) string {
	if b == "" || a == b {
		return a
	}
	return strings.TrimSpace(a + " " + b)
}

func joinedBy(a, by, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + by + b
}

// A Disk is a disk, a part of one, or a volume.
type Disk struct {
	Name, About string
	Size        int64
	Serial      string
	Mounted     string
	Crypt       string // how it is encrypted; "" if nothing of it was seen
	Locks       bool   // it is readable now, and will not be after power-off without a key
	Removable   bool
	Part        bool
}

type diskRow struct {
	Kind       text   `json:"kind"`
	Name       text   `json:"name"`
	DMName     text   `json:"dm_name"`
	Partition  flag   `json:"partition"`
	Size       number `json:"size"`
	Model      text   `json:"model"`
	Vendor     text   `json:"vendor"`
	Serial     text   `json:"serial"`
	Crypt      text   `json:"crypt"`
	Mounted    texts  `json:"mounted"`
	Removable  flag   `json:"removable"`
	USB        flag   `json:"usb"`
	FileSystem text   `json:"file_system"`
	Label      text   `json:"label"`
	Encryption text   `json:"encryption"`
	Locks      flag   `json:"locks_at_power_off"`
	Type       text   `json:"type"`
}

func (m *Model) disk(b []byte) bool {
	var r diskRow
	if !decode(b, &r) {
		return false
	}
	if len(m.Disks) >= maxRows {
		m.table("volatile/kernel/block.jsonl").Cut++
		return true
	}
	d := Disk{
		Name: firstOf(string(r.DMName), string(r.Name)), About: joined(joined(string(r.Vendor), string(r.Model)), joined(string(r.FileSystem), string(r.Label))),
		Size: r.Size.n, Serial: string(r.Serial), Mounted: r.Mounted.comma(), Crypt: firstOf(string(r.Crypt), string(r.Encryption)),
		Locks: r.Crypt != "" || bool(r.Locks), Removable: bool(r.Removable || r.USB) || r.Type == "removable", Part: bool(r.Partition),
	}
	if d.Size > 0 || d.Crypt != "" || d.Mounted != "" {
		m.Disks = append(m.Disks, d)
	}
	return true
}

// Locking gives the disks that lock at power-off.
func (m *Model) Locking() (list []Disk) {
	for _, d := range m.Disks {
		if d.Locks {
			list = append(list, d)
		}
	}
	return list
}

// finishRows puts what must be looked at first first.
func (m *Model) finishRows() {
	m.newestSessions()
	sorting.By(m.Indicators, func(a, b Indicator) int { return b.Level - a.Level })
	sorting.By(m.Starts, func(a, b Start) int {
		return cmp.Or(ranked(a)-ranked(b), cmp.Compare(b.Written, a.Written))
	})
}

func ranked(s Start) int {
	switch {
	case s.Odd != "":
		return 0
	case s.Usual:
		return 2
	}
	return 1
}
