package model

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"hozen/packager/evidence/sorting"
)

// Bounds of the timeline.
const (
	Days      = 14 // before the collection, that are shown
	maxHours  = 300000
	maxNamed  = 30000 // files kept by name in all
	ofHour    = 8     // files of each hour that are kept by name
	hourForm  = "2006-01-02T15"
	timeChars = len("2006-01-02T15:04:05Z")
)

// Timeline is what changed in the file systems, by the hour.
type Timeline struct {
	began time.Time
	from  string // the first hour whose files are kept by name; "" for any
	named int
	hours map[string]*Hour
	Hours []Hour // of the last days, those in which something was, in order
	End   time.Time
	Files int64 // rows of the table
	Later int64 // changed later than the collection began
	Newer int64 // changed in the last days
}

// An Hour is what happened in one hour (UTC).
type Hour struct {
	At      time.Time
	Born    int
	Changed int // contents
	Meta    int // name, owner, rights: the inode
	Started int // processes that still ran
	Logins  int
	Files   []FileChange // some of them: what may be run or lies in odd places first
	Named   int          // of them all, each file once
}

// A FileChange is a file by the last thing that happened to it.
type FileChange struct {
	Path  string
	When  string
	What  string // born, changed, meta
	Size  int64
	score int
}

// file reads a row of disk/timeline.jsonl, of which there are millions: without decoding.
func (m *Model) file(b []byte) bool {
	t := &m.Timeline
	if len(b) < 2 || b[0] != '{' {
		return false
	}
	t.Files++
	times := [...][]byte{moment(b, `"btime":"`), moment(b, `"mtime":"`), moment(b, `"ctime":"`)}
	var last []byte
	what := 0
	for i, s := range times {
		if s == nil {
			continue
		}
		if h := t.hour(s); h != nil {
			switch i {
			case 0:
				h.Born++
			case 1:
				h.Changed++
			case 2:
				h.Meta++
			}
		}
		if string(s) >= string(last) {
			last, what = s, i
		}
	}
	if what == 2 && string(last[:19]) == secondOf(times[1]) {
		what = 1 // changed contents change the inode, too
	}
	if what > 0 && last != nil && string(last[:19]) == secondOf(times[0]) {
		what = 0
	}
	if last != nil {
		t.name(b, last, [...]string{"born", "changed", "meta"}[what])
	}
	return true
}

func secondOf(s []byte) string {
	if s == nil {
		return ""
	}
	return string(s[:19])
}

// moment gives the time behind a key, if it has the form of one.
func moment(b []byte, key string) []byte {
	s := field(b, key)
	if len(s) < timeChars || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return nil
	}
	return s
}

func (t *Timeline) hour(s []byte) *Hour {
	if t.hours == nil {
		t.hours = map[string]*Hour{}
	}
	h := t.hours[string(s[:13])]
	if h == nil {
		if len(t.hours) >= maxHours {
			return nil
		}
		h = &Hour{}
		t.hours[string(s[:13])] = h
	}
	return h
}

func (t *Timeline) name(b, when []byte, what string) {
	h := t.hour(when)
	if h == nil {
		return
	}
	h.Named++
	if string(when[:13]) < t.from || len(h.Files) < ofHour && t.named >= maxNamed {
		return
	}
	path := field(b, `"path":"`)
	score := scoreOf(path, b)
	if len(h.Files) >= ofHour {
		least := slices.MinFunc(h.Files, byScore)
		if cmp.Or(cmp.Compare(score, least.score), cmp.Compare(string(when), least.When)) <= 0 {
			return
		}
		h.Files = slices.DeleteFunc(h.Files, func(f FileChange) bool { return f == least })
		t.named--
	}
	var r struct {
		Path text   `json:"path"`
		Size number `json:"size"`
	}
	if json.Unmarshal(b, &r) != nil || r.Path == "" {
		return
	}
	t.named++
	h.Files = append(h.Files, FileChange{string(r.Path), string(when), what, r.Size.n, score})
}

