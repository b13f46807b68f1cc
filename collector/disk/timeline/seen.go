package timeline

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/disk/walk"
	"hozen/collector/memory"
	"hozen/packager/evidence/sorting"
)

// Seen is what the walk of the collector timeline saw that deserves a look, for the
// collector notable. One value is made for a collection, and given to both. It is safe
// for concurrent use; the zero value is ready.
type Seen struct {
	// Recent is how long ago a change of the system's own files still counts as new;
	// 0: fourteen days.
	Recent time.Duration

	mu     sync.Mutex
	walked bool
	err    error // why the walk did not come to its end
	found  [kindCount]findings
}

// A finding is one notable thing.
type finding struct {
	level     memory.Level
	path      string
	meta      walk.Meta
	seen      string // what was seen, in a sentence
	explained string // what benign explanation fits it
	covered   bool
}

// rank orders the findings of one level: what is explained comes last.
func (f *finding) rank() int {
	if f.explained != "" {
		return 1
	}
	return 0
}

// findings are those of one kind, and how many more there were.
type findings struct {
	list      [memory.High + 1][]finding
	count     [memory.High + 1]int
	explained int // of the list of level low: the first to make room
}

// maxFindings bounds the rows of one kind: together 2,000.
func maxFindings(l memory.Level) int {
	return [...]int{memory.Low: 300, memory.Medium: 700, memory.High: 1000}[l]
}

// Counts is how many notable things of each level were seen; ok is false if no walk
// has come to its end.
func (s *Seen) Counts() (count [memory.High + 1]int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.found {
		for level, n := range f.count {
			count[level] += n
		}
	}
	return count, s.walked
}

// begin gives each worker of a walk something to judge by. A nil Seen wants nothing.
func (s *Seen) begin(h *collector.Host, workers []taker) {
	if s == nil {
		return
	}
	recent := s.Recent
	if recent <= 0 {
		recent = 14 * 24 * time.Hour
	}
	now := h.Time()
	packages := packageTimes(h)
	for i := range workers {
		workers[i].look = &looker{now: now.Unix(), since: now.Add(-recent).Unix(), packages: packages, reads: maxReads / len(workers)}
	}
}

// end takes over what the workers found.
func (s *Seen) end(workers []taker, err error) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.walked, s.err, s.found = true, err, [kindCount]findings{}
	for k := range s.found {
		f := &s.found[k]
		for _, l := range memory.Levels() {
			for i := range workers {
				f.list[l] = append(f.list[l], workers[i].look.found[k].list[l]...)
				f.count[l] += workers[i].look.found[k].count[l]
			}
			sorting.By(f.list[l], func(a, b finding) int { return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.path, b.path)) })
			f.list[l] = f.list[l][:min(len(f.list[l]), maxFindings(l))]
		}
	}
}

// A looker judges the entries of one worker.
type looker struct {
	now, since int64          // seconds since 1970
	packages   map[int64]bool // minutes in which packages were installed
	reads      int            // files whose first bytes may yet be read
	dir        []byte
	place      place
	found      [kindCount]findings
}

// maxReads bounds the files whose first bytes are read.
const maxReads = 20_000

// entry judges one entry of the walk.
func (l *looker) entry(e *walk.Entry) {
	if !e.Known {
		return
	}
	cut := bytes.LastIndexByte(e.Path, '/')
	if cut < 0 {
		return
	}
	if l.dir == nil || !bytes.Equal(e.Path[:cut], l.dir) {
		l.dir = append(l.dir[:0], e.Path[:cut]...)
		l.place = placeOf(string(l.dir))
	}
	name := e.Path[cut+1:]
	l.name(e, name)
	switch m := &e.Meta; {
	case m.Regular():
		l.file(e, name)
	case m.Directory():
		l.directory(e, name)
	case m.Rdev != 0:
		l.device(e, name)
	}
}

func (l *looker) add(k int, level memory.Level, e *walk.Entry, seen, explained string) {
	if explained != "" {
		level = memory.Low
	}
	f := &l.found[k]
	f.count[level]++
	if len(f.list[level]) >= maxFindings(level) {
		if level > memory.Low || explained != "" || f.explained == 0 {
			return
		}
		i := slices.IndexFunc(f.list[level], func(old finding) bool { return old.explained != "" })
		f.list[level] = slices.Delete(f.list[level], i, i+1)
		f.explained--
	}
	f.list[level] = append(f.list[level], finding{level, string(e.Path), e.Meta, seen, explained, e.Covered})
	if explained != "" {
		f.explained++
	}
}

func (l *looker) in(p place) bool { return l.place&p != 0 }

// maxPackages bounds the packages whose times are looked at.
const maxPackages = 20_000

// packageTimes gives the minutes since 1970 in which packages were installed or
// upgraded, by the times of the files that dpkg, pacman and rpm keep for them.
func packageTimes(h *collector.Host) map[int64]bool {
	minutes := map[int64]bool{}
	for _, dir := range []string{"/var/lib/dpkg/info", "/var/lib/pacman/local", "/var/lib/rpm", "/usr/lib/sysimage/rpm", "/lib/apk/db"} {
		names, _ := h.Names(dir)
		for i, name := range names {
			if i >= 8*maxPackages {
				break
			}
			if dir == "/var/lib/dpkg/info" && !strings.HasSuffix(name, ".list") {
				continue
			}
			if m, err := h.Lstat(dir + "/" + name); err == nil {
				minutes[m.Mtime.Unix()/60] = true
				minutes[m.Ctime.Unix()/60] = true
			}
		}
	}
	return minutes
}

// byPackage says whether a change came when a package was installed: in the minutes
// before, for its files are unpacked first.
func (l *looker) byPackage(at walk.Time) string {
	minute := at.Sec / 60
	for ago := int64(-1); ago <= 3; ago++ {
		if l.packages[minute+ago] {
			return "a package was installed or upgraded at that time"
		}
	}
	return ""
}
