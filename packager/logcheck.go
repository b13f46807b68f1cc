package packager

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"hozen/packager/signed"
	"hozen/packager/text"
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
		events, prev, b = append(events, e), signed.HexSum(line), rest
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
	if again, err := signed.Encode(l); err != nil || !bytes.Equal(again, append(line[:len(line):len(line)], '\n')) {
		return e, fmt.Errorf("not in the canonical encoding")
	}
	if err := signed.Decode([]byte(l.Payload), &e); err != nil {
		return e, err
	}
	if e.Type != typeEvent {
		return e, fmt.Errorf("type %q", e.Type)
	}
	key, err := signed.ParsePublic(e.Key)
	if err != nil {
		return e, err
	}
	return e, signed.Check(key, signed.Event, []byte(l.Payload), []byte(l.Sig))
}

// events reads the custody log into the report.
func (v *verification) events() ([]Event, error) {
	events, cut, err := readLog(v.o.Log)
	v.rep.Events = events
	v.rep.Axes.Custody = fmt.Sprintf("%d events", len(events))
	if cut {
		v.rep.note("the last line of the custody log was not written whole; it is not counted")
	}
	return events, err
}

// contradicted says what in the custody log contradicts the archive, or itself.
func (v *verification) contradicted(format string, a ...any) {
	v.bad = true
	v.rep.finding(format, a...)
	v.rep.Axes.Custody = "contradicted"
}

// log holds the custody log against the archive.
func (v *verification) log(ctx context.Context) error {
	v.copies()
	if v.o.Log == nil {
		return nil
	}
	events, err := v.events()
	switch {
	case err != nil:
		v.contradicted("%v", err)
		return nil
	case len(events) == 0 && v.rep.Checkpoint == 0:
		// A crash before the first event, or nothing of ours: there is nothing to contradict.
		v.rep.note("the custody log is empty")
		return nil
	case len(events) == 0:
		v.contradicted("the custody log is empty")
		return nil
	case v.rep.Checkpoint == 0:
		v.logAlone(events)
		return nil
	}
	if err := v.hashRest(ctx); err != nil {
		return err
	}
	v.anew = v.encryptedAnew(events)
	chain := logChain{v: v, next: v.rep.Genesis.FirstKey}
	for i := range events {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := chain.event(&events[i]); err != nil {
			if evidenceProblem(err) {
				v.contradicted("custody log, event %d (%s): %v", i+1, text.Word(events[i].Event), err)
				return nil
			}
			return err
		}
		chain.remember(&events[i])
	}
	v.gaps(events)
	if v.sealed && !chain.sealed {
		v.rep.note("the custody log ends before the archive was sealed: its newest events are missing")
	}
	return nil
}

// logAlone: nothing in the archive is authentic. A log that saw a checkpoint
// then contradicts the archive.
func (v *verification) logAlone(events []Event) {
	for _, e := range events {
		if e.Event == eventCheckpoint || e.Event == eventSealed {
			v.contradicted("TRUNCATED: the custody log saw %d authentic bytes (event %q), the archive has none", e.Object.Bytes, e.Event)
			return
		}
	}
}

// A logChain follows the events of one archive.
type logChain struct {
	v      *verification
	next   string // the session key announced for the next checkpoint
	k      int
	seen   int
	sealed bool
	doubt  bool // of the event at hand: what it shows is not believed
}

// remember keeps which events are believed; of the checkpoints nobody asks.
func (c *logChain) remember(e *Event) {
	if e.Event != eventCheckpoint && e.Event != eventAttached && !c.doubt && c.believed(e) == nil {
		c.v.rep.Believed = append(c.v.rep.Believed, e.Seq)
	}
	c.doubt = false
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
		if e.Fact("genesis") != c.v.c.genesis || e.Key != c.v.rep.Genesis.DeviceKey || e.Fact("first_key") != c.next || e.Fact("job") != c.v.c.jobHash() {
			return contradiction("the genesis statement, its key, the first session key or the job differ from the archive's")
		}
		return nil
	case eventCheckpoint:
		return c.checkpoint(e)
	case eventSealed:
		return c.seal(e)
	case eventRecovered:
		return c.recovered(e)
	case eventReceipt:
		c.receipt(e)
	case eventTimestamped:
		if err := c.timestamped(e); err != nil {
			return err
		}
	case eventCountersigned:
		if err := c.countersigned(e); err != nil {
			return err
		}
	}
	c.otherBytes(e)
	if err := c.believed(e); err != nil {
		c.v.unknown = true
		c.v.rep.finding("custody log, event %d (%s): %v", e.Seq, text.Word(e.Event), err)
	}
	return nil
}

