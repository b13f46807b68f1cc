package packager

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager/signed"
	"hozen/packager/timestamp"
	"hozen/packager/timestamp/tsatest"
)

// A timeWorld is an honest archive, its log, and an authority an hour later.
type timeWorld struct {
	*world
	tsa   *tsatest.Authority
	roots *timestamp.Roots
	seal  string   // hash
	heads []string // of the checkpoints
}

func newTimeWorld(t *testing.T) *timeWorld {
	t.Helper()
	w := &timeWorld{world: newWorld(t)}
	r := verdict(t, w.archive, VerifyOptions{Trust: w.o.Trust, Log: w.log})
	if r.Verdict != Valid {
		t.Fatal(r.Findings)
	}
	w.seal = r.Head
	for _, e := range r.Events {
		if e.Event == eventCheckpoint {
			w.heads = append(w.heads, e.Fact("statement"))
		}
	}
	w.tsa, w.roots = w.authority(t, parseWall(r.Seal.Time.Wall).Add(time.Hour))
	return w
}

func (w *timeWorld) authority(t *testing.T, at time.Time) (*tsatest.Authority, *timestamp.Roots) {
	t.Helper()
	a, err := tsatest.New(func() time.Time { return at }, tsatest.Shape{})
	if err != nil {
		t.Fatal(err)
	}
	roots, err := timestamp.ParseRoots(a.Roots(true))
	if err != nil {
		t.Fatal(err)
	}
	return a, roots
}

// answer is that of an authority for a hash.
func answer(t *testing.T, a *tsatest.Authority, head string) []byte {
	t.Helper()
	var sum [32]byte
	if _, err := hex.Decode(sum[:], []byte(head)); err != nil {
		t.Fatal(err)
	}
	r, err := timestamp.NewRequest(sum, nil)
	if err != nil {
		t.Fatal(err)
	}
	query, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b, err := a.Answer(query)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stampEvent is the event of an answer; edit changes it before it is signed.
func stampEvent(t *testing.T, head string, b []byte, edit func(e *Event)) Event {
	t.Helper()
	token, err := timestamp.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	e, err := TimestampEvent(head, true, b, token)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&e)
	}
	return e
}

// withDetail gives a detail another value.
func withDetail(name, value string) func(*Event) {
	return func(e *Event) {
		for i := range e.Detail {
			if e.Detail[i].Name == name {
				e.Detail[i].Value = value
			}
		}
	}
}

type timeTamper struct {
	name string
	want Verdict
	says string // in axis time, findings or notes
	do   func(t *testing.T, w *timeWorld, c *change)
}

// inLog adds a time stamp of the seal to the log.
func inLog(lie tsatest.Lie, edit func(*Event)) func(t *testing.T, w *timeWorld, c *change) {
	return func(t *testing.T, w *timeWorld, c *change) {
		a := *w.tsa
		a.Lie = lie
		c.o.Log = appended(t, w.world, w.device, stampEvent(t, w.seal, answer(t, &a, w.seal), edit))
	}
}

// beside gives a time stamp of a head to the auditor, as a file.
func besideIt(head func(w *timeWorld) string, lie tsatest.Lie) func(t *testing.T, w *timeWorld, c *change) {
	return func(t *testing.T, w *timeWorld, c *change) {
		a := *w.tsa
		a.Lie = lie
		c.o.Tokens = [][]byte{answer(t, &a, head(w))}
	}
}

func ofSeal(w *timeWorld) string { return w.seal }

// limited is the trust in the device until (or since) some time from the seal on.
func limited(t *testing.T, w *timeWorld, option string, from time.Duration) *Trust {
	at := w.tsa.Now().Add(-time.Hour).Add(from).UTC().Format("20060102150405Z")
	return trustIn(t, "namespaces=→"+option+"=\""+at+"\",namespaces=", w.device)
}

