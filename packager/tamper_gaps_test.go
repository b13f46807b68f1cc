package packager

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"hozen/packager/signed"
)

// A told is an event of somebody, to be appended to a log.
type told struct {
	who string // principal
	e   Event
}

// inAnHour marks, by its boot, an event of a clock that is an hour ahead.
const inAnHour = "in an hour"

// keepers are keys of principals, made as they are asked for.
type keepers map[string]Device

func (p keepers) key(t *testing.T, principal string) Device {
	t.Helper()
	d, ok := p[principal]
	if !ok {
		d = newDevice(t, "somebody")
		p[principal] = d
	}
	return d
}

// append gives a log with more events, each by whom it says.
func (p keepers) append(t *testing.T, log []byte, list ...told) []byte {
	t.Helper()
	for i, l := range list {
		events, _, err := readLog(log)
		if err != nil {
			t.Fatal(err)
		}
		var b logFile
		b.Write(log)
		if l.e.Object == (EventObject{}) {
			l.e.Object = events[len(events)-1].Object
		}
		lg := &custodyLog{file: &b, began: testTime, seq: len(events), prev: lastLineSum(log),
			base: Event{Collection: events[0].Collection, Actor: l.who}}
		by, err := p.key(t, l.who).by()
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(i) * time.Second)
		if l.e.Time.BootID == inAnHour {
			at = at.Add(time.Hour)
		}
		if err := lg.append(by, at, l.e); err != nil {
			t.Fatal(err)
		}
		log = bytes.Clone(b.Bytes())
	}
	return log
}

