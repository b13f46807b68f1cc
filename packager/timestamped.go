package packager

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"hozen/packager/evidence/sorting"
	"hozen/packager/signed"
	"hozen/packager/text"
	"hozen/packager/timestamp"
)

const (
	eventTimestamped = "timestamped"
	// What the agent tells of time beside that: of other clocks, and of no answer.
	eventClock           = "clock"
	eventTimestampFailed = "timestamp_failed"
	// maxTokens bounds the time stamps that are looked at: each costs a few signatures.
	maxTokens = 256
)

// TimestampEvent is the event that a time stamp of a statement of the archive came: head is
// the hash of the statement (of the seal, where there is one), answer what the authority
// sent, and t what is in it. The error says that the token is not for that hash.
func TimestampEvent(head string, sealed bool, answer []byte, t *timestamp.Token) (Event, error) {
	if fmt.Sprintf("%x", t.Imprint) != head {
		return Event{}, fmt.Errorf("%w: the token is for %x, the statement is %s", timestamp.ErrOther, t.Imprint, head)
	}
	name := "statement"
	if sealed {
		name = "seal"
	}
	return Event{Event: eventTimestamped, Detail: []EventDetail{
		{name, head}, {"gen_time", signed.Wall(t.Time)}, {"tsa", t.TSA}, {"token", base64.StdEncoding.EncodeToString(answer)},
	}}, nil
}

// A TimeStamp is one that was found, in the log or beside the archive.
type TimeStamp struct {
	Time       string `json:"time"`
	AccuracyMS int64  `json:"accuracy_ms,omitempty"`
	TSA        string `json:"tsa"`
	Policy     string `json:"policy"`
	Serial     string `json:"serial"`
	SHA256     string `json:"sha256"`    // of the token
	Statement  string `json:"statement"` // hash that it is for
	Of         string `json:"of"`        // seal, genesis, or checkpoint <k>
	Event      int    `json:"event,omitempty"`
	// Believed: by an authority of the roots that the auditor gave.
	Believed bool   `json:"believed"`
	Why      string `json:"why,omitempty"` // why not

	at       time.Time
	accuracy time.Duration
}

// timestamped takes the token of an event. What contradicts is an error; a token of an
// unknown authority is none.
func (c *logChain) timestamped(e *Event) error {
	token, err := DetailText(c.v.rep.Events, e, "token")
	if err != nil {
		return contradiction("%v", err)
	}
	b, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil {
		return contradiction("its token: %v", err)
	}
	s, err := c.v.timeStamp(b)
	if err != nil {
		return err
	}
	if said := cmp.Or(e.Fact("seal"), e.Fact("statement")); said != s.Statement || e.Fact("gen_time") != s.Time {
		return contradiction("it says a time stamp of %s for %s, its token is of %s for %s", text.Name(e.Fact("gen_time")), text.Name(said), s.Time, s.Statement)
	}
	s.Event = e.Seq
	c.v.rep.TimeStamps = append(c.v.rep.TimeStamps, s)
	return nil
}

// timeStamp proves a token as far as can be, and finds the statement that it is for.
func (v *verification) timeStamp(b []byte) (s TimeStamp, err error) {
	if v.tokens++; v.tokens > maxTokens {
		return s, contradiction("more than %d time stamps", maxTokens)
	}
	t, err := timestamp.Parse(b)
	if err != nil {
		return s, contradiction("%v", err)
	}
	if err = t.Verify(v.o.TSARoots); errors.Is(err, timestamp.ErrBroken) {
		return s, contradiction("%v", err)
	}
	s = TimeStamp{Time: signed.Wall(t.Time), TSA: t.TSA, Policy: t.Policy, Serial: t.Serial, SHA256: t.SHA256, Statement: fmt.Sprintf("%x", t.Imprint),
		AccuracyMS: t.Accuracy.Milliseconds(), at: t.Time, accuracy: t.Accuracy}
	var wall string
	if s.Of, wall = v.statement(s.Statement); s.Of == "" {
		return s, contradiction("a time stamp for other data: %s is not the hash of a statement of this archive", s.Statement)
	}
	switch {
	case err != nil:
		s.Why = err.Error()
	case v.o.TSARoots == nil:
		s.Why = "roots not given"
	default:
		s.Believed = true
		v.clockAhead(s, parseWall(wall))
	}
	return s, nil
}