func timeTampers() []timeTamper {
	no := tsatest.Lie{}
	strange := func(t *testing.T, w *timeWorld) *timestamp.Roots {
		_, roots := w.authority(t, w.tsa.Now())
		return roots
	}
	return []timeTamper{
		{"in the log", Valid, "time-stamped 2", inLog(no, nil)},
		{"in the log, long", Valid, "time-stamped 2", func(t *testing.T, w *timeWorld, c *change) {
			a, err := tsatest.New(w.tsa.Now, tsatest.Shape{Name: strings.Repeat("long ", 1000)})
			if err != nil {
				t.Fatal(err)
			}
			if c.o.TSARoots, err = timestamp.ParseRoots(a.Roots(false)); err != nil {
				t.Fatal(err)
			}
			dir, id := t.TempDir(), testOptions(t, "").ID
			file := filepath.Join(dir, LogName(id))
			if err := os.WriteFile(file, w.log, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := AppendEvent(dir, id, w.device, stampEvent(t, w.seal, answer(t, a, w.seal), nil), testTime); err != nil {
				t.Fatal(err)
			}
			if c.o.Log = readFile(t, file); bytes.Count(c.o.Log, []byte(eventAttached)) < 2 {
				t.Error("its token stands in one line")
			}
		}},
		{"roots not given", Valid, "roots not given", func(t *testing.T, w *timeWorld, c *change) {
			inLog(no, nil)(t, w, c)
			c.o.TSARoots = nil
		}},
		{"of an unknown authority", Valid, "not by an authority", func(t *testing.T, w *timeWorld, c *change) {
			inLog(no, nil)(t, w, c)
			c.o.TSARoots = strange(t, w)
		}},
		{"without its certificate", Valid, "time-stamped 2", inLog(tsatest.Lie{NoCertificate: true}, nil)},
		{"before its certificate", Valid, "not by an authority", besideIt(ofSeal, tsatest.Lie{Time: "20190101000000Z"})},
		{"beside it", Valid, "time-stamped 2", besideIt(ofSeal, no)},
		{"of a checkpoint", Valid, "the checkpoint 2 was there", besideIt(func(w *timeWorld) string { return w.heads[1] }, no)},
		{"of a partial archive", ValidPartial, "the checkpoint 2 was there", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(func(w *timeWorld) string { return w.heads[1] }, no)(t, w, c)
			c.archive = joinFrames(w.frames[:w.of(frameMarker)[1]+1])
		}},
		{"of a checkpoint behind the cut", Invalid, "for other data", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(func(w *timeWorld) string { return w.heads[2] }, no)(t, w, c)
			c.archive = joinFrames(w.frames[:w.of(frameMarker)[1]+1])
		}},
		{"of the seal, which is cut off", Invalid, "for other data", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(ofSeal, no)(t, w, c)
			c.archive = joinFrames(w.frames[:w.of(frameMarker)[2]+1])
		}},
		{"for other data, beside it", Invalid, "for other data", besideIt(func(*timeWorld) string { return strings.Repeat("ab", 32) }, no)},
		{"for other data, in the log", Invalid, "it says a time stamp of", func(t *testing.T, w *timeWorld, c *change) {
			e := stampEvent(t, w.heads[0], answer(t, w.tsa, w.heads[0]), withDetail("seal", w.seal))
			c.o.Log = appended(t, w.world, w.device, e)
		}},
		{"for another archive", Invalid, "for other data", func(t *testing.T, w *timeWorld, c *change) {
			other := verdict(t, w.other, w.o).Head
			c.o.Log = appended(t, w.world, w.device, stampEvent(t, other, answer(t, w.tsa, other), nil))
		}},
		{"of another hash", Invalid, "for other data", besideIt(ofSeal, tsatest.Lie{OtherHashAlgorithm: []int{2, 16, 840, 1, 101, 3, 4, 2, 3}, Imprint: make([]byte, 64)})},
		{"another time in the event", Invalid, "it says a time stamp of 2001", inLog(no, withDetail("gen_time", "2001-01-01T00:00:00Z"))},
		{"no token in the event", Invalid, "not a valid time stamp", inLog(no, withDetail("token", ""))},
		{"no base64", Invalid, "its token", inLog(no, withDetail("token", "AAA"))},
		{"garbage", Invalid, "not a valid time stamp", func(t *testing.T, w *timeWorld, c *change) { c.o.Tokens = [][]byte{{0x30, 0x80, 1, 2, 3}} }},
		{"bad signature", Invalid, "signature", besideIt(ofSeal, tsatest.Lie{BadSignature: true})},
		{"refused", Invalid, "the authority refused", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(ofSeal, tsatest.Lie{Status: 2})(t, w, c)
		}},
		{"too many", Invalid, "more than 256", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(ofSeal, no)(t, w, c)
			for len(c.o.Tokens) <= maxTokens {
				c.o.Tokens = append(c.o.Tokens, c.o.Tokens[0])
			}
		}},
		{"nothing to be for", NotEvidence, "nothing is authentic", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(ofSeal, no)(t, w, c)
			c.archive = nil
		}},
		{"by a stranger's event", UntrustedSigner, "time-stamped 2", func(t *testing.T, w *timeWorld, c *change) {
			c.o.Log = appended(t, w.world, newDevice(t, "nobody"), stampEvent(t, w.seal, answer(t, w.tsa, w.seal), nil))
		}},
		{"the host is ahead", Valid, "clock was ahead by", func(t *testing.T, w *timeWorld, c *change) {
			early, roots := w.authority(t, w.tsa.Now().Add(-3*time.Hour))
			c.o.TSARoots, c.o.Tokens = roots, [][]byte{answer(t, early, w.seal)}
		}},
		{"key revoked after it", Valid, "time-stamped 2", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(ofSeal, no)(t, w, c)
			c.o.Trust = limited(t, w, "valid-before", 2*time.Hour)
		}},
		{"key revoked before it", UntrustedSigner, "judged as of its time stamp", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(ofSeal, no)(t, w, c)
			c.o.Trust = limited(t, w, "valid-before", 30*time.Minute)
		}},
		{"key revoked before it, by the host's clock not", Valid, "by the host's own clock", func(t *testing.T, w *timeWorld, c *change) {
			c.o.Trust = limited(t, w, "valid-before", 30*time.Minute)
		}},
		{"key not valid yet by the host's clock, but by it", Valid, "time-stamped 2", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(ofSeal, no)(t, w, c)
			c.o.Trust = limited(t, w, "valid-after", 30*time.Minute)
		}},
		{"the earliest of the seal counts", Valid, "the seal was there", func(t *testing.T, w *timeWorld, c *change) {
			late := *w.tsa
			late.Now = func() time.Time { return w.tsa.Now().Add(5 * time.Hour) }
			c.o.Tokens = [][]byte{answer(t, &late, w.seal), answer(t, w.tsa, w.seal)}
			c.o.Trust = limited(t, w, "valid-before", 2*time.Hour)
		}},
		{"that a checkpoint was there says nothing of a seal by a key that ended before it", UntrustedSigner, "not valid after", func(t *testing.T, w *timeWorld, c *change) {
			late := *w.tsa
			late.Now = func() time.Time { return w.tsa.Now().Add(5 * time.Hour) }
			c.o.Tokens = [][]byte{answer(t, &late, w.seal), answer(t, w.tsa, w.heads[0])}
			c.o.Trust = limited(t, w, "valid-before", 2*time.Hour)
		}},
		{"an unknown authority proves no time", UntrustedSigner, "not by an authority", func(t *testing.T, w *timeWorld, c *change) {
			besideIt(ofSeal, no)(t, w, c)
			c.o.TSARoots = strange(t, w)
			c.o.Trust = limited(t, w, "valid-before", -time.Hour)
		}},
	}
}

