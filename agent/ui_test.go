package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/memory"
	"hozen/collector/volatile"
	"hozen/packager/evidence"
)

// The one sentence that may cost evidence: it is said when nothing speaks
// against it, and never otherwise.
func TestSwitchOffOnlyWhenSafe(t *testing.T) {
	const may = "may be switched off"
	all := &collector.Plan{Steps: []collector.Step{{Collector: collector.Collector{Name: "a"}}}}
	some := &collector.Plan{Steps: append([]collector.Step{{Collector: collector.Collector{Name: "b"}, Skip: "left out by --skip"}}, all.Steps...)}
	for _, c := range []struct {
		name     string
		plan     *collector.Plan
		inMemory bool
		root     bool
		now      counts
		may      bool
		want     string
	}{
		{"all taken", all, false, true, counts{}, true, ""},
		{"denied to a user", all, false, false, counts{short: 2, refused: 2}, true, "sudo"},
		{"denied to root", all, false, true, counts{short: 2, refused: 2}, true, "even root"},
		{"cut", all, false, true, counts{short: 2, refused: 1}, false, "NOT COMPLETE"},
		{"left out", some, false, true, counts{}, false, "NOT taken, and lost at power-off: b"},
		{"left out and cut", some, false, true, counts{short: 1}, false, "cut short"},
		{"something high", all, false, true, counts{}, false, "Do not switch off yet"},
		{"a disk that locks", all, false, true, counts{}, false, "BEFORE SWITCHING OFF: luks-1 locks"},
		{"output in memory", all, true, true, counts{}, false, "DO NOT SWITCH OFF"},
	} {
		p := &progress{a: &app{}, plan: c.plan, inMemory: c.inMemory, host: &collector.Host{Live: true, Elevated: c.root}}
		if c.name == "a disk that locks" {
			p.unlocked = []string{"luks-1"}
		}
		if c.name == "something high" {
			p.suspects = &memory.Suspects{}
			p.suspects.Done([]memory.Indicator{{Level: memory.High}})
		}
		word, lines := p.safety(7, c.now)
		text := strings.Join(lines, "\n")
		if strings.Contains(text, may) != c.may || (word == "volatile_safe") != (c.may || p.suspects != nil) {
			t.Errorf("%s: %s %q", c.name, word, text)
		}
		if !strings.Contains(text, c.want) || !strings.Contains(text, "checkpoint 7") {
			t.Errorf("%s: %q", c.name, text)
		}
	}
}

// Whoever is denied much must still see what else is missing.
func TestWhatFailedIsNamedBeforeWhatWasDenied(t *testing.T) {
	var ta tally
	for i := range 3 * shortfallsKept {
		ta.observe(evidence.Record{Item: evidence.Item{Path: strconv.Itoa(i)}, Outcome: evidence.Denied, Shortfall: true})
	}
	ta.observe(evidence.Record{Item: evidence.Item{Path: "memory/ram.lime"}, Outcome: evidence.Failed, Shortfall: true, Note: "no source"})
	var short []shortfall
	for _, r := range ta.shortfalls {
		short = append(short, shortfall{Path: r.Path, denied: onlyDenied(r)})
	}
	var out bytes.Buffer
	c := &collection{a: &app{}}
	c.printShort(&out, summary{Short: short, Shortfalls: ta.now().short})
	if first := strings.Split(out.String(), "\n")[1]; !strings.Contains(first, "memory/ram.lime") || strings.Count(out.String(), "\n") != shownOfCause+2 {
		t.Errorf("%s", out.String())
	}
}

func TestDisksAreSpokenOf(t *testing.T) {
	a := &app{}
	sure := a.unlockedText(volatile.UnlockedDisk{Name: "root\x1b[2J", Kind: "luks2", Mounts: []string{"/", "/ho\nme"}, Sure: true})
	if !strings.Contains(sure, "LOCKS AT POWER-OFF") || !strings.Contains(sure, `root\x1b[2J (luks2)`) || !strings.Contains(sure, `(/, /ho\nme)`) {
		t.Errorf("%q", sure)
	}
	if text := a.unlockedText(volatile.UnlockedDisk{Name: "tank", Kind: "zfs"}); strings.Contains(text, "LOCKS") || !strings.Contains(text, "may be encrypted") {
		t.Errorf("%q", text)
	}
	for _, c := range []struct {
		place volatile.OutputPlace
		want  string
	}{
		{volatile.OutputPlace{Disk: "sda", OnExamined: true, FreeBytes: 1 << 40}, "output_on_host"},
		{volatile.OutputPlace{InMemory: true, FreeBytes: 1 << 40}, "output_in_memory"},
		{volatile.OutputPlace{Removable: true, FreeBytes: 1 << 40}, ""},
		{volatile.OutputPlace{Removable: true, FreeBytes: 1 << 10}, "little_room"},
		{volatile.OutputPlace{OnExamined: true, FreeBytes: 1 << 10}, "output_on_host little_room"},
		{volatile.OutputPlace{Removable: true}, "little_room"}, // full
	} {
		var words []string
		for _, w := range a.outputWarnings(c.place, true, 1<<20) {
			words = append(words, w.Word)
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.place, got, c.want)
		}
	}
}

// In a pipe, a step is one line; on a terminal, lines fit; for programs, events
// are JSON, one a line.
func TestProgress(t *testing.T) {
	step := collector.Step{Collector: collector.Collector{Name: "sockets", Doc: "every socket of every network namespace, with the processes that hold it"}}
	plan := &collector.Plan{Steps: []collector.Step{step, step}}
	for _, live := range []bool{false, true} {
		var errs, events bytes.Buffer
		p := &progress{a: &app{}, plan: plan, tally: &tally{}, host: &collector.Host{Live: true},
			screen: &screen{w: &errs, live: live, width: func() int { return 60 }},
			events: &eventWriter{w: &events, now: time.Now}}
		p.StepBegan(1, 2, step)
		p.tick()
		p.StepEnded(1, 2, step, 1500*time.Millisecond, nil)
		kept := lastDrawn(errs.String())
		if !strings.HasPrefix(kept, "[1/2] sockets") || !strings.Contains(kept, "1.50 s") || !strings.Contains(kept, "under 1 s left") {
			t.Errorf("live %v: %q", live, kept)
		}
		if live && columns(kept) > 60 || !live && strings.ContainsAny(errs.String(), "\r\x1b") {
			t.Errorf("live %v: %q", live, errs.String())
		}
		for line := range strings.Lines(events.String()) {
			var e event
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Collector != "sockets" || e.Steps != 2 {
				t.Errorf("event %q: %v", line, err)
			}
		}
	}
}

// lastDrawn gives the last line that stays.
func lastDrawn(out string) string {
	out = strings.TrimSuffix(out, "\n")
	out = out[strings.LastIndexByte(out, '\n')+1:]
	out = out[strings.LastIndexByte(out, '\r')+1:]
	return strings.TrimPrefix(out, "\x1b[K")
}

func TestRemediesAreShownWhole(t *testing.T) {
	what, lines := remedied("no source will do: open /a: refused (lockdown); remedy: reboot | open /b: absent; remedy: nothing")
	if want := []string{"open /a: refused (lockdown)", "  → reboot", "open /b: absent", "  → nothing"}; what != "no source will do" || !slices.Equal(lines, want) {
		t.Errorf("%q %q", what, lines)
	}
	if what, lines = remedied("open /x: permission denied"); what != "open /x: permission denied" || lines != nil {
		t.Errorf("%q %q", what, lines)
	}
}
