package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/memory"
	"hozen/packager"
	"hozen/packager/evidence"
)

// summary is the result of a collection: what the responder writes down, and
// what `collect --json` ends with.
type summary struct {
	Verdict     string           `json:"verdict"`      // of our own read-back, which knows our own fingerprint
	ForAuditors string           `json:"for_auditors"` // what verify says to somebody who does not
	Findings    []string         `json:"findings,omitempty"`
	Exit        int              `json:"exit"`
	Collection  string           `json:"collection"`
	Archive     string           `json:"archive"`
	Log         string           `json:"custody_log"`
	Bytes       int64            `json:"bytes"`
	SHA256      string           `json:"sha256"`
	Head        string           `json:"head"`
	Device      string           `json:"device"`
	Fingerprint string           `json:"fingerprint"`
	Throwaway   bool             `json:"throwaway_key"`
	Stopped     string           `json:"stopped,omitempty"`
	Warnings    []warning        `json:"warnings"`
	SafeAt      int              `json:"volatile_safe_checkpoint"` // 0: not all volatile steps were finished
	Checkpoints int              `json:"checkpoints"`
	TookMS      int64            `json:"took_ms"`
	Members     int64            `json:"members"`
	Payload     int64            `json:"payload_bytes"`
	Outcomes    map[string]int64 `json:"outcomes"`
	// Indicators counts the rows of memory/indicators.jsonl by level; left out where they were not looked for.
	Indicators map[string]int `json:"indicators,omitempty"`
	IOCHits    *int           `json:"ioc_hits,omitempty"` // in memory/ioc.jsonl; left out without --ioc
	Shortfalls int64          `json:"shortfalls"`
	Short      []shortfall    `json:"short"`
	// Blackouts are when private keys were out of memory, and whether wholly.
	Blackouts []packager.Blackout `json:"blackouts,omitempty"`
	TimeStamp *stamped            `json:"time_stamp,omitempty"` // left out without --tsa
	// Delivery is what became of --to; left out without it.
	Delivery *delivery `json:"delivery,omitempty"`
}

type shortfall struct {
	Path      string `json:"path"`
	Collector string `json:"collector"`
	Outcome   string `json:"outcome"`
	Note      string `json:"note"`
	denied    bool   // rights alone were missing
}

// finish reads the archive back, prints the summary and gives the exit code.
func (c *collection) finish(sealed packager.Sealed) error {
	s := c.summarise(sealed)
	c.result = &s
	if err := c.lookAgain(&s); err != nil {
		return fail(fmt.Errorf("reading back %s: %w", s.Archive, err), c.a.text(mHintReadBack))
	}
	c.ui.screen.draw("")
	c.ui.events.send(event{Event: "result", Collection: c.name, Result: &s})
	if !c.o.json {
		c.showCode(s) // first, so that the words are what stays on the screen
		if c.o.moments.print != nil {
			c.o.moments.print(c.a.stdout, s)
		} else {
			c.print(c.a.stdout, s)
		}
	}
	return silent(s.Exit)
}

func (c *collection) summarise(sealed packager.Sealed) summary {
	fingerprint, _ := c.device.Fingerprint() // the key has signed: it has one
	s := summary{
		Collection: c.name, Archive: filepath.Join(c.o.out, sealed.Name), Log: filepath.Join(c.o.out, packager.LogName(c.name)),
		Bytes: sealed.Bytes, SHA256: sealed.SHA256, Head: sealed.Head, Device: c.device.Name, Fingerprint: fingerprint,
		Throwaway: c.device.Throwaway, Stopped: c.stopped, SafeAt: c.ui.safe, Checkpoints: sealed.Checkpoints,
		TookMS: c.a.now().Sub(c.began).Milliseconds(), Members: sealed.Members, Payload: sealed.Payload,
		Outcomes: c.tally.outcomes(), Shortfalls: c.tally.now().short, Short: []shortfall{}, Warnings: append([]warning{}, c.ui.warnings...),
		Blackouts: c.writer.Blackouts(), TimeStamp: c.stamped,
	}
	for _, r := range c.tally.shortfalls {
		s.Short = append(s.Short, shortfall{escape(r.Path), r.Collector, r.Outcome.String(), escape(r.Note), onlyDenied(r)})
	}
	s.Indicators = c.indicators()
	if c.ioc != nil {
		s.IOCHits = new(c.ioc.Hits())
	}
	if s.Shortfalls > 0 || s.Stopped != "" || sealed.CoSignErr != nil {
		s.Exit = exitShort
	}
	return s
}

