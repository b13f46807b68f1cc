package job

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hozen/packager/cipher"
)

// Reasons why an envelope is none: words for programs.
const (
	Size       = "size"        // over MaxEnvelope
	Encoding   = "encoding"    // not in the one encoding
	Unknown    = "fields"      // a field that version 1 does not have
	Action     = "action"      // not one of the actions
	Lifetime   = "lifetime"    // valid for longer than Longest
	SamePerson = "same_person" // somebody is to sign twice
	Field      = "field"       // anything else that a field may not be
)

// An Error says why an envelope or a job is none.
type Error struct {
	Reason string // one of the words above
	Field  string // as in JSON; "" if none in particular
	Text   string
}

func (e *Error) Error() string {
	if e.Field == "" {
		return "job: " + e.Text
	}
	return "job: " + e.Field + ": " + e.Text
}

//go:noinline
func refuse(reason, field, format string, args ...any) error {
	return &Error{Reason: reason, Field: field, Text: fmt.Sprintf(format, args...)}
}

// Bounds on the fields of a job.
const (
	maxDevices    = 1000
	maxNames      = 64 // collectors, processes
	maxApprovals  = 8
	maxRecipients = 16
	maxRecipient  = 2200 // bytes; that of a post-quantum key has 1,960
	maxIOC        = 2000 // lines
	maxIOCLine    = 1024 // bytes
	maxFilter     = 1024
	maxCase       = 128
	maxText       = 1024
	maxSize       = 1 << 50
	maxPID        = 1<<31 - 1
	maxDuration   = int64(Longest) * 3600 // seconds
	// MaxIsolation bounds how long an isolation may last, in seconds.
	MaxIsolation = 30 * 24 * 3600
)