// trust gives an allowed_signers file of all of them, and of the device.
func (p keepers) trust(t *testing.T, d Device) *Trust {
	t.Helper()
	var b strings.Builder
	line, err := d.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString(line)
	for who, d := range p {
		k, err := d.Public()
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(who + ` namespaces="` + signed.Event + `" ` + signed.PublicText(k) + "\n")
	}
	trust, err := ParseTrust(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

func how(e Event) Event {
	e.Detail = append(e.Detail, EventDetail{"how", "by hand"})
	return e
}

func release(to string) told {
	return told{"operator:sato", how(Event{Event: "released", Counterpart: to, Reason: "analysis"})}
}

func receive(who string, ref ...int) told {
	return told{who, Event{Event: "received", Counterpart: "operator:sato", Verdict: string(Valid), Ref: ref,
		Detail: []EventDetail{{"seal", "intact"}}}}
}

// gapCases are stories that people tell after the five events of a collection, and what is
// wrong with each: the grade and the text of the one that says it, "" if all is well.
func gapCases() []struct {
	name, grade, text string
	tell              []told
} {
	other := EventObject{Name: "x.tar.zst", Bytes: 7, SHA256: strings.Repeat("ab", 32)}
	numbered := func(t told, seal string) told {
		t.e.Thing = &EventThing{SealNo: seal}
		return t
	}
	with := func(t told, edit func(*Event)) told {
		edit(&t.e)
		return t
	}
	ev := func(who, name string, edit func(*Event)) told {
		t := told{who, Event{Event: name, Reason: "r", Place: "p"}}
		if edit != nil {
			edit(&t.e)
		}
		return t
	}
	return []struct {
		name, grade, text string
		tell              []told
	}{
		{"nothing more", "", "", nil},
		{"handed over", "", "", []told{release("lab:acme"), receive("lab:acme", 6)}},
		{"on its way", GradeOpen, "not received yet", []told{release("lab:acme")}},
		{"released, and in other hands", GradeGap, "did not sign for it; then event 7", []told{release("lab:acme"), ev("lab:acme", "opened", nil)}},
		{"received without release", GradeGap, "no open release", []told{receive("lab:acme")}},
		{"received twice", GradeGap, "no open release", []told{release("lab:acme"), receive("lab:acme", 6), receive("lab:acme", 6)}},
		{"received by another", GradeGap, "released it to lab:acme", []told{release("lab:acme"), receive("lab:other", 6)}},
		{"received from another", GradeGap, "was signed by operator:sato", []told{release("lab:acme"), with(receive("lab:acme", 6), func(e *Event) { e.Counterpart = "carrier:x" })}},
		{"another seal", GradeGap, "it was released with", []told{numbered(release("lab:acme"), "A-1"), numbered(receive("lab:acme", 6), "A-2")}},
		{"seal number not read", GradeGap, "it was released with", []told{numbered(release("lab:acme"), "A-1"), receive("lab:acme", 6)}},
		{"seal broken", GradeGap, "seal was broken", []told{release("lab:acme"), with(receive("lab:acme", 6), func(e *Event) { e.Detail[0].Value = "broken" })}},
		{"received INVALID", GradeGap, "is INVALID", []told{release("lab:acme"), with(receive("lab:acme", 6), func(e *Event) { e.Verdict = string(Invalid) })}},
		{"other bytes", GradeGap, "other bytes than event 5", []told{release("lab:acme"), with(receive("lab:acme", 6), func(e *Event) { e.Object = other })}},
		{"encrypted anew", "", "", []told{ev("operator:sato", "reencrypted", func(e *Event) { e.Before, e.Object = nil, other })}},
		{"encrypted anew, of other bytes", GradeGap, "made of other bytes", []told{ev("operator:sato", "reencrypted", func(e *Event) { e.Before, e.Object = &other, other })}},
		{"taken out", GradeOpen, "not brought back yet", []told{ev("operator:sato", "checked_out", nil)}},
		{"taken out and back", "", "", []told{ev("operator:sato", "checked_out", nil), ev("operator:sato", "checked_in", func(e *Event) { e.Ref = []int{6} })}},
		{"back without out", GradeGap, "did not take it out", []told{ev("operator:sato", "stored", nil), ev("operator:sato", "checked_in", func(e *Event) { e.Ref = []int{6} })}},
		{"refers ahead", GradeGap, "is not before it", []told{ev("operator:sato", "corrected", func(e *Event) { e.Ref = []int{9} })}},
		{"refers before the first", GradeGap, "is not before it", []told{ev("operator:sato", "corrected", func(e *Event) { e.Ref = []int{-1} })}},
		{"after the end", GradeGap, "destroyed", []told{ev("custodian:abe", "destroyed", func(e *Event) { e.Authority = "order 5"; *e = how(*e) }), ev("custodian:abe", "opened", nil)}},
		{"a copy destroyed", "", "", []told{ev("custodian:abe", "destroyed", func(e *Event) {
			e.Authority = "order 5"
			*e = how(*e)
			e.Detail = append(e.Detail, EventDetail{"copy", "working"})
		}), ev("custodian:abe", "opened", nil)}},
		{"too little said", GradeGap, "does not say: authority, detail how", []told{ev("custodian:abe", "destroyed", nil)}},
		{"too little said, corrected", GradeNote, "event 7 corrects it", []told{ev("custodian:abe", "stored", func(e *Event) { e.Place = "" }),
			ev("custodian:abe", "corrected", func(e *Event) { e.Ref = []int{6} })}},
		{"bytes are not put right by words", GradeGap, "other bytes than event 5", []told{ev("lab:acme", "verified", func(e *Event) { e.Object, e.Verdict = other, "VALID" }),
			ev("lab:acme", "corrected", func(e *Event) { e.Ref = []int{6} })}},
		{"disputed", GradeOpen, "not answered yet", []told{ev("lab:acme", "stored", nil), ev("operator:sato", "disputed", func(e *Event) { e.Ref = []int{6} })}},
		{"disputed and answered", "", "", []told{ev("lab:acme", "stored", nil), ev("operator:sato", "disputed", func(e *Event) { e.Ref = []int{6} }),
			ev("lab:acme", "corrected", func(e *Event) { e.Ref = []int{7} })}},
		{"found INVALID", GradeGap, "found it INVALID", []told{ev("lab:acme", "verified", func(e *Event) { e.Verdict = string(Invalid) })}},
		{"found not to be evidence", GradeGap, "found it NOT-EVIDENCE", []told{ev("lab:acme", "verified", func(e *Event) { e.Verdict = string(NotEvidence) })}},
		{"found something nobody knows", GradeGap, `found it "FINE"`, []told{ev("lab:acme", "verified", func(e *Event) { e.Verdict = "FINE" })}},
		{"received NOT-EVIDENCE", GradeGap, "is NOT-EVIDENCE", []told{release("lab:acme"), with(receive("lab:acme", 6), func(e *Event) { e.Verdict = string(NotEvidence) })}},
		{"received unopened", "", "", []told{release("lab:acme"), with(receive("lab:acme", 6), func(e *Event) { e.Verdict = string(ValidOuter) })}},
		{"received interrupted", "", "", []told{release("lab:acme"), with(receive("lab:acme", 6), func(e *Event) { e.Verdict = string(ValidPartial) })}},
		{"received from a device that is not believed", GradeNote, "is UNTRUSTED-SIGNER", []told{release("lab:acme"), with(receive("lab:acme", 6), func(e *Event) { e.Verdict = string(UntrustedSigner) })}},
		{"received before it was released", GradeNote, "before event 6 released it", []told{with(release("lab:acme"), func(e *Event) { e.Time.BootID = inAnHour }), receive("lab:acme", 6)}},
		{"an unknown word", GradeNote, "not known here", []told{ev("lab:acme", "juggled", nil)}},
		{"released by who has it not", GradeNote, "had received it", []told{release("lab:acme"), receive("lab:acme", 6), release("lab:other"), receive("lab:other", 8)}},
	}
}

func TestGaps(t *testing.T) {
	w := newWorld(t)
	for _, c := range gapCases() {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			p := keepers{}
			for i := range c.tell {
				if c.tell[i].e.Event == "reencrypted" && c.tell[i].e.Before == nil {
					events, _, _ := readLog(w.log)
					c.tell[i].e.Before = &events[len(events)-1].Object
				}
			}
			log := p.append(t, w.log, c.tell...)
			events, _, err := readLog(log)
			if err != nil {
				t.Fatal(err)
			}
			gaps := Gaps(events)
			o := w.o
			o.Trust, o.Log = p.trust(t, w.device), log
			// The archive's own verdict stays; the log's is partial where there is a gap.
			r, alone := verdict(t, w.archive, o), VerifyLog(log, o)
			if r.Verdict != Valid || len(r.Gaps) != len(gaps) {
				t.Errorf("the archive: %s %q", r.Verdict, r.Findings)
			}
			if told := strings.Contains(strings.Join(r.Notes, "\n"), c.text); c.name == "received before it was released" && !told {
				t.Errorf("the archive's notes do not say it: %q", r.Notes)
			}
			want := Valid
			if c.grade == GradeGap {
				want = ValidPartial
			}
			if alone.Verdict != want || alone.Collection != r.Collection {
				t.Errorf("the log: %s %q, want %s", alone.Verdict, alone.Findings, want)
			}
			if c.grade == "" {
				if len(gaps) > 0 {
					t.Errorf("%+v", gaps)
				}
				return
			}
			for _, g := range gaps {
				if g.Grade == c.grade && strings.Contains(g.Text, c.text) {
					return
				}
			}
			t.Errorf("no %s %q: %+v", c.grade, c.text, gaps)
		})
	}
}