func TestTamperTime(t *testing.T) {
	w := newTimeWorld(t)
	for _, c := range timeTampers() {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			ch := &change{archive: bytes.Clone(w.archive), o: w.o}
			ch.o.Log, ch.o.TSARoots = w.log, w.roots
			if strings.Contains(c.name, "cut") || strings.Contains(c.name, "partial") || strings.Contains(c.name, "nothing") {
				ch.o.Log = nil // it would say so first
			}
			c.do(t, w, ch)
			r := verdict(t, ch.archive, ch.o)
			said := strings.Join(append(append([]string{r.Axes.Time}, r.Findings...), r.Notes...), "\n")
			if r.Verdict != c.want || !strings.Contains(said, c.says) {
				t.Errorf("%s, want %s and %q: %s", r.Verdict, c.want, c.says, said)
			}
			believed := 0
			for _, s := range r.TimeStamps {
				if s.Believed {
					believed++
				}
			}
			if anchors := strings.Count(strings.Join(r.Axes.Anchors, "\n"), "time stamp of the"); anchors != believed || (believed > 0) != strings.Contains(r.Axes.Time, "time-stamped") {
				t.Errorf("%d believed, anchors %q, time %q", believed, r.Axes.Anchors, r.Axes.Time)
			}
		})
	}
}