var (
	idPattern        = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{3,62}$`)
	namePattern      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	collectorPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
	noncePattern     = regexp.MustCompile(`^[0-9a-f]{32}$`)
	sumPattern       = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

const timeLayout = "2006-01-02T15:04:05Z"

// Time writes a time as jobs have it: RFC 3339, UTC, whole seconds (cut).
func Time(t time.Time) string { return t.UTC().Format(timeLayout) }

// ParseTime reads what Time wrote and nothing else; years 2000 to 9999.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(timeLayout, s)
	if err != nil || Time(t) != s || t.Year() < 2000 {
		return time.Time{}, fmt.Errorf("time %.40q: want YYYY-MM-DDThh:mm:ssZ", s)
	}
	return t, nil
}

// Check says what of a job is not as it must be; its errors are *Error.
func (j Job) Check() error {
	for _, check := range []func() error{j.checkHead, j.checkTimes, j.checkTargets, j.checkPeople, j.checkTexts, j.Params.check, j.checkAction} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (j Job) checkHead() error {
	switch {
	case j.Type != Type:
		return refuse(Field, "type", "%.40q, want %s", j.Type, Type)
	case !idPattern.MatchString(j.ID):
		return refuse(Field, "id", "%.80q: want 4 to 63 of a-z, 0-9, dashes", j.ID)
	case !noncePattern.MatchString(j.Nonce):
		return refuse(Field, "nonce", "want 32 hexadecimal digits")
	case !slices.Contains([]string{Collect, Isolate, Rejoin, Cancel}, j.Action):
		return refuse(Action, "action", "%.40q: not one of collect, isolate, rejoin, cancel", j.Action)
	}
	return nil
}

func (j Job) checkTimes() error {
	var at [3]time.Time
	for i, f := range []struct{ name, value string }{{"issued", j.Issued}, {"not_before", j.NotBefore}, {"expires", j.Expires}} {
		var err error
		if at[i], err = ParseTime(f.value); err != nil {
			return refuse(Field, f.name, "%v", err)
		}
	}
	issued, notBefore, expires := at[0], at[1], at[2]
	switch {
	case notBefore.Before(issued):
		return refuse(Field, "not_before", "before issued")
	case !expires.After(notBefore):
		return refuse(Field, "expires", "not after not_before")
	case expires.Sub(issued) > Longest*time.Hour:
		return refuse(Lifetime, "expires", "more than %d days after issued", Longest/24)
	}
	return nil
}

func (j Job) checkTargets() error {
	t := j.Targets
	if err := listOf("targets.devices", t.Devices, maxDevices, namePattern.MatchString); err != nil {
		return err
	}
	group := t.Group != "" || t.Digest != ""
	switch {
	case group == (len(t.Devices) > 0):
		return refuse(Field, "targets", "want devices or one group")
	case group && !namePattern.MatchString(t.Group):
		return refuse(Field, "targets.group", "%.80q: want letters, digits, dots, dashes, at most 63", t.Group)
	case group && !sumPattern.MatchString(t.Digest):
		return refuse(Field, "targets.digest", "want a SHA-256 in hex")
	}
	return nil
}

func (j Job) checkPeople() error {
	if err := listOf("approvals", j.Approvals, maxApprovals, namePattern.MatchString); err != nil {
		return err
	}
	if !namePattern.MatchString(j.Operator) {
		return refuse(Field, "operator", "%.80q: want letters, digits, dots, dashes, at most 63", j.Operator)
	}
	people := append([]string{j.Operator}, j.Approvals...)
	for i, p := range people {
		if slices.ContainsFunc(people[:i], func(q string) bool { return strings.EqualFold(p, q) }) {
			return refuse(SamePerson, "approvals", "%s is to sign twice", p)
		}
	}
	return nil
}

func (j Job) checkTexts() error {
	for _, f := range []struct {
		name, value string
		most        int
	}{{"case", j.Case, maxCase}, {"evidence", j.Evidence, maxCase}, {"authority", j.Authority, maxText}, {"reason", j.Reason, maxText}} {
		if len(f.value) > f.most {
			return refuse(Field, f.name, "%d bytes: over %d", len(f.value), f.most)
		}
		if !plain(f.value) {
			return refuse(Field, f.name, "a control character, an invisible one, or not UTF-8")
		}
	}
	if j.Destination != "" && !namePattern.MatchString(j.Destination) {
		return refuse(Field, "destination", "%.80q: want the name of a destination, not a place", j.Destination)
	}
	if err := listOf("recipients", j.Recipients, maxRecipients, func(s string) bool {
		_, err := cipher.Canonical(s)
		return err == nil && len(s) <= maxRecipient && plain(s)
	}); err != nil {
		return err
	}
	if len(j.Readers()) < len(j.Recipients) {
		return refuse(Field, "recipients", "one key is there twice, in two spellings")
	}
	return nil
}

// Readers are the recipients, each in the one spelling of its key (cipher.Canonical), sorted,
// once each: as they are compared, and as the archive names them. What is none stays as it is.
func (j Job) Readers() []string {
	list := make([]string, len(j.Recipients))
	for i, text := range j.Recipients {
		list[i] = text
		if one, err := cipher.Canonical(text); err == nil {
			list[i] = one
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (p Params) check() error {
	for _, f := range []struct {
		name  string
		names []string
	}{{"params.only", p.Only}, {"params.skip", p.Skip}} {
		if err := listOf(f.name, f.names, maxNames, collectorPattern.MatchString); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name  string
		value int64
		most  int64
	}{{"params.time_limit_s", p.TimeLimitS, maxDuration}, {"params.pcap_s", p.PcapS, maxDuration}, {"params.max_size", p.MaxSize, maxSize}, {"params.isolate_s", p.IsolateS, MaxIsolation}} {
		if f.value < 0 || f.value > f.most {
			return refuse(Field, f.name, "%d: not from 0 to %d", f.value, f.most)
		}
	}
	if err := listOf("params.dump", p.Dump, maxNames, func(pid int) bool { return pid > 0 && pid <= maxPID }); err != nil {
		return err
	}
	if err := listOf("params.ioc", p.IOC, maxIOC, indicatorLine); err != nil {
		return err
	}
	switch {
	case len(p.Filter) > maxFilter || !plain(p.Filter):
		return refuse(Field, "params.filter", "longer than %d bytes, or with a character that is not shown", maxFilter)
	case p.IOCMemory && len(p.IOC) == 0:
		return refuse(Field, "params.ioc_memory", "without indicators")
	case p.Job != "" && !idPattern.MatchString(p.Job):
		return refuse(Field, "params.job", "%.80q: not the id of a job", p.Job)
	}
	return nil
}

// indicatorLine says whether a line can be one of a file of --ioc.
func indicatorLine(s string) bool {
	return s != "" && len(s) <= maxIOCLine && plain(strings.ReplaceAll(s, "\t", " "))
}

// checkAction refuses what an action has no use for: whoever signs must not believe that
// it does something.
func (j Job) checkAction() error {
	p := j.Params
	used := map[string]bool{
		"profile": j.Profile != Profile{}, "recipients": len(j.Recipients) > 0, "destination": j.Destination != "",
		"params.isolate_s": p.IsolateS > 0, "params.job": p.Job != "",
	}
	p.IsolateS, p.Job = 0, ""
	used["params"] = !p.empty()
	var may []string
	switch j.Action {
	case Collect:
		may = []string{"profile", "recipients", "destination", "params", "params.isolate_s"}
		if !collectorPattern.MatchString(j.Profile.Name) {
			return refuse(Field, "profile.name", "%.40q: not the name of a profile", j.Profile.Name)
		}
		if !sumPattern.MatchString(j.Profile.SHA256) {
			return refuse(Field, "profile.sha256", "want a SHA-256 in hex")
		}
	case Isolate:
		may = []string{"params.isolate_s"}
		if !used["params.isolate_s"] {
			return refuse(Field, "params.isolate_s", "of action isolate must say for how long")
		}
	case Cancel:
		may = []string{"params.job"}
		if !used["params.job"] {
			return refuse(Field, "params.job", "of action cancel must say which job")
		}
	}
	for _, name := range []string{"profile", "recipients", "destination", "params", "params.isolate_s", "params.job"} {
		if used[name] && !slices.Contains(may, name) {
			return refuse(Field, name, "not of action %s", j.Action)
		}
	}
	return nil
}

func (p Params) empty() bool {
	return len(p.Only)+len(p.Skip)+len(p.Dump)+len(p.IOC) == 0 && p.TimeLimitS == 0 && !p.RAM && !p.Swap &&
		p.PcapS == 0 && p.Filter == "" && !p.IOCMemory && !p.Integrity && p.MaxSize == 0 && p.IsolateS == 0 && p.Job == ""
}

// listOf refuses a list that is null, too long, has a double, or a value that is not good.
func listOf[T comparable](field string, list []T, most int, good func(T) bool) error {
	if list == nil {
		return refuse(Encoding, field, "null, want a list")
	}
	if len(list) > most {
		return refuse(Field, field, "%d of them: over %d", len(list), most)
	}
	seen := make(map[T]bool, len(list))
	for _, v := range list {
		switch {
		case !good(v):
			return refuse(Field, field, "%.80q: not valid there", cipher.Hide(fmt.Sprint(v)))
		case seen[v]:
			return refuse(Field, field, "%.80q: twice", fmt.Sprint(v))
		}
		seen[v] = true
	}
	return nil
}

// plain says whether all of a text is shown as it is: no control character, nothing that
// turns the direction of writing or joins invisibly.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError })
}

// withLists makes lists that are nil empty.
func (j Job) withLists() Job {
	for _, l := range []*[]string{&j.Targets.Devices, &j.Params.Only, &j.Params.Skip, &j.Params.IOC, &j.Recipients, &j.Approvals} {
		if *l == nil {
			*l = []string{}
		}
	}
	if j.Params.Dump == nil {
		j.Params.Dump = []int{}
	}
	return j
}
