package report

import (
	"slices"
	"strings"

	"hozen/packager"
	"hozen/packager/custody"
	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// A step is something to be done.
type step struct {
	done       bool
	what, hint T
	at, by     page.Node
}

// vouched says whether who signed an event is believed: the device as far as its archive. Before the
// seal the log is our own.
func (r *rep) vouched(seq int) bool {
	return r.Verified == nil || slices.Contains(r.Verified.Believed, seq)
}

// strange marks what somebody signed who is not trusted here.
func (r *rep) strange(seq int) page.Node {
	if r.vouched(seq) {
		return nil
	}
	return page.All(page.Text(" "), page.El("span", `class="note warn"`, say(T{"not trusted here", "ここでは信頼されていません"})))
}

// doubt says why an event shows nothing as done; false: it does.
func (r *rep) doubt(i int) (page.Node, bool) {
	e := &r.Events[i]
	if !r.vouched(e.Seq) || r.Verified != nil && e.Actor == "device:"+r.Verified.Device && !r.deviceTrusted() {
		return say(T{"signed by somebody who is not trusted here", "ここで信頼されていない者の署名"}), true
	}
	for j := i + 1; j < len(r.Events); j++ {
		if c := &r.Events[j]; c.Event == "corrected" && slices.Contains(c.Ref, e.Seq) && r.vouched(c.Seq) {
			return say(T{"taken back or corrected later (No. %1)", "後に訂正(番号 %1)"}, count(int64(c.Seq))), true
		}
	}
	switch {
	case r.Verified != nil && slices.ContainsFunc(r.Verified.Gaps, func(g packager.Gap) bool { return g.Seq == e.Seq && g.Grade == packager.GradeGap }):
		return say(T{"does not fit the rest of the log (section 2)", "保管記録の他の記載と合いません(第 2 章)"}), true
	case r.otherBytes(i):
		return say(T{"tells of other bytes than these", "別のバイト列についての記載です"}), true
	case e.Event == "isolated" && e.Fact("verified") == "false":
		return say(T{"whether it worked was not verified", "隔離の成否は確認されていません"}), true
	}
	return nil, false
}

// otherBytes says whether a copy, or what was received, is of other bytes than the file then was.
func (r *rep) otherBytes(i int) bool {
	e := &r.Events[i]
	if e.Event != "copied" && e.Event != "received" || e.Object.SHA256 == "" {
		return false
	}
	o, known := custody.Stored(r.Events[:i])
	return known && o.SHA256 != e.Object.SHA256
}

// stepOf is ticked by the first event of a name that shows it; of others it says what they are.
func (r *rep) stepOf(what, hint T, names ...string) step {
	s := step{what: what, hint: hint}
	for i := range r.Events {
		e := &r.Events[i]
		if !slices.Contains(names, stepName(e)) {
			continue
		}
		why, doubted := r.doubt(i)
		switch {
		case !doubted:
			s.done, s.at, s.by = true, r.doneAt(e), r.people(e)
			return s
		case s.at == nil:
			s.at, s.by = r.doneAt(e), r.only(e, why)
		}
	}
	return s
}

// stepName is what an event did. What the service sent to a place that gives no receipt, it says
// as released by the device, with what shows that it is there: that hands nothing to anybody.
func stepName(e *packager.Event) string {
	if e.Event == "released" && strings.HasPrefix(e.Actor, "device:") && e.Fact("proof") != "" {
		return "delivered"
	}
	return e.Event
}

// handedOver is ticked where it was released, and received by whom it was released to: each by
// their own signature.
func (r *rep) handedOver() step {
	s := step{what: T{"Handed over", "引渡し"}, hint: T{"Both sign (section 14).", "双方が署名(第 14 章)。"}}
	for i := range r.Events {
		e := &r.Events[i]
		if stepName(e) != "released" {
			continue
		}
		if why, doubted := r.doubt(i); doubted {
			if s.at == nil {
				s.at, s.by = r.doneAt(e), r.only(e, why)
			}
			continue
		}
		if got := r.receivedOf(i); got != nil {
			s.done, s.at, s.by = true, r.doneAt(got), r.people(got)
			return s
		}
		s.at, s.by = r.doneAt(e), r.only(e, say(T{"released, not received yet by whom it was released to", "引渡し済み、受領は未確認"}))
	}
	return s
}

// receivedOf is the event by which what was released was received by whom it was released to.
func (r *rep) receivedOf(i int) *packager.Event {
	given := &r.Events[i]
	for j := i + 1; j < len(r.Events); j++ {
		got := &r.Events[j]
		if got.Event != "received" || !slices.Contains(got.Ref, given.Seq) || packager.ValidPrincipal(given.Counterpart) && got.Actor != given.Counterpart {
			continue
		}
		if _, doubted := r.doubt(j); !doubted {
			return got
		}
	}
	return nil
}

func (r *rep) people(e *packager.Event) page.Node {
	return page.Host(strings.Join(present(e.Actor, e.Operator, e.Counterpart), " · "), 120)
}

// only shows who said what ticks nothing, and why.
func (r *rep) only(e *packager.Event, why page.Node) page.Node {
	return page.All(r.people(e), page.El("div", `class="note warn"`, eventWord(e.Event), page.Text(": "), why))
}

// doneAt is when something was done: as people say, or when it was signed.
func (r *rep) doneAt(e *packager.Event) page.Node {
	at := e.Fact("at")
	switch {
	case at == "":
		return r.moment(e.Time.Wall)
	case model.When(at).IsZero():
		return page.All(quoted(at), page.El("div", `class="note"`, say(T{"signed %1", "署名 %1"}, r.moment(e.Time.Wall))))
	}
	return r.moment(at)
}

// quoted shows a text that stands where something else should, such as a time.
func quoted(s string) page.Node { return say(T{"“%1”", "「%1」"}, page.Host(s, 60)) }
