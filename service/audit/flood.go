package audit

import (
	"fmt"
	"time"

	"hozen/packager/signed"
)

// What anybody can make us write who reaches us without a key: refusals. Each has its own
// line up to refusalsAnHour in an hour; the others are counted, and a line at the end of
// the hour says how many there were, with a hash over their digests, in order, and the
// first and last of them. A log of largeLog bytes gets no more lines of single refusals
// and one such line a day. A flood that never ends so fills at most largeLog bytes (in
// three weeks), and then about a kilobyte a day. What was counted and not yet written is
// lost in a crash.
const (
	refusalsAnHour = 60
	hour           = time.Hour
	day            = 24 * time.Hour
	largeLog       = 64 << 20
)

// A flood counts refusals.
type flood struct {
	since       time.Time // when this hour began
	lines       int       // of its own in this hour
	left        int64     // that have none
	first, last string    // digests of these
	chain       string    // SHA-256 over the one before and the next digest
}

// admit says whether a refusal gets a line of its own, and counts it.
func (f *flood) admit(e Entry, now time.Time, size int64) bool {
	if past := now.Sub(f.since); f.left == 0 && (past >= hour || past < 0) {
		f.since, f.lines = now, 0
	}
	if f.lines < refusalsAnHour && size < largeLog {
		f.lines++
		return true
	}
	digest := harmless(e.Digest, maxWord)
	if f.left == 0 {
		f.first = digest
	}
	f.left, f.last, f.chain = f.left+1, digest, signed.HexSum([]byte(f.chain+digest))
	return false
}

// due is the entry about those that were only counted, when it is time for it.
func (f *flood) due(now time.Time, size int64) *Entry {
	every := hour
	if size >= largeLog {
		every = day
	}
	if past := now.Sub(f.since); past >= 0 && past < every {
		return nil
	}
	return f.summary()
}

func (f *flood) summary() *Entry {
	if f.left == 0 {
		return nil
	}
	return &Entry{Event: LeftOut, Text: fmt.Sprintf("%d refusals have no line of their own", f.left), Detail: []Detail{
		{"count", fmt.Sprint(f.left)}, {"since", signed.Wall(f.since)}, {"first", f.first}, {"last", f.last}, {"chain", f.chain},
	}}
}

// told begins to count anew.
func (f *flood) told() { *f = flood{} }