// statement finds an authentic statement by its hash: what it is, and when the host says
// that it made it.
func (v *verification) statement(hash string) (of, wall string) {
	switch {
	case v.rep.Checkpoint == 0:
		return "", ""
	case v.sealed && hash == v.rep.Head:
		return "seal", v.c.ended
	case hash == v.c.genesis:
		return "genesis", v.c.began
	}
	for k := 1; k <= v.rep.Checkpoint; k++ {
		if hash == v.c.statement[k] {
			return fmt.Sprintf("checkpoint %d", k), v.c.walls[k]
		}
	}
	return "", ""
}

// clockAhead notes that the host says a later time for a statement than that at which
// somebody else has seen it.
func (v *verification) clockAhead(s TimeStamp, host time.Time) {
	if ahead := host.Sub(s.at) - s.accuracy; ahead > 0 && !host.IsZero() {
		v.rep.note("the host's clock was ahead by %s at least: it says %s for the %s, which %s saw at %s", ahead.Round(time.Millisecond), signed.Wall(host), s.Of, text.Path(s.TSA), s.Time)
	}
}

// givenTokens takes the tokens that the auditor has beside the archive.
func (v *verification) givenTokens() {
	for i, b := range v.o.Tokens {
		if v.rep.Checkpoint == 0 {
			v.rep.note("time stamp %d was given, and nothing is authentic that it could be for", i+1)
			return
		}
		s, err := v.timeStamp(b)
		if err != nil {
			v.bad = true
			v.rep.finding("time stamp %d that was given: %v", i+1, err)
			continue
		}
		v.rep.TimeStamps = append(v.rep.TimeStamps, s)
	}
}

// judgeTime says what the time stamps prove: each that is believed is an anchor, and the
// earliest is the time as of which keys are judged.
func (v *verification) judgeTime() {
	v.givenTokens()
	a := &v.rep.Axes
	a.Time = "by the host's own clock"
	if v.rep.Checkpoint == 0 { // nothing is authentic that they could be for
		v.rep.TimeStamps = nil
	}
	stamps := v.rep.TimeStamps
	if len(stamps) > 0 {
		a.Time += "; time stamp present, " + stamps[0].Why
	}
	believed := slices.DeleteFunc(slices.Clone(stamps), func(s TimeStamp) bool { return !s.Believed })
	for _, s := range stamps {
		if !s.Believed && v.o.TSARoots != nil {
			v.rep.note("time stamp of the %s, %s: %s", s.Of, s.Time, s.Why)
		}
	}
	if len(believed) == 0 {
		return
	}
	sorting.By(believed, func(x, y TimeStamp) int { return x.latest().Compare(y.latest()) })
	first := believed[0]
	v.proven = first.latest()
	if i := slices.IndexFunc(believed, func(s TimeStamp) bool { return s.Of == "seal" }); i >= 0 {
		v.sealProven = believed[i].latest()
	}
	a.Time = fmt.Sprintf("time-stamped %s by %s (roots given): the %s was there then", first.Time, text.Path(first.TSA), first.Of)
	for _, s := range believed {
		a.Anchors = append(a.Anchors, fmt.Sprintf("time stamp of the %s, %s, by %s", s.Of, s.Time, text.Path(s.TSA)))
	}
}

// latest is when the statement was there for certain.
func (s TimeStamp) latest() time.Time { return s.at.Add(s.accuracy) }

// sealTime is the time as of which the keys that signed the seal must be valid: the earliest
// at which somebody else has seen the seal itself. That genesis or a checkpoint was there
// before says nothing of a signature that came later.
func (v *verification) sealTime() time.Time {
	if !v.sealProven.IsZero() {
		return v.sealProven
	}
	return v.keyTime()
}

// keyTime is the time as of which the key of genesis and those of the job must be valid: the
// earliest at which somebody else has seen the archive; the host's own word if nobody did.
func (v *verification) keyTime() time.Time {
	if !v.proven.IsZero() {
		return v.proven
	}
	return v.deviceKey().since
}

// asOf says that a time stamp, not the host, gave the time by which a key was judged.
func (v *verification) asOf(at time.Time) string {
	if v.proven.IsZero() {
		return ""
	}
	return "; judged as of its time stamp, " + signed.Wall(at)
}