func byScore(a, b FileChange) int {
	return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.When, b.When), cmp.Compare(a.Path, b.Path))
}

// scoreOf says how much a file should be named before others of its hour.
func scoreOf(path, row []byte) (score int) {
	s := string(path)
	for _, p := range []string{"/tmp/", "/var/tmp/", "/dev/shm/", "/home/", "/root/", "/var/www/", "/srv/", "/etc/", "/usr/local/", "/opt/"} {
		if strings.HasPrefix(s, p) {
			score++
			break
		}
	}
	lower := strings.ToLower(s)
	for _, p := range []string{`\users\`, `\programdata\`, `\windows\temp\`, `\startup\`} {
		if strings.Contains(lower, p) || strings.Contains(lower, strings.ReplaceAll(p, `\`, `\\`)) {
			score++
			break
		}
	}
	for _, e := range []string{".exe", ".dll", ".ps1", ".bat", ".cmd", ".vbs", ".js", ".lnk", ".sh", ".service", ".so", ".php", ".py"} {
		if strings.HasSuffix(lower, e) {
			score += 2
			break
		}
	}
	if strings.Contains(string(row), `"kind":"directory"`) {
		score -= 2
	}
	for _, p := range []string{"/.cache/", "/go/pkg/", "/go-build", "/node_modules/", "/.git/"} {
		if strings.Contains(s, p) {
			score -= 3
			break
		}
	}
	return score
}

// finish keeps the last days.
func (t *Timeline) finish() {
	t.End = t.began
	if t.End.IsZero() {
		last := ""
		for k := range t.hours {
			last = max(last, k)
		}
		t.End, _ = time.Parse(hourForm, last)
	}
	if t.End.IsZero() {
		return
	}
	t.End = t.End.UTC().Truncate(time.Hour).Add(time.Hour)
	from := t.Begin()
	for k, h := range t.hours {
		at, err := time.Parse(hourForm, k)
		if err != nil {
			continue
		}
		if at.After(t.End) {
			t.Later += int64(h.Named)
		}
		if at.Before(from) || !at.Before(t.End.Add(time.Hour)) {
			continue
		}
		h.At = at
		sorting.By(h.Files, func(a, b FileChange) int { return -byScore(a, b) })
		t.Newer += int64(h.Named)
		t.Hours = append(t.Hours, *h)
	}
	t.hours = nil
	sorting.By(t.Hours, func(a, b Hour) int { return a.At.Compare(b.At) })
}

// Begin is the first moment that is shown.
func (t *Timeline) Begin() time.Time { return t.End.Add(-Days * 24 * time.Hour) }

// since says when the collection began, if that is not known yet.
func (t *Timeline) since(began time.Time) {
	if t.began.IsZero() {
		t.began = began
	}
	if !t.began.IsZero() {
		t.from = t.began.UTC().Add(-Days * 24 * time.Hour).Format(hourForm)
	}
}

// at gives the hour of a moment; nil if it is not one of those shown.
func (t *Timeline) at(when time.Time) *Hour {
	hour := when.UTC().Truncate(time.Hour)
	if when.IsZero() || t.End.IsZero() || hour.Before(t.Begin()) || hour.After(t.End) {
		return nil
	}
	i, found := slices.BinarySearchFunc(t.Hours, hour, func(h Hour, at time.Time) int { return h.At.Compare(at) })
	if !found {
		t.Hours = slices.Insert(t.Hours, i, Hour{At: hour})
	}
	return &t.Hours[i]
}

// events adds to the timeline what other tables tell.
func (m *Model) events() {
	for _, p := range m.Processes {
		if h := m.Timeline.at(When(p.Start)); h != nil && !p.Kernel {
			h.Started++
		}
	}
	for _, s := range m.Sessions {
		if s.Kind == "utmp" || s.Kind == "lastlog" {
			continue // wtmp has them
		}
		if h := m.Timeline.at(When(s.Time)); h != nil {
			h.Logins++
		}
	}
}
