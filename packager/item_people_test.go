package packager

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"hozen/packager/revoked"
	"hozen/packager/signed"
)

// A crowd is a large archive of the usual kind: two people asked for it by a job, the operator
// signed the seal, a witness must and did later, a carrier took it to a laboratory.
type crowd struct {
	file         string
	log          []byte
	sealedAt     int // bytes of the log, up to sealed
	o            VerifyOptions
	item, want   string
	alice, bob   Device
	lab, carrier person
}

func newCrowd(t testing.TB, items, size int, to []string, ids []age.Identity) *crowd {
	t.Helper()
	c := &crowd{lab: newPerson(t), carrier: newPerson(t), item: fmt.Sprintf("data/disk/%05d.bin", items/2)}
	c.alice, c.bob = people(t)
	sato, tanaka := newPerson(t), newPerson(t)
	dir := t.TempDir()
	op := testOptions(t, dir)
	op.Job = jobOf(t, jobText("alice", "bob"), c.alice, c.bob)
	op.Genesis.Recipients, op.Genesis.Require, op.Genesis.Operator = to, []string{"operator", "witness:tanaka"}, "sato"
	op.Operator = &CoSigner{Signer: sato.by}
	w, err := Create(op)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "plan.json", "{}\n")
	for i := range items {
		if i%max(7, items/64) == 0 { // of 4 GiB, as often as the writer itself does it: each 64 MiB
			if _, err := w.Checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
		body := random(t, size)
		if i == items/2 {
			c.want = body
		}
		put(t, w, fmt.Sprintf("disk/%05d.bin", i), body)
	}
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	c.file = filepath.Join(dir, s.Name)
	c.sealedAt = len(readFile(t, filepath.Join(dir, LogName(op.ID))))
	f, err := os.Open(c.file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	object := EventObject{Name: s.Name, Bytes: s.Bytes, SHA256: s.SHA256}
	rep, err := Cat(context.Background(), f, s.Bytes, VerifyOptions{Identities: ids, OnlyFrom: 1}, c.item, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := Countersign(rep, object, "witness:tanaka", tanaka.by)
	if err != nil {
		t.Fatal(err)
	}
	n := len(verdictOfLog(t, filepath.Join(dir, LogName(op.ID))))
	for _, told := range []struct {
		by person
		e  Event
	}{
		{tanaka, signature},
		{sato, Event{Event: "released", Actor: "operator:sato", Counterpart: "carrier:yamato", Reason: "to the laboratory", Object: object, Detail: []EventDetail{{"how", "by hand"}}}},
		{c.carrier, Event{Event: "received", Actor: "carrier:yamato", Counterpart: "operator:sato", Ref: []int{n + 2}, Verdict: "VALID", Object: object, Detail: []EventDetail{{"seal", "intact"}}}},
		{c.carrier, Event{Event: "released", Actor: "carrier:yamato", Counterpart: "lab:acme", Reason: "arrived", Object: object, Detail: []EventDetail{{"how", "by hand"}}}},
		{c.lab, Event{Event: "received", Actor: "lab:acme", Counterpart: "carrier:yamato", Ref: []int{n + 4}, Verdict: "VALID", Object: object, Detail: []EventDetail{{"seal", "intact"}}}},
	} {
		if err := AppendEventBy(dir, op.ID, told.by.by, told.e, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	c.log = readFile(t, filepath.Join(dir, LogName(op.ID)))
	line, err := op.Device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	c.o = VerifyOptions{Log: c.log, Identities: ids, OnlyFrom: 1, Trust: believing(t, line, operatorLine(t, c.alice), operatorLine(t, c.bob), sato.line("operator:sato", ""),
		tanaka.line("witness:tanaka", ""), c.carrier.line("carrier:yamato", ""), c.lab.line("lab:acme", ""))}
	return c
}

func verdictOfLog(t testing.TB, file string) []Event {
	t.Helper()
	events, _, err := readLog(readFile(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// sameSaid holds what is said of an item against what a verification of all says.
func sameSaid(t *testing.T, what string, archive []byte, o VerifyOptions, item string) *Report {
	t.Helper()
	var got bytes.Buffer
	rep, err := Cat(context.Background(), bytes.NewReader(archive), int64(len(archive)), o, item, &got)
	if rep == nil {
		t.Fatalf("%s: %v", what, err)
	}
	o.OnlyFrom = 0
	full := verdict(t, archive, o)
	if rep.Verdict != full.Verdict || !slices.Equal(rep.Findings, full.Findings) {
		t.Errorf("%s: of the item %s %q, of all %s %q", what, rep.Verdict, rep.Findings, full.Verdict, full.Findings)
	}
	if rep.OnlyItems && (full.Verdict == Invalid || !reflect.DeepEqual(rep.Job, full.Job) || !reflect.DeepEqual(rep.CoSignatures, full.CoSignatures) ||
		!reflect.DeepEqual(rep.Gaps, full.Gaps) || rep.Head != full.Head || rep.Members != full.Members || rep.Payload != full.Payload) {
		t.Errorf("%s: of the item %+v, of all %+v", what, rep, full)
	}
	return rep
}

// What asks for an archive, signs it and hands it on is looked at without reading it all; and
// says the same as when all of it is read.
func TestItemOfPeople(t *testing.T) {
	_, to, ids := party(t)
	for _, k := range []struct {
		to  []string
		ids []age.Identity
	}{{nil, nil}, {[]string{to}, ids}} {
		c := newCrowd(t, 24, 300_000, k.to, k.ids)
		b := readFile(t, c.file)
		r := &counted{ReaderAt: bytes.NewReader(b)}
		var out bytes.Buffer
		rep, err := Cat(context.Background(), r, int64(len(b)), c.o, c.item, &out)
		if err != nil || out.String() != c.want || rep.Verdict != Valid || !rep.OnlyItems {
			t.Fatalf("%v, %d bytes, %+v", err, out.Len(), rep)
		}
		if n := r.n.Load(); n > 4<<20 {
			t.Errorf("%d of %d bytes were read for an item of 300,000", n, len(b))
		}
		if rep.Job == nil || len(rep.Job.Signers) != 2 || !rep.Job.Signers[1].Trusted || len(rep.CoSignatures) != 2 || len(rep.Events) < 10 {
			t.Errorf("%+v", rep)
		}
		for what, change := range map[string]func(o *VerifyOptions){
			"as it is":                  func(*VerifyOptions) {},
			"without the log":           func(o *VerifyOptions) { o.Log = nil },
			"the laboratory is revoked": func(o *VerifyOptions) { o.Trust = o.Trust.Without(revoking(c.lab.by.Public())) },
			"who approved is revoked":   func(o *VerifyOptions) { o.Trust = o.Trust.Without(revokingDevice(t, c.bob)) },
			"the witness is not in it":  func(o *VerifyOptions) { o.Log = o.Log[:c.sealedAt] },
			"nobody is trusted":         func(o *VerifyOptions) { o.Trust = nil },
			"a line of the log is gone": func(o *VerifyOptions) { o.Log = withoutLine(o.Log, 3) },
			"a person's line is gone":   func(o *VerifyOptions) { o.Log = withoutLine(o.Log, bytes.Count(o.Log, []byte("\n"))-2) },
			"a name in the log":         func(o *VerifyOptions) { o.Log = bytes.Replace(o.Log, []byte("by hand"), []byte("by mail"), 1) },
			"the log ends before": func(o *VerifyOptions) {
				o.Log = withoutLine(o.Log[:c.sealedAt], bytes.Count(o.Log[:c.sealedAt], []byte("\n"))-1)
			},
			"another head on paper":       func(o *VerifyOptions) { o.Head = strings.Repeat("0", 64) },
			"another copy of the log":     func(o *VerifyOptions) { o.Copies = []LogCopy{{"mine", c.forked(t)}} },
			"the other copy is the log":   func(o *VerifyOptions) { o.Log = c.forked(t) },
			"the log is of other archive": func(o *VerifyOptions) { o.Log = signedBy(t, nil, nil).log },
		} {
			o := c.o
			change(&o)
			sameSaid(t, fmt.Sprintf("%s, encrypted: %v", what, k.to != nil), b, o, c.item)
		}
	}
}

func revokingDevice(t testing.TB, d Device) *revoked.List {
	t.Helper()
	key, err := d.Public()
	if err != nil {
		t.Fatal(err)
	}
	return revoking(key)
}

func withoutLine(log []byte, n int) []byte {
	lines := bytes.SplitAfter(log, []byte("\n"))
	return bytes.Join(slices.Delete(lines, n, n+1), nil)
}

// forked gives the log as the carrier might go on with it, as if the laboratory had never been.
func (c *crowd) forked(t testing.TB) []byte {
	t.Helper()
	dir, id := t.TempDir(), strings.TrimSuffix(strings.TrimSuffix(filepath.Base(c.file), ".age"), ".tar.zst")
	if err := os.WriteFile(filepath.Join(dir, LogName(id)), c.log[:c.sealedAt], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := AppendEventBy(dir, id, c.carrier.by, Event{Event: "stored", Actor: "carrier:yamato", Place: "car"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return readFile(t, filepath.Join(dir, LogName(id)))
}

// Nothing that was changed in the archive itself is passed over for the sake of speed.
func TestItemOfPeopleTampered(t *testing.T) {
	c := newCrowd(t, 10, 1000, nil, nil)
	b := readFile(t, c.file)
	fork := func(edit func([]*frame) []*frame) []byte { return joinFrames(edit(framesOf(t, b))) }
	for what, archive := range map[string][]byte{
		"the operator's signature stripped": resealed(t, b, stripped),
		"another job of the same people":    fork(func(f []*frame) []*frame { f[0] = raw(c.otherJob(t, f[0])); return f }),
		"a statement again":                 fork(func(f []*frame) []*frame { f[4] = f[1]; return f }),
		"a marker again":                    fork(func(f []*frame) []*frame { f[5] = f[2]; return f }),
	} {
		for _, log := range [][]byte{c.log, nil} {
			o := c.o
			o.Log = log
			if rep := sameSaid(t, what, archive, o, c.item); rep.Verdict == Valid {
				t.Errorf("%s: %s", what, rep.Verdict)
			}
		}
	}
}

// otherJob puts another job, that the same people signed, into the frame, which stays as long,
// and into the list of its segment.
func (c *crowd) otherJob(t testing.TB, f *frame) []byte {
	t.Helper()
	plain := plainOf(t, f)
	var zips []*zstd.Encoder
	for level := zstd.SpeedFastest; level <= zstd.SpeedBestCompression; level++ {
		zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithSingleSegment(true), zstd.WithEncoderCRC(true), zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		zips = append(zips, zip)
	}
	old := jobOf(t, jobText("alice", "bob"), c.alice, c.bob)
	for i := range 3000 {
		text := strings.Replace(old.Payload, "ransom note", fmt.Sprintf("ransom %04d", i), 1)
		other := jobOf(t, text, c.alice, c.bob)
		changed := bytes.Clone(plain)
		for n, m := range jobMembers(old) {
			b := jobMembers(other)[n].body
			changed = bytes.Replace(changed, m.body, b, 1)
			changed = bytes.Replace(changed, []byte(signed.HexSum(m.body)), []byte(signed.HexSum(b)), 1) // in the list of the segment
		}
		for _, zip := range zips {
			if packed := zip.EncodeAll(changed, nil); len(packed) == len(f.bytes) {
				return packed
			}
		}
	}
	t.Fatal("no other job is as long")
	return nil
}

// Of jobs in whatever form and place an item says what the whole archive does.
func TestItemOfJobs(t *testing.T) {
	d := newDevice(t, "pc-42")
	for _, jc := range jobCases() {
		b, c := jc.make(t, d)
		c.o.OnlyFrom = 1
		rep := sameSaid(t, jc.name, b, c.o, "data/a.txt")
		if rep.OnlyItems != (jc.want != Invalid) {
			t.Errorf("%s: alone: %v", jc.name, rep.OnlyItems)
		}
	}
}

// A taken keeps all that a Taker is told.
type taken struct {
	got     map[string]string
	records []RecordLine
}

func (k *taken) Want(path string) bool {
	return path == "data/plan.json" || path == "data/disk/00003.bin"
}
func (k *taken) Bytes(path string, b []byte) error {
	k.got[path] += string(b)
	return nil
}
func (k *taken) Record(r RecordLine) error {
	k.records = append(k.records, r)
	return nil
}

// Who wants a few items and all records does not read the payload either.
func TestTakeOnly(t *testing.T) {
	_, to, ids := party(t)
	c := newCrowd(t, 24, 300_000, []string{to}, ids)
	b := readFile(t, c.file)
	var all [2]taken
	for i := range all {
		o, r := c.o, &counted{ReaderAt: bytes.NewReader(b)}
		o.OnlyFrom = int64(1 - i)
		all[i].got = map[string]string{}
		rep, err := Take(context.Background(), r, int64(len(b)), o, &all[i])
		if err != nil || rep.Verdict != Valid || rep.OnlyItems != (i == 0) || rep.Members != 25 || i == 0 && r.n.Load() > 5<<20 {
			t.Errorf("%s %q, %v, %d of %d bytes, %d members", rep.Verdict, rep.Findings, err, r.n.Load(), len(b), rep.Members)
		}
	}
	if len(all[0].records) != 25 || len(all[0].got) != 2 || !reflect.DeepEqual(all[0], all[1]) {
		x, _ := json.Marshal(all[0].records)
		y, _ := json.Marshal(all[1].records)
		t.Errorf("%d and %d records:\n%s\n%s", len(all[0].records), len(all[1].records), x, y)
	}
}