// otherBytes notes that an event tells of other bytes than these, as far as that can be
// seen without reading them again.
func (c *logChain) otherBytes(e *Event) {
	if n := c.v.anew; n != nil && e.Seq < n.Seq {
		return // it is about what these were made of
	}
	sum, known := c.v.sumAt(e.Object.Bytes)
	if e.Object.SHA256 != "" && !c.v.decrypted() && (e.Object.Bytes > c.v.file.size || known && e.Object.SHA256 != sum) {
		c.v.rep.note("custody log, event %d (%s): tells of other bytes than these", e.Seq, text.Word(e.Event))
	}
}

// believed says why the auditor does not believe who signed an event; nil if he does.
// The device of the collection is believed as far as the archive itself.
func (c *logChain) believed(e *Event) error {
	if d := c.v.deviceKey(); sameKey(e.Key, d.key) && e.Actor == "device:"+d.name {
		return nil
	}
	return c.v.believes(e.Actor, e.Key, eventTime(e), signed.Event)
}

// gaps says what of the events does not fit together. It changes no verdict: each of them
// is signed, and none of them is about what the archive's own signatures say.
func (v *verification) gaps(events []Event) {
	v.rep.Gaps = Gaps(events)
	for _, g := range v.rep.Gaps {
		if g.Grade != GradeNote || g.told {
			v.rep.note("custody log, event %d (%s): %s: %s", g.Seq, text.Word(g.Event), g.Grade, g.Text)
		}
	}
	v.rep.Axes.Custody = custodyAxis(events, v.rep.Gaps)
	if v.forked {
		v.rep.Axes.Custody = "contradicted"
	}
}

func eventTime(e *Event) time.Time { return parseWall(e.Time.Wall) }

// parseWall reads a time of a statement; what is none is the zero time.
func parseWall(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
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
	if !c.v.sameBytes(e, c.v.checkpointAt(k)) || e.Fact("statement") != c.v.c.statement[k] || e.Key != c.v.c.keys[k] {
		return contradiction("checkpoint %d in the log is not checkpoint %d of the archive", k, k)
	}
	return nil
}

func (c *logChain) seal(e *Event) error {
	if c.sealed || !sameKey(e.Key, c.v.deviceKey().key) {
		return contradiction("sealed twice, or not by the device key")
	}
	c.sealed = true
	if c.v.sealed {
		if err := c.operatorInLog(e); err != nil {
			return err
		}
	}
	whole := c.v.wholeFile()
	if !c.v.sealed || whole.Bytes < e.Object.Bytes && !c.v.otherFile() {
		return contradiction("TRUNCATED: the log saw the sealed archive with %d bytes", e.Object.Bytes)
	}
	if !c.v.sameBytes(e, whole) || e.Fact("seal") != c.v.rep.Head {
		return contradiction("the sealed archive in the log is not this one")
	}
	c.v.rep.Axes.Anchors = append(c.v.rep.Axes.Anchors, "custody log, if this copy of it was kept elsewhere")
	return nil
}

// recovered is the event of somebody who found the archive unsealed: it fixes
// the bytes as they were found.
func (c *logChain) recovered(e *Event) error {
	if c.v.otherFile() {
		return nil
	}
	if e.Object.Bytes > c.v.file.size {
		return contradiction("TRUNCATED: when it was recovered the archive had %d bytes, now %d", e.Object.Bytes, c.v.file.size)
	}
	sum := ""
	if e.Object.Bytes == c.v.file.size {
		var err error
		if sum, err = c.v.sumOfFile(); err != nil {
			return err
		}
	}
	if sum == "" || sum != e.Object.SHA256 {
		return contradiction("the archive is not as it was when it was recovered")
	}
	what := "incomplete, and said to be so by the custody log"
	if c.v.sealed {
		what = "sealed already, not yet renamed"
	}
	c.v.rep.note("recovered at %s by %s: %s", text.Name(e.Time.Wall), text.Name(e.Actor), what)
	if !sameKey(e.Key, c.v.deviceKey().key) {
		// A note only: what a stranger says of the bytes as he found them takes nothing
		// from what the device signed before.
		if err := c.believed(e); err != nil {
			c.v.rep.note("who recovered it is not trusted: %v", err)
		}
	}
	return nil
}

// sumOfFile gives the hash of the file. It is known, unless it is an odd log that asks for it:
// then the file is read once more.
func (v *verification) sumOfFile() (string, error) {
	sum, known := v.file.sumOf(v.file.size)
	if known {
		return sum, nil
	}
	v.file.keep([]int64{v.file.size})
	err := v.file.rest(context.Background(), nil)
	sum, _ = v.file.sumOf(v.file.size)
	return sum, err
}