// sayFiles tells what of the files and of the traffic should be looked at first.
func (c *collection) sayFiles(w io.Writer, s summary) {
	if n, ok := c.seen.Counts(); ok {
		fmt.Fprintln(w, c.a.text(mSumNotable, countText(int64(n[memory.High])), countText(int64(n[memory.Medium])), countText(int64(n[memory.Low])), c.showing(s, "disk/notable.jsonl")))
	}
	if c.tally.of("packets").bytes > 0 {
		fmt.Fprintln(w, c.a.text(mSumTraffic, c.showing(s, "network/remotes.jsonl")))
	}
}

// shownShortfalls is how many shortfalls a summary lists for people.
const shownShortfalls = 12

func (c *collection) print(w io.Writer, s summary) {
	a := c.a
	say := func(m message, args ...any) { fmt.Fprintln(w, a.text(m, args...)) }
	say(mSumVerdict, s.Verdict, s.Collection)
	for _, f := range s.Findings {
		fmt.Fprintln(w, "  "+escape(a.sentence(f)))
	}
	if s.Stopped != "" {
		say(mSumStopped, escape(a.sentence(s.Stopped)))
	}
	for _, text := range c.ui.told {
		fmt.Fprintln(w, text)
	}
	c.printBlackouts(w, s)
	if s.SafeAt == 0 && c.host.Live && c.volatilePlanned() {
		say(mSumNotSafe)
	}
	for _, warned := range s.Warnings {
		if warned.Word == unlockedDisk { // said before, but too dear to scroll away
			say(mWarning, warned.Text)
		}
	}
	fmt.Fprintln(w)
	say(mSumTaken, a.itemsText(s.Outcomes["collected"]), bytesText(s.Payload), secondsText(time.Duration(s.TookMS)*time.Millisecond), a.outcomesText(s.Outcomes))
	c.sayIndicators(w, s)
	c.sayHits(w, s)
	c.sayKnown(w, s)
	c.sayFiles(w, s)
	c.printShort(w, s)
	say(mSumFiles, escape(s.Archive), bytesText(s.Bytes), escape(s.Log))
	c.sayDelivery(w, s)
	c.sayStamp(w, s)
	fmt.Fprintln(w)
	say(mSumWriteDown)
	fmt.Fprintf(w, "  %s\n    %s\n  %s\n    %s\n", a.text(mHead), s.Head, a.text(mFingerprint), s.Fingerprint)
	fmt.Fprintln(w)
	c.sayNext(w, s)
	if s.ForAuditors != s.Verdict {
		say(mSumUntrusted, s.ForAuditors)
	}
}

// printBlackouts says whether our own keys can be in the image of memory.
func (c *collection) printBlackouts(w io.Writer, s summary) {
	if c.tally.withoutDriver() {
		fmt.Fprintln(w, c.a.text(mSumNoDriver))
	}
	for _, b := range s.Blackouts {
		if b.Left != "" {
			fmt.Fprintln(w, c.a.text(mKeyLeft, escape(b.KeyFile), escape(b.Left)))
		}
		if !c.tally.ramTaken() {
			continue // nothing of ours can be in an image that there is not
		}
		if b.Whole {
			fmt.Fprintln(w, c.a.text(mSumDark))
		} else {
			fmt.Fprintln(w, c.a.text(mSumNotDark, escape(strings.Join(b.Kept, "; "))))
		}
		if b.Output != "direct" {
			fmt.Fprintln(w, c.a.text(mSumCached, escape(b.Output)))
		}
	}
	if len(s.Blackouts) > 0 && c.o.key != "" && c.tally.ramTaken() {
		fmt.Fprintln(w, c.a.text(mSumRotate, escape(c.o.key)))
	}
}

