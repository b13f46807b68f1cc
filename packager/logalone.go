package packager

import (
	"fmt"
	"slices"
	"strconv"

	"hozen/packager/signed"
	"hozen/packager/text"
)

// A LogReport is what can be known of a custody log without its archive.
type LogReport struct {
	Verdict    Verdict  `json:"verdict"`
	Exit       int      `json:"exit"`
	Findings   []string `json:"findings"`
	Notes      []string `json:"notes"`
	Collection string   `json:"collection"`
	Events     []Event  `json:"events"`
	Head       string   `json:"head"` // hash of its last line: to be written down, or kept elsewhere
	Gaps       []Gap    `json:"gaps"`
}

// VerifyLog checks a custody log alone: the chain, each signature, the session keys as they
// are announced, whether o believes each signer as who he says he is, and Gaps. Of o are
// taken Trust and Fingerprints. VALID-PARTIAL says that all is authentic, but that the
// record has a gap; what is still open is none. Whether the archive is the one that the
// log tells of, only Verify says.
func VerifyLog(log []byte, o VerifyOptions) *LogReport {
	r := &LogReport{Findings: []string{}, Notes: []string{}, Gaps: []Gap{}, Verdict: Valid}
	events, cut, err := readLog(log)
	r.Events = append([]Event{}, events...)
	if cut {
		r.Notes = append(r.Notes, "the last line was not written whole; it is not counted")
	}
	switch {
	case err != nil:
		r.worse(Invalid, "%v", err)
	case len(events) == 0:
		r.worse(NotEvidence, "no event in it")
	default:
		r.Collection, r.Head, r.Gaps = events[0].Collection, lastLineSum(log), append(r.Gaps, Gaps(events)...)
		r.follow(events, o)
		r.judgeGaps()
	}
	r.Exit = r.Verdict.ExitCode()
	return r
}

// worse adds a finding. The first verdict stays, in the order of FORMAT.md section 12.
func (r *LogReport) worse(v Verdict, format string, a ...any) {
	r.Findings = append(r.Findings, fmt.Sprintf(format, a...))
	order := []Verdict{Invalid, NotEvidence, UntrustedSigner, ValidPartial, Valid}
	if slices.Index(order, v) < slices.Index(order, r.Verdict) {
		r.Verdict = v
	}
}

func (r *LogReport) judgeGaps() {
	for _, g := range r.Gaps {
		said := fmt.Sprintf("event %d (%s): %s: %s", g.Seq, text.Word(g.Event), g.Grade, g.Text)
		if g.Grade == GradeGap {
			r.worse(ValidPartial, "%s", said)
		} else {
			r.Notes = append(r.Notes, said)
		}
	}
}

// follow holds the writer's own events against each other.
func (r *LogReport) follow(events []Event, o VerifyOptions) {
	first := &events[0]
	if first.Event != eventStarted && first.Event != eventRecovered {
		r.worse(Invalid, "event 1 (%s): a log begins with %q, or %q where the first was lost", text.Word(first.Event), eventStarted, eventRecovered)
		return
	}
	c := aloneChain{next: first.Fact("first_key"), begun: first.Event == eventStarted}
	for i := range events {
		e := &events[i]
		if err := c.event(e, first); err != nil {
			r.worse(Invalid, "event %d (%s): %v", e.Seq, text.Word(e.Event), err)
			return
		}
		if e.Event == eventCheckpoint && c.begun {
			continue // by a session key that the event before announced
		}
		if err := o.believes(e.Actor, e.Key, eventTime(e), signed.Event); err != nil && !(c.begun && e.Key == first.Key && e.Actor == first.Actor && i > 0) {
			r.worse(UntrustedSigner, "event %d (%s): %v", e.Seq, text.Word(e.Event), err)
		}
	}
	if !c.sealed {
		r.Notes = append(r.Notes, "the log ends before the archive was sealed, or that is missing")
	}
}

type aloneChain struct {
	next   string
	k      int
	begun  bool // the first event is there, which announces the first session key
	sealed bool
}

func (c *aloneChain) event(e, first *Event) error {
	switch {
	case e.Collection != first.Collection:
		return contradiction("of collection %q", e.Collection)
	case e.Event == eventStarted && e.Seq > 1:
		return contradiction("twice")
	case e.Event == eventCheckpoint && c.begun:
		k, err := strconv.Atoi(e.Fact("checkpoint"))
		if err != nil || k != c.k+1 || e.Key != c.next || c.sealed {
			return contradiction("checkpoint %q does not follow checkpoint %d, or its key was not announced", e.Fact("checkpoint"), c.k)
		}
		c.k, c.next = k, e.Fact("next_key")
	case e.Event == eventSealed:
		if c.sealed || c.begun && e.Key != first.Key {
			return contradiction("sealed twice, or not by the device key")
		}
		c.sealed = true
	}
	return nil
}
