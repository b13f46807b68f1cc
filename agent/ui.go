package main

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/memory"
)

// Steps without an estimate of their own are taken to last this long.
const usualStep = 300 * time.Millisecond

// progress tells the responder how a collection goes: lines that stay, a live
// line on a terminal, events for programs. It is a collector.Watcher.
type progress struct {
	a      *app
	screen *screen
	events *eventWriter
	tally  *tally
	plan   *collector.Plan
	host   *collector.Host
	// inMemory says that the output is lost at power-off, too.
	inMemory bool
	// unlocked are disks that lock at power-off.
	unlocked []string
	// suspects has the indicators that were found; nil where none are looked for.
	suspects *memory.Suspects

	mu       sync.Mutex
	n, m     int
	step     collector.Step
	began    time.Time
	working  bool
	left     time.Duration // estimate for the steps after this one
	safe     int           // the checkpoint behind which volatile state is safe; 0 if it is not
	warnings []warning
	told     []string // what was said then
	beside   []running
	done     chan struct{}
	stopped  sync.WaitGroup
}

// running is a step that runs beside the others.
type running struct {
	n     int
	step  collector.Step
	began time.Time
}

// start begins to draw the live line (or, where there is none, to say every ten
// seconds that a long step goes on).
func (p *progress) start() {
	p.done = make(chan struct{})
	every := 100 * time.Millisecond
	if !p.screen.live {
		every = 10 * time.Second
	}
	p.stopped.Go(func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-p.done:
				return
			case <-t.C:
				p.tick()
			}
		}
	})
}

func (p *progress) stop() {
	close(p.done)
	p.stopped.Wait()
	p.screen.draw("")
}

func (p *progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.working {
		return
	}
	took := time.Since(p.began)
	if p.screen.live {
		p.screen.draw(p.liveLine(took))
		return
	}
	if took > 10*time.Second {
		now := p.tally.of(p.step.Collector.Name)
		p.screen.line(p.a.text(mStillReading, p.n, p.m, p.step.Collector.Name, secondsText(took), p.a.itemsText(now.items), bytesText(now.bytes)))
	}
}

func (p *progress) liveLine(took time.Duration) string {
	now := p.tally.of(p.step.Collector.Name)
	caution := p.a.text(mDoNotSwitchOff) + " "
	if p.safe > 0 || !p.host.Live {
		caution = ""
	}
	// This step is part of what is left; one that takes longer than was thought
	// is always about to end.
	left := p.left + max(estimate(p.step)-took, time.Second)
	return caution + p.a.text(mLive, p.n, p.m, p.step.Collector.Name, took.Seconds(),
		p.a.itemsText(now.items), bytesText(now.bytes), p.leftText(left))
}

