package packager

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hozen/packager/evidence/sorting"
	"hozen/packager/text"
)

// A Gap is where the events of a custody log do not fit together, though each is signed
// and in its place. It takes nothing from what the archive's own signatures say.
type Gap struct {
	Seq   int    `json:"seq"` // of the event
	Event string `json:"event"`
	Grade string `json:"grade"` // gap, open or note
	Text  string `json:"text"`
	words bool   // a correction can put it right
	told  bool   // though it is a note, Verify tells it
}

// The grades of a Gap.
const (
	GradeGap  = "gap"  // something happened that the log does not account for
	GradeOpen = "open" // something is still to come: a receipt, a return, an answer
	GradeNote = "note" // worth knowing
)

// Gaps holds the events of a log against each other: what was released is received by
// whom it was released to, what was taken out comes back, nothing happens after the end,
// times go forward, and the bytes stay the same but where an event says why they do not.
// events are those of a log whose chain is verified.
func Gaps(events []Event) []Gap {
	k := keeping{events: events, released: map[int]bool{}, out: map[int]bool{}, disputed: map[int]bool{}, others: map[string]bool{}}
	for i := range events {
		k.event(&events[i])
	}
	k.end()
	k.corrections()
	return k.gaps
}

// keeping follows an archive from hand to hand.
type keeping struct {
	events    []Event
	gaps      []Gap
	object    EventObject // the file since it was sealed or recovered; empty before
	objectBy  int
	holder    string // who received it last; "" if nobody is known
	released  map[int]bool
	out       map[int]bool
	disputed  map[int]bool
	destroyed int
	last      time.Time
	others    map[string]bool // hashes of other bytes that were told of
}

// Not inlined, for the size of the program.
//
//go:noinline
func (k *keeping) add(e *Event, grade, format string, a ...any) {
	k.gaps = append(k.gaps, Gap{Seq: e.Seq, Event: e.Event, Grade: grade, Text: fmt.Sprintf(format, a...)})
}

// slip adds a gap that may be a mistake in writing the log: words can put it right.
func (k *keeping) slip(e *Event, format string, a ...any) {
	k.add(e, GradeGap, format, a...)
	k.gaps[len(k.gaps)-1].words = true
}

// said are events in which nobody has the archive in hand.
func said(name string) bool {
	return slices.Contains([]string{"described", "discovered", "reported", "corrected", "disputed", "countersigned", "timestamped", "renewed",
		eventAttached, eventReceipt, "isolated", "rejoined", eventClock, eventTimestampFailed}, name)
}

func (k *keeping) event(e *Event) {
	if e.Event == eventAttached {
		return
	}
	k.time(e)
	if k.destroyed > 0 && !said(e.Event) {
		k.add(e, GradeGap, "happened after event %d says that it was destroyed", k.destroyed)
	}
	for _, n := range e.Ref {
		if n < 1 || n >= e.Seq {
			k.slip(e, "refers to event %d, which is not before it", n)
		}
	}
	if m := e.Missing(); len(m) > 0 {
		k.slip(e, "does not say: %s", strings.Join(m, ", "))
	}
	k.bytes(e)
	switch e.Event {
	case "released":
		if k.holder != "" && k.holder != e.Actor {
			k.add(e, GradeNote, "by %s, while %s had received it", text.Name(e.Actor), text.Name(k.holder))
		}
		k.released[e.Seq] = true
	case "received":
		k.received(e)
	case "checked_out":
		k.out[e.Seq] = true
	case "checked_in":
		k.back(e)
	case "corrected", "disputed":
		for _, n := range e.Ref {
			if e.Event == "disputed" {
				k.disputed[e.Seq] = true
			}
			delete(k.disputed, n)
		}
	case "destroyed":
		if e.Fact("copy") == "" {
			k.destroyed = e.Seq
		}
	default:
		k.unknown(e)
	}
}

func (k *keeping) unknown(e *Event) {
	own := []string{eventStarted, eventCheckpoint, eventSealed, eventRecovered, eventReceipt, "isolated", "rejoined", "rekey", eventClock, eventTimestampFailed}
	if _, ok := kindOf(e.Event); !ok && !slices.Contains(own, e.Event) {
		k.add(e, GradeNote, "a word that is not known here")
	}
	if e.Event == "verified" {
		k.verdict(e, "%s found it %s")
	}
}

// verdict judges what somebody found who hashed the file anew. Only what FORMAT.md calls
// authentic accounts for the bytes; where no more than a signer was not believed, the bytes
// are whole, and who asks later may believe him.
func (k *keeping) verdict(e *Event, found string) {
	switch v := Verdict(e.Verdict); v {
	case Valid, ValidPartial, ValidOuter, "": // a verdict that is missing is a gap already
	case UntrustedSigner:
		k.add(e, GradeNote, found, text.Name(e.Actor), v)
	case Invalid, NotEvidence:
		k.add(e, GradeGap, found, text.Name(e.Actor), v)
	default:
		k.add(e, GradeGap, found, text.Name(e.Actor), text.Name(e.Verdict))
	}
}

// time notes clocks that go back: those of the machines of several people need not agree,
// and the log's order is that of its chain.
func (k *keeping) time(e *Event) {
	t := eventTime(e)
	switch {
	case t.IsZero():
		k.add(e, GradeNote, "its time %q is none", e.Time.Wall)
		return
	case t.Before(k.last):
		k.add(e, GradeNote, "its time is %s before that of the event before it", k.last.Sub(t).Round(time.Millisecond))
	}
	k.last = t
}