func (c *collection) printShort(w io.Writer, s summary) {
	if s.Shortfalls == 0 {
		fmt.Fprintln(w, c.a.text(mSumAll))
		return
	}
	fmt.Fprintln(w, c.a.text(mSumShort, countText(s.Shortfalls)))
	list := gravestFirst(s.Short)
	shown := ofEachCause(list)
	for _, r := range shown {
		note, remedies := remedied(r.Note)
		note = c.a.sentence(note)
		line := fmt.Sprintf("  %s %s: %s", pad(c.a.outcomeText(r.Outcome), 9), r.Path, note)
		fmt.Fprintln(w, cutColumns(line, c.a.lineWidth()))
		for _, text := range remedies {
			fmt.Fprintln(w, "    "+text)
		}
	}
	if left := s.Shortfalls - int64(len(shown)); left > 0 {
		fmt.Fprintln(w, c.a.text(mSumMore, countText(left), c.readable(s)))
	}
}

// shownOfCause is how many shortfalls of one cause are listed for people: a limit
// that left out thousands of files must not hide what else is missing.
const shownOfCause = 3

// ofEachCause chooses what is listed: notes that differ in numbers and names alone
// are of one cause.
func ofEachCause(all []shortfall) (shown []shortfall) {
	count := map[string]int{}
	for _, r := range all {
		note, _, _ := strings.Cut(r.Note, ":")
		cause := r.Collector + r.Outcome + strings.Map(noDigit, note)
		if count[cause]++; count[cause] <= shownOfCause && len(shown) < shownShortfalls {
			shown = append(shown, r)
		}
	}
	return shown
}

func noDigit(r rune) rune {
	if r >= '0' && r <= '9' {
		return -1
	}
	return r
}

// remedied divides a note that lists causes with what helps against each, so that
// all of it is shown: "what failed: cause; remedy: what helps | cause; remedy: …".
func remedied(note string) (what string, lines []string) {
	what, list, ok := strings.Cut(note, ": ")
	if !ok || !strings.Contains(list, "; remedy: ") {
		return note, nil
	}
	for part := range strings.SplitSeq(list, " | ") {
		cause, remedy, _ := strings.Cut(part, "; remedy: ")
		lines = append(lines, cause, "  → "+remedy)
	}
	return what, lines
}

// gravestFirst puts what failed or was cut before what rights alone were missing
// for: an ordinary user is denied hundreds of items, and would never see the rest.
func gravestFirst(short []shortfall) []shortfall {
	var grave, denied []shortfall
	for _, s := range short {
		if s.denied {
			denied = append(denied, s)
		} else {
			grave = append(grave, s)
		}
	}
	return append(grave, denied...)
}

// lineWidth is how much of a long reason is shown: what fits on the terminal.
func (a *app) lineWidth() int {
	if a.outTerminal {
		return max(60, a.width()-1)
	}
	return 200
}

func (c *collection) volatilePlanned() bool {
	return slices.ContainsFunc(c.plan.Steps, func(s collector.Step) bool {
		return s.Skip == "" && s.Collector.Volatility.Volatile()
	})
}

// outcomesText says how many items were not plainly collected.
func (a *app) outcomesText(count map[string]int64) string {
	text := ""
	for _, o := range evidence.Outcomes() {
		if n := count[o.String()]; n > 0 && o != evidence.Collected {
			text += separator + a.text(mCountOf, countText(n), a.outcomeText(o.String()))
		}
	}
	return text
}

func (a *app) outcomeText(word string) string {
	var o evidence.Outcome
	if o.UnmarshalText([]byte(word)) != nil {
		return word
	}
	return a.text([...]message{
		evidence.Collected: mCollected, evidence.Partial: mPartial, evidence.Absent: mAbsent,
		evidence.Denied: mDenied, evidence.Skipped: mSkipped, evidence.Failed: mFailed,
	}[o])
}