// TestTimestampEvent: a token of something else gets no event.
func TestTimestampEvent(t *testing.T) {
	w := newTimeWorld(t)
	token, err := timestamp.Parse(answer(t, w.tsa, w.seal))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TimestampEvent(w.heads[0], false, nil, token); err == nil {
		t.Error("a token of the seal is taken for a checkpoint")
	}
	e, err := TimestampEvent(w.seal, true, []byte{1}, token)
	if err != nil || e.Fact("seal") != w.seal || e.Fact("statement") != "" || e.Fact("gen_time") != signed.Wall(token.Time) || e.Fact("token") != "AQ==" {
		t.Errorf("%+v, %v", e, err)
	}
}

const goldenTime = "../testdata/archives/time"

// TestGoldenTime: time stamps that are kept as files get the same verdict in every later
// version. HOZEN_GOLDEN=time makes them anew.
func TestGoldenTime(t *testing.T) {
	if os.Getenv("HOZEN_GOLDEN") == "time" {
		writeGoldenTime(t)
	}
	trust, err := ParseTrust(bytes.NewReader(readFile(t, filepath.Join(goldenTime, "allowed_signers"))))
	if err != nil {
		t.Fatal(err)
	}
	roots, err := timestamp.ParseRoots(readFile(t, filepath.Join(goldenTime, "roots.pem")))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(readFile(t, filepath.Join(goldenTime, "expect")))) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 4)
		o := VerifyOptions{Trust: trust, TSARoots: roots, Log: readFile(t, filepath.Join(goldenTime, f[1]))}
		if f[2] != "-" {
			o.Tokens = [][]byte{readFile(t, filepath.Join(goldenTime, f[2]))}
		}
		r := verdict(t, readFile(t, filepath.Join(goldenTime, "archive.tar.zst")), o)
		if string(r.Verdict) != f[0] || r.Axes.Time != f[3] {
			t.Errorf("%s: %s, %q: %q", line, r.Verdict, r.Axes.Time, r.Findings)
		}
		n++
	}
	if n != 4 {
		t.Errorf("%d cases", n)
	}
}