// StepBegan implements collector.Watcher.
func (p *progress) StepBegan(n, m int, s collector.Step) {
	if !s.Collector.Volatility.Volatile() {
		debug.SetMemoryLimit(diskMemoryLimit)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.m, p.step, p.began, p.working = n, m, s, time.Now(), true
	p.left = 0
	for _, later := range p.plan.Running()[min(n, len(p.plan.Running())):] {
		p.left += estimate(later)
	}
	p.events.send(event{Event: "step_began", Step: n, Steps: m, Collector: s.Collector.Name})
	p.screen.draw(p.liveLine(0))
}

// StepBeside implements collector.Watcher.
func (p *progress) StepBeside(n, m int, s collector.Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events.send(event{Event: "step_beside", Step: n, Steps: m, Collector: s.Collector.Name})
	p.beside = append(p.beside, running{n, s, time.Now()})
	p.screen.line(p.a.text(mStepBeside, pad(fmt.Sprintf("[%d/%d]", n, m), len(fmt.Sprintf("[%d/%d]", m, m))), pad(s.Collector.Name, 10), p.a.docOf(s.Collector)))
}

// StepEnded implements collector.Watcher.
func (p *progress) StepEnded(n, m int, s collector.Step, took time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.working = false
	now := p.tally.of(s.Collector.Name)
	items, bytes, short := now.items, now.bytes, now.short
	ms, left := took.Milliseconds(), p.left.Milliseconds()
	p.events.send(event{Event: "step_ended", Step: n, Steps: m, Collector: s.Collector.Name,
		TookMS: &ms, LeftMS: &left, Items: items, Bytes: bytes, Shortfalls: short})
	if err != nil {
		return // said by whoever gets it
	}
	end := p.a.text(mStepEnd, p.a.itemsText(items), bytesText(bytes))
	if short > 0 {
		end += p.a.text(mStepShort, countText(short))
	}
	if i := slices.IndexFunc(p.beside, func(b running) bool { return b.n == n }); i >= 0 {
		p.beside = slices.Delete(p.beside, i, i+1)
	} else if n < m {
		end += separator + p.leftText(p.left)
	}
	p.screen.draw("")
	p.screen.line(p.screen.fit(p.a.text(mStep, pad(fmt.Sprintf("[%d/%d]", n, m), len(fmt.Sprintf("[%d/%d]", m, m))), pad(s.Collector.Name, 10), pad(secondsText(took), 7)), p.a.docOf(s.Collector), end))
	if len(p.beside) > 0 && n == m { // only that is waited for
		b := p.beside[0]
		p.n, p.step, p.began, p.left, p.working = b.n, b.step, b.began, 0, true
	}
}

func (p *progress) leftText(d time.Duration) string { return p.a.text(mLeft, p.a.roughly(d)) }

// VolatileSafe implements collector.Watcher.
func (p *progress) VolatileSafe(k int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.safe = k
	if !p.host.Live {
		return // nothing of a dead machine's files is lost at power-off
	}
	word, lines := p.safety(k, p.tally.now())
	p.told = lines
	p.screen.line("")
	for _, text := range lines {
		p.say(word, k, text)
		word = "incomplete"
	}
	if names, left := p.stillToCome(); len(names) > 0 {
		p.screen.line(p.a.text(mStillToCome, strings.Join(names, ", "), p.a.roughly(left)))
	}
	for _, b := range p.beside {
		left := max(estimate(b.step)-time.Since(b.began), time.Second)
		p.screen.line(p.a.text(mStillBeside, b.step.Collector.Name, p.a.roughly(left)))
	}
	p.screen.line("")
}

// stillToCome names the steps that follow the volatile ones, with their estimate.
func (p *progress) stillToCome() (names []string, left time.Duration) {
	for _, s := range p.plan.Running() {
		if !s.Collector.Volatility.Volatile() {
			names, left = append(names, s.Collector.Name), left+estimate(s)
		}
	}
	return names, left
}

// safety says whether the machine may be switched off now that everything
// volatile that was planned is behind checkpoint k; for programs in a word, for
// people in lines. It says yes only if nothing speaks against it.
func (p *progress) safety(k int, now counts) (word string, lines []string) {
	a, onlyRights := p.a, now.short == now.refused
	switch left := a.leftOut(p.plan); {
	case p.inMemory:
		word, lines = "output_in_memory", []string{a.text(mSafeInMemory, k)}
	case len(left) > 0 && !onlyRights:
		return "incomplete", []string{a.text(mChosenShort, k, countText(now.short), strings.Join(left, ", "))}
	case len(left) > 0:
		word, lines = "incomplete", []string{a.text(mSafeChosen, k, strings.Join(left, ", "))}
	case !onlyRights:
		return "incomplete", []string{a.text(mSafeShort, k, countText(now.short))}
	case len(p.unlocked) > 0:
		word, lines = unlockedDisk, []string{a.text(mSafeLocks, k, strings.Join(p.unlocked, ", "))}
	case p.high() > 0:
		word, lines = "volatile_safe", []string{a.text(mSafeHigh, k)}
	default:
		word, lines = "volatile_safe", []string{a.text(mSafe, k)}
	}
	switch {
	case now.short == 0:
	case !onlyRights:
		lines = append(lines, a.text(mAlsoShort, countText(now.short)))
	case p.host.Elevated:
		lines = append(lines, a.text(mSafeRefused, countText(now.short)))
	default:
		lines = append(lines, a.text(mSafeDenied, countText(now.short)))
	}
	return word, lines
}

// high is how many indicators of the highest level there are.
func (p *progress) high() int {
	if p.suspects == nil {
		return 0
	}
	n, _ := p.suspects.Count(memory.High)
	return n
}

// leftOut names the volatile collectors that the plan does not run, but those that
// nobody asked for, and on Windows those that have nothing there.
func (a *app) leftOut(p *collector.Plan) (names []string) {
	for _, s := range p.Steps {
		if name := s.Collector.Name; a.system == "windows" && (name == "containers" || name == "temporary") {
			continue
		}
		if s.Skip != "" && !s.NotAsked() && s.Collector.Volatility.Volatile() {
			names = append(names, s.Collector.Name)
		}
	}
	return names
}

// say writes a line that stays, and the event for it.
func (p *progress) say(name string, checkpoint int, text string) {
	p.events.send(event{Event: name, Checkpoint: checkpoint, Text: text})
	p.screen.line(text)
}

// warning is a word for programs and a text for people.
type warning struct {
	Word string `json:"word"`
	Text string `json:"text"`
}

// warn says something loudly.
func (p *progress) warn(word, text string) {
	p.warnings = append(p.warnings, warning{word, text})
	p.events.send(event{Event: "warning", Warning: word, Text: text})
	p.screen.loud(p.a.text(mWarning, text))
}

// roughly writes an estimate: nobody needs its tenths.
func (a *app) roughly(d time.Duration) string {
	switch {
	case d <= 0:
		return a.text(mNothing)
	case d < time.Second:
		return a.text(mUnderSecond)
	case d < 90*time.Second:
		return a.text(mSeconds, int(d.Round(time.Second).Seconds()))
	}
	return a.text(mMinutes, int(d.Round(time.Minute).Minutes()))
}

// itemsText counts items in words.
func (a *app) itemsText(n int64) string {
	if n == 1 {
		return a.text(mItem)
	}
	return a.text(mItems, countText(n))
}

// docOf says what a collector takes, in the language of the run.
func (a *app) docOf(c collector.Collector) string {
	if a.lang == japanese {
		if doc, ok := docsJapaneseOnWindows(c.Name); ok && a.system == "windows" {
			return doc
		}
		if doc, ok := docsJapanese(c.Name); ok {
			return doc
		}
	}
	return c.Doc
}