// TestLogAlone: without its archive, a log that was changed is INVALID, one by a stranger is
// not believed.
func TestLogAlone(t *testing.T) {
	w, p := newWorld(t), keepers{}
	good := p.append(t, w.log, release("lab:acme"), receive("lab:acme", 6))
	l := lines(good)
	o := VerifyOptions{Trust: p.trust(t, w.device)}
	for _, c := range []struct {
		name string
		log  []byte
		want Verdict
	}{
		{"untouched", good, Valid},
		{"half-written last line", append(bytes.Clone(good), '{'), Valid},
		{"newest event cut off", bytes.Join(l[:6], nil), Valid},
		{"empty", nil, NotEvidence},
		{"edited", bytes.Replace(good, []byte("analysis"), []byte("analyses"), 1), Invalid},
		{"first deleted", bytes.Join(l[1:], nil), Invalid},
		{"one deleted", bytes.Join(append(append([][]byte{}, l[:5]...), l[6:]...), nil), Invalid},
		{"reordered", bytes.Join([][]byte{l[0], l[2], l[1]}, nil), Invalid},
		{"begins with something else", p.append(t, beginsOtherwise(t, w, p), release("lab:acme")), Invalid},
		{"made anew by the device", signedLog(t, w, w.device, func(e []Event) []Event { return e }), Invalid},
		{"by an unknown key", keepers{}.append(t, good, told{"lab:acme", Event{Event: "opened", Reason: "r"}}), UntrustedSigner},
		{"bob as alice", keepers{"operator:alice": p.key(t, "lab:acme")}.append(t, good, told{"operator:alice", Event{Event: "opened", Reason: "r"}}), UntrustedSigner},
		{"of two collections", append(bytes.Clone(good), w.otherLog...), Invalid},
	} {
		if r := VerifyLog(c.log, o); r.Verdict != c.want || r.Exit != c.want.ExitCode() || len(r.Findings) == 0 && c.want != Valid {
			t.Errorf("%s: %s, want %s: %q", c.name, r.Verdict, c.want, r.Findings)
		}
	}
	if r := VerifyLog(good, VerifyOptions{}); r.Verdict != UntrustedSigner || len(r.Findings) != 3 {
		t.Errorf("nobody is trusted: %s %q", r.Verdict, r.Findings)
	}
}