func writeGoldenTime(t *testing.T) {
	w := newTimeWorld(t)
	line, err := w.device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	save := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(goldenTime, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	good, other := answer(t, w.tsa, w.seal), answer(t, w.tsa, strings.Repeat("ab", 32))
	save("archive.tar.zst", w.archive)
	save("allowed_signers", []byte(line))
	save("roots.pem", w.tsa.Roots(false))
	save("plain.custody.jsonl", w.log)
	save("stamped.custody.jsonl", appended(t, w.world, w.device, stampEvent(t, w.seal, good, nil)))
	save("lied.custody.jsonl", appended(t, w.world, w.device, stampEvent(t, w.seal, good, withDetail("gen_time", "2001-01-01T00:00:00Z"))))
	save("other.tsr", other)
	save("checkpoint-1.tsr", answer(t, w.tsa, w.heads[0]))
	said := func(of string) string {
		return fmt.Sprintf("time-stamped %s by CN=hozen test TSA (roots given): the %s was there then", signed.Wall(w.tsa.Now().Truncate(time.Second)), of)
	}
	save("expect", fmt.Appendf(nil, "VALID stamped.custody.jsonl - %s\nVALID plain.custody.jsonl checkpoint-1.tsr %s\nINVALID plain.custody.jsonl other.tsr by the host's own clock\nINVALID lied.custody.jsonl - by the host's own clock\n",
		said("seal"), said("checkpoint 1")))
}

// TestSealedHook: what happens between the seal and the closing of the log is told to it,
// and the archive is whole by then.
func TestSealedHook(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	var seen Sealed
	o.Sealed = func(s Sealed, tell func(Event) error) {
		seen = s
		// A cut here loses nothing: what is there is the whole archive.
		b, log := readFile(t, filepath.Join(dir, s.Name+partialSuffix)), readFile(t, filepath.Join(dir, LogName(o.ID)))
		if r := verdict(t, b, VerifyOptions{Trust: trusting(t, o.Device).Trust, Log: log}); r.Verdict != Valid || r.Head != s.Head {
			t.Errorf("%s: %q", r.Verdict, r.Findings)
		}
		if err := tell(Event{Event: "clock", Time: EventTime{Sources: []ClockSource{{"ntp", "192.0.2.1", -7, 3}}, MaxErrorMS: 9}}); err != nil {
			t.Error(err)
		}
		if err := tell(Event{Event: eventSealed}); err == nil {
			t.Error("an event of the writer's own is taken")
		}
	}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "a", "b")
	s, err := w.Seal("")
	if err != nil || s != seen {
		t.Fatalf("%+v, %+v, %v", s, seen, err)
	}
	r := verdict(t, readFile(t, filepath.Join(dir, s.Name)), VerifyOptions{Trust: trusting(t, o.Device).Trust, Log: readFile(t, filepath.Join(dir, LogName(o.ID)))})
	last := r.Events[len(r.Events)-1]
	if r.Verdict != Valid || last.Event != "clock" || last.Object.SHA256 != s.SHA256 || len(last.Time.Sources) != 1 || last.Time.MaxErrorMS != 9 {
		t.Errorf("%s %q %+v", r.Verdict, r.Findings, last)
	}
}

// TestTimeOfCipherText: a time stamp of an archive that is not opened counts by its log,
// of one that is opened by what is in it; with the wrong identity there is nothing.
func TestTimeOfCipherText(t *testing.T) {
	w := newSealedWorld(t)
	head := verdict(t, w.archive, w.inner).Head
	a, err := tsatest.New(func() time.Time { return time.Now().Add(time.Hour) }, tsatest.Shape{})
	if err != nil {
		t.Fatal(err)
	}
	roots, err := timestamp.ParseRoots(a.Roots(false))
	if err != nil {
		t.Fatal(err)
	}
	_, _, wrong := party(t)
	lost := w.outer
	lost.Identities = wrong
	for _, c := range []struct {
		name string
		o    VerifyOptions
		want Verdict
	}{{"outer", w.outer, ValidOuter}, {"inner", w.inner, Valid}, {"wrong identity", lost, NotEvidence}} {
		c.o.TSARoots, c.o.Tokens = roots, [][]byte{answer(t, a, head)}
		c.o.Log = appended(t, &world{log: w.log}, w.device, stampEvent(t, head, answer(t, a, head), nil))
		r := verdict(t, w.archive, c.o)
		if r.Verdict != c.want || (c.want != NotEvidence) != strings.Contains(r.Axes.Time, "time-stamped") || len(r.TimeStamps) != map[bool]int{true: 0, false: 2}[c.want == NotEvidence] {
			t.Errorf("%s: %s, time %q, %d time stamps, findings %q", c.name, r.Verdict, r.Axes.Time, len(r.TimeStamps), r.Findings)
		}
		if notes := strings.Join(r.Notes, "\n"); (c.want == NotEvidence) != strings.Contains(notes, "without an identity, the file can be held against") || strings.Contains(notes, "not authenticated") {
			t.Errorf("%s: notes %q", c.name, notes)
		}
		c.o.Tokens = [][]byte{answer(t, a, strings.Repeat("ab", 32))}
		if r := verdict(t, w.archive, c.o); c.want != NotEvidence && r.Verdict != Invalid {
			t.Errorf("%s: for other data: %s", c.name, r.Verdict)
		}
	}
}