// bytes finds where the file became another.
func (k *keeping) bytes(e *Event) {
	switch {
	case e.Event == eventSealed, e.Event == eventRecovered:
		k.object, k.objectBy = e.Object, e.Seq
	case k.object.SHA256 == "" || e.Object.SHA256 == "":
	case e.Event == eventReencrypted:
		if e.Before != nil && e.Before.SHA256 != k.object.SHA256 {
			k.add(e, GradeGap, "was made of other bytes than those of event %d", k.objectBy)
		}
		k.object, k.objectBy = e.Object, e.Seq
	case !k.others[e.Object.SHA256] && (e.Object.SHA256 != k.object.SHA256 || e.Object.Bytes != k.object.Bytes):
		k.others[e.Object.SHA256] = true
		k.add(e, GradeGap, "tells of other bytes than event %d (%d bytes, hash %s…; there %d, %s…), and no event says why",
			k.objectBy, e.Object.Bytes, begin(e.Object.SHA256), k.object.Bytes, begin(k.object.SHA256))
	}
}

// begin gives the begin of a hash, which may be any text.
func begin(hash string) string { return text.Name(hash[:min(16, len(hash))]) }

func (k *keeping) received(e *Event) {
	k.holder = e.Actor
	k.verdict(e, "what %s received is %s")
	if e.Fact("seal") == "broken" {
		k.add(e, GradeGap, "the seal was broken")
	}
	n := 0
	for _, ref := range e.Ref {
		if k.released[ref] {
			n = ref
		}
	}
	if n == 0 {
		k.slip(e, "received, but no open release is named")
		return
	}
	delete(k.released, n)
	from := &k.events[n-1]
	if a, b := eventTime(from), eventTime(e); !b.IsZero() && a.Sub(b) >= time.Second {
		k.add(e, GradeNote, "received %s before event %d released it, by the clocks of both", a.Sub(b).Round(time.Second), n)
		k.gaps[len(k.gaps)-1].told = true
	}
	if ValidPrincipal(from.Counterpart) && from.Counterpart != e.Actor {
		k.slip(e, "received by %s; event %d released it to %s", text.Name(e.Actor), n, text.Name(from.Counterpart))
	}
	if ValidPrincipal(e.Counterpart) && e.Counterpart != from.Actor {
		k.slip(e, "received from %s; event %d was signed by %s", text.Name(e.Counterpart), n, text.Name(from.Actor))
	}
	if a, b := sealNo(from), sealNo(e); a != "" && a != b {
		k.add(e, GradeGap, "seal number %q; it was released with %q", b, a)
	}
}

func sealNo(e *Event) string {
	if e.Thing == nil {
		return ""
	}
	return e.Thing.SealNo
}

func (k *keeping) back(e *Event) {
	found := false
	for _, n := range e.Ref {
		found = found || k.out[n]
		delete(k.out, n)
	}
	if !found && len(e.Ref) > 0 {
		k.slip(e, "brought back, but event %v did not take it out, or is closed", e.Ref)
	}
}

// end says what is still open. What was released and then is in the hands of somebody
// else, who did not sign for it, is no longer open: it is a gap.
func (k *keeping) end() {
	var next, other *Event // the next two in hand, by different people
	for i := len(k.events) - 1; i >= 0; i-- {
		e := &k.events[i]
		later := next
		if later != nil && later.Actor == e.Actor {
			later = other
		}
		switch {
		case k.released[e.Seq] && later != nil:
			k.slip(e, "released to %s, who did not sign for it; then event %d", text.Name(e.Counterpart), later.Seq)
		case k.released[e.Seq]:
			k.add(e, GradeOpen, "released to %s; not received yet", text.Name(e.Counterpart))
		case k.out[e.Seq]:
			k.add(e, GradeOpen, "taken out by %s; not brought back yet", text.Name(e.Actor))
		case k.disputed[e.Seq]:
			k.add(e, GradeOpen, "disputed by %s; not answered yet", text.Name(e.Actor))
		}
		if !said(e.Event) {
			if next != nil && next.Actor != e.Actor {
				other = next
			}
			next = e
		}
	}
}

// corrections turns a gap into a note where a later event corrects the one it is about;
// what is said of bytes and of seals is not put right by words.
func (k *keeping) corrections() {
	by := map[int]int{}
	for _, e := range k.events {
		if e.Event == "corrected" {
			for _, n := range e.Ref {
				by[n] = e.Seq
			}
		}
	}
	for i := range k.gaps {
		g := &k.gaps[i]
		if n := by[g.Seq]; n > g.Seq && g.words {
			g.Grade, g.Text = GradeNote, fmt.Sprintf("%s; event %d corrects it", g.Text, n)
		}
	}
	sorting.By(k.gaps, func(a, b Gap) int { return a.Seq - b.Seq })
}

// custodyAxis says in one line how a log stands: its events, its gaps, what is open.
func custodyAxis(events []Event, gaps []Gap) string {
	s := fmt.Sprintf("%d events", len(events))
	for _, grade := range []string{GradeGap, GradeOpen} {
		n := 0
		for _, g := range gaps {
			if g.Grade == grade {
				n++
			}
		}
		switch {
		case n == 1 && grade == GradeGap:
			s += ", 1 gap"
		case n > 0 && grade == GradeGap:
			s += fmt.Sprintf(", %d gaps", n)
		case n > 0:
			s += fmt.Sprintf(", %d open", n)
		}
	}
	return s
}
