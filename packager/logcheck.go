package packager

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

// readLog parses a custody log and checks each line by itself and the chain: one
// JSON object a line in its one encoding, signed by the key that it names, with
// the hash of the line before. A last line without its newline was being written
// when the power went: it is not counted, and cut says so.
func readLog(b []byte) (events []Event, cut bool, err error) {
	if len(b) > maxLog {
		return nil, false, fmt.Errorf("custody log of %d bytes: over %d", len(b), maxLog)
	}
	prev := ""
	for n := 1; len(b) > 0; n++ {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			return events, true, nil
		}
		e, err := readEvent(line)
		if err != nil {
			return events, false, fmt.Errorf("custody log, line %d: %w", n, err)
		}
		if e.Seq != n || e.Prev != prev {
			return events, false, fmt.Errorf("custody log, line %d: event %d does not follow the line before it", n, e.Seq)
		}
		events, prev, b = append(events, e), hexSum(line), rest
	}
	return events, false, nil
}

func readEvent(line []byte) (e Event, err error) {
	if len(line) > maxLogLine {
		return e, fmt.Errorf("%d bytes: over %d", len(line), maxLogLine)
	}
	var l logLine
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return e, err
	}
	if again, err := encodeStatement(l); err != nil || !bytes.Equal(again, append(line[:len(line):len(line)], '\n')) {
		return e, fmt.Errorf("not in the canonical encoding")
	}
	if err := decodeStatement([]byte(l.Payload), &e); err != nil {
		return e, err
	}
	if e.Type != typeEvent {
		return e, fmt.Errorf("type %q", e.Type)
	}
	key, err := parsePublic(e.Key)
	if err != nil {
		return e, err
	}
	return e, checkSignature(key, nsEvent, []byte(l.Payload), []byte(l.Sig))
}

// log holds the custody log against the archive.
func (v *verification) log() error {
	if v.o.Log == nil {
		return nil
	}
	fail := func(format string, a ...any) {
		v.bad = true
		v.rep.finding(format, a...)
		v.rep.Axes.Custody = "contradicted"
	}
	events, cut, err := readLog(v.o.Log)
	v.rep.Events = events
	v.rep.Axes.Custody = fmt.Sprintf("%d events", len(events))
	if cut {
		v.rep.note("the last line of the custody log was not written whole; it is not counted")
	}
	switch {
	case err != nil:
		fail("%v", err)
		return nil
	case len(events) == 0 && v.rep.Checkpoint == 0:
		// A crash before the first event, or nothing of ours: there is nothing to contradict.
		v.rep.note("the custody log is empty")
		return nil
	case len(events) == 0:
		fail("the custody log is empty")
		return nil
	case v.rep.Checkpoint == 0:
		return v.logAlone(events, fail)
	}
	chain := logChain{v: v, next: v.rep.Genesis.FirstKey}
	for i := range events {
		if err := chain.event(&events[i]); err != nil {
			if evidenceProblem(err) {
				fail("custody log, event %d (%s): %v", i+1, events[i].Event, err)
				return nil
			}
			return err
		}
	}
	if v.sealed && !chain.sealed {
		v.rep.note("the custody log ends before the archive was sealed: its newest events are missing")
	}
	return nil
}

// logAlone: nothing in the archive is authentic. A log that saw a checkpoint
// then contradicts the archive.
func (v *verification) logAlone(events []Event, fail func(string, ...any)) error {
	for _, e := range events {
		if e.Event == eventCheckpoint || e.Event == eventSealed {
			fail("TRUNCATED: the custody log saw %d authentic bytes (event %q), the archive has none", e.Object.Bytes, e.Event)
			return nil
		}
	}
	return nil
}

// A logChain follows the events of one archive.
type logChain struct {
	v      *verification
	next   string // the session key announced for the next checkpoint
	k      int
	seen   int
	sealed bool
}

