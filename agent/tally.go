package main

import (
	"strings"
	"sync"

	"hozen/collector/memory/ram"
	"hozen/packager/evidence"
)

// shortfallsKept bounds how many shortfalls are remembered by name, of those that
// rights alone were missing for, and of all others; the archive holds them all.
const shortfallsKept = 1000

// tally counts what came of the items. The archive tells it each record.
type tally struct {
	mu         sync.Mutex
	count      [evidence.Failed + 1]int64
	items      int64
	bytes      int64
	short      int64 // shortfalls
	refused    int64 // those of them that were denied and nothing else
	shortfalls []evidence.Record
	source     string // what was read last
	by         map[string]counts
	imaged     bool // an image of RAM was taken, or a part of one
	noDriver   bool // there is no image of RAM, for want of a driver that gives it
}

// counts is a moment of the tally.
type counts struct {
	items, bytes, short, refused int64
	source                       string
}

func (t *tally) observe(r evidence.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.items++
	t.bytes += r.Size
	t.count[r.Outcome]++
	t.source = r.Source
	own := t.by[r.Collector]
	own.items++
	own.bytes += r.Size
	if r.Shortfall {
		own.short++
	}
	if t.by == nil {
		t.by = map[string]counts{}
	}
	t.by[r.Collector] = own
	t.imaged = t.imaged || r.Path == "memory/ram.lime" && r.Size > 0
	t.noDriver = t.noDriver || r.Path == "memory/ram.lime" && r.Source == ram.Driver && r.Outcome == evidence.Failed && r.Size == 0
	if !r.Shortfall {
		return
	}
	t.short++
	rights := onlyDenied(r)
	if rights {
		t.refused++
	}
	if rights && t.refused <= shortfallsKept || !rights && t.short-t.refused <= shortfallsKept {
		r.File = nil
		t.shortfalls = append(t.shortfalls, r)
	}
}

// ramTaken says whether there is an image of RAM, or a part of one.
func (t *tally) ramTaken() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.imaged
}

// withoutDriver says whether there is no image of RAM because no driver gives it.
func (t *tally) withoutDriver() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.noDriver
}

func (t *tally) now() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return counts{t.items, t.bytes, t.short, t.refused, t.source}
}

// of counts the items, bytes and shortfalls of one collector.
func (t *tally) of(collector string) counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.by[collector]
}

// outcomes gives the number of records of each outcome by its word.
func (t *tally) outcomes() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := map[string]int64{}
	for _, o := range evidence.Outcomes() {
		m[o.String()] = t.count[o]
	}
	return m
}

// onlyDenied says whether rights alone were missing: another attempt as root
// helps, another attempt as the same user does not. A partial item says so in its
// note, which evidence.Tally writes: "3 denied (first: …)", with what was cut
// before it and what failed after it.
func onlyDenied(r evidence.Record) bool {
	if r.Outcome == evidence.Denied {
		return true
	}
	if r.Outcome != evidence.Partial {
		return false
	}
	n := strings.TrimLeft(r.Note, "0123456789")
	return n != r.Note && strings.HasPrefix(n, " denied (first: ") && !failedPart(n)
}

// failedPart finds the part "; N failed (first: " of a tally's note.
func failedPart(note string) bool {
	before, _, ok := strings.Cut(note, " failed (first: ")
	return ok && strings.TrimRight(before, "0123456789") != before
}