// beginsOtherwise is a log that begins with an event of people.
func beginsOtherwise(t *testing.T, w *world, p keepers) []byte {
	t.Helper()
	var b logFile
	by, err := p.key(t, "operator:sato").by()
	if err != nil {
		t.Fatal(err)
	}
	l := &custodyLog{file: &b, began: testTime, base: Event{Collection: testOptions(t, "").ID, Actor: "operator:sato"}}
	if err := l.append(by, testTime, Event{Event: "stored", Place: "p"}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCompareLogs: copies of a log that were kept in several places.
func TestCompareLogs(t *testing.T) {
	w, p := newWorld(t), keepers{}
	long := p.append(t, w.log, release("lab:acme"), receive("lab:acme", 6))
	fork := p.append(t, w.log, release("lab:other"))
	edited := bytes.Replace(long, []byte("analysis"), []byte("analyses"), 1)
	for _, c := range []struct {
		name         string
		copy         []byte
		state        string
		lacks, lines int
	}{
		{"same", long, CopySame, 0, 0},
		{"cut", w.log, CopyShorter, 2, 0},
		{"half a line more", append(bytes.Clone(long), '{'), CopySame, 0, 0},
		{"fork", fork, CopyFork, 1, 6},
		{"edited", edited, CopyDamaged, 2, 6},
		{"of another collection", w.otherLog, CopyOther, 0, 0},
		{"empty", nil, CopyDamaged, 7, 0},
	} {
		for _, first := range []bool{true, false} {
			logs, at := []LogCopy{{"a", long}, {"b", c.copy}}, 1
			if !first {
				logs, at = []LogCopy{{"b", c.copy}, {"a", long}}, 0
			}
			s := CompareLogs(logs...)
			if c.state == CopySame && !first {
				continue // the first of two that are the same is the measure
			}
			if s[1-at].State != CopyLongest || s[at].State != c.state || s[at].Lacks != c.lacks || s[at].Line != c.lines || s[at].Text() == "" {
				t.Errorf("%s: %+v", c.name, s)
			}
			o := w.o
			o.Trust, o.Log, o.Copies = p.trust(t, w.device), logs[0].Log, logs[1:]
			want := Valid
			if c.state != CopySame && c.state != CopyShorter {
				want = Invalid
			}
			if first || c.copy != nil {
				if r := verdict(t, w.archive, o); r.Verdict != want || len(r.Events) != 7 || (r.Axes.Custody == "contradicted") != (want == Invalid) {
					t.Errorf("%s: the archive is %s, want %s: %q, %q, %d events", c.name, r.Verdict, want, r.Findings, r.Axes.Custody, len(r.Events))
				}
			}
		}
	}
}

func FuzzCompareLogs(f *testing.F) {
	w := newWorld(f)
	f.Add(w.log, w.otherLog)
	f.Add(w.log, w.log[:len(w.log)-9])
	f.Add(w.log, bytes.Replace(w.log, []byte("sealed"), []byte("sealen"), 1))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s := CompareLogs(LogCopy{"a", a}, LogCopy{"b", b})
		if (s[0].State == CopySame || s[1].State == CopySame) && s[0].Head != s[1].Head {
			t.Errorf("identical with two heads: %+v", s)
		}
		for i := range s {
			s[i].Text()
		}
		for _, log := range [][]byte{a, b} {
			if r := VerifyLog(log, VerifyOptions{}); r.Verdict == Valid {
				t.Errorf("nobody is trusted, and it is VALID")
			}
		}
	})
}