func (c *logChain) event(e *Event) error {
	c.seen++
	if e.Collection != c.v.rep.Collection {
		return contradiction("of collection %q", e.Collection)
	}
	if (e.Event == eventStarted) != (c.seen == 1) && !(e.Event == eventRecovered && c.seen == 1) {
		return contradiction("the log must begin with %q (or %q, where the first was lost), and have it once", eventStarted, eventRecovered)
	}
	switch e.Event {
	case eventStarted:
		if e.Fact("genesis") != c.v.c.genesis || e.Key != c.v.rep.Genesis.DeviceKey || e.Fact("first_key") != c.next {
			return contradiction("the genesis statement, its key or the first session key differ from the archive's")
		}
		return nil
	case eventCheckpoint:
		return c.checkpoint(e)
	case eventSealed:
		return c.seal(e)
	case eventRecovered:
		return c.recovered(e)
	}
	if err := c.believed(e); err != nil {
		c.v.unknown = true
		c.v.rep.finding("custody log, event %d (%s): %v", e.Seq, e.Event, err)
	}
	return nil
}

// believed says why the auditor does not believe who signed an event; nil if he does.
func (c *logChain) believed(e *Event) error {
	key, err := parsePublic(e.Key)
	if err != nil {
		return err
	}
	if slices.Contains(c.v.o.Fingerprints, ssh.FingerprintSHA256(key)) {
		return nil
	}
	return c.v.o.Trust.check(e.Actor, e.Key, nsEvent, eventTime(e))
}

func eventTime(e *Event) time.Time {
	t, err := time.Parse(time.RFC3339Nano, e.Time.Wall)
	if err != nil {
		return time.Time{}
	}
	return t
}

func (c *logChain) checkpoint(e *Event) error {
	k, err := strconv.Atoi(e.Fact("checkpoint"))
	if err != nil || k != c.k+1 || e.Key != c.next || c.sealed {
		return contradiction("checkpoint %q does not follow checkpoint %d", e.Fact("checkpoint"), c.k)
	}
	c.k, c.next = k, e.Fact("next_key")
	if k > c.v.rep.Checkpoint {
		return contradiction("TRUNCATED: the log saw checkpoint %d with %d bytes, the archive is authentic up to checkpoint %d with %d",
			k, e.Object.Bytes, c.v.rep.Checkpoint, c.v.rep.AuthenticBytes)
	}
	have := c.v.c.sums[k]
	if e.Object.Bytes != have.Bytes || e.Object.SHA256 != have.SHA256 || e.Fact("statement") != c.v.c.statement[k] || e.Key != c.v.c.keys[k] {
		return contradiction("checkpoint %d in the log is not checkpoint %d of the archive", k, k)
	}
	return nil
}

func (c *logChain) seal(e *Event) error {
	if c.sealed || e.Key != c.v.rep.Genesis.DeviceKey {
		return contradiction("sealed twice, or not by the device key")
	}
	c.sealed = true
	if !c.v.sealed || c.v.whole.Bytes < e.Object.Bytes {
		return contradiction("TRUNCATED: the log saw the sealed archive with %d bytes", e.Object.Bytes)
	}
	if e.Object.Bytes != c.v.whole.Bytes || e.Object.SHA256 != c.v.whole.SHA256 || e.Fact("seal") != c.v.rep.Head {
		return contradiction("the sealed archive in the log is not this one")
	}
	c.v.rep.Axes.Anchors = append(c.v.rep.Axes.Anchors, "custody log, if this copy of it was kept elsewhere")
	return nil
}

// recovered is the event of somebody who found the archive unsealed: it fixes
// the bytes as they were found.
func (c *logChain) recovered(e *Event) error {
	if e.Object.Bytes > c.v.size {
		return contradiction("TRUNCATED: when it was recovered the archive had %d bytes, now %d", e.Object.Bytes, c.v.size)
	}
	sum, err := c.v.sumOf(e.Object.Bytes)
	if err != nil {
		return err
	}
	if sum != e.Object.SHA256 || e.Object.Bytes != c.v.size {
		return contradiction("the archive is not as it was when it was recovered")
	}
	what := "incomplete, and said to be so by the custody log"
	if c.v.sealed {
		what = "sealed already, not yet renamed"
	}
	c.v.rep.note("recovered at %s by %s: %s", e.Time.Wall, e.Actor, what)
	if e.Key != c.v.rep.Genesis.DeviceKey {
		// A note only: what a stranger says of the bytes as he found them takes nothing
		// from what the device signed before.
		if err := c.believed(e); err != nil {
			c.v.rep.note("who recovered it is not trusted: %v", err)
		}
	}
	return nil
}

// sumOf hashes the first n bytes of the file.
func (v *verification) sumOf(n int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(v.r, 0, n)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
