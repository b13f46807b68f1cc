package packager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"filippo.io/age"

	"hozen/packager/signed"
)

// hashedWell holds each hash that was kept while a file was read against one that is made
// apart, and looks that none is missing of which the log tells: so every archive of the corpus,
// however damaged, has the verdict that it would have if it were hashed in a pass of its own.
func hashedWell(t testing.TB, b []byte, v *verification) {
	t.Helper()
	for n, sum := range v.file.sums {
		if want := signed.HexSum(b[:n]); sum != want {
			t.Errorf("the hash of the first %d bytes is %s, and was taken for %s", n, want, sum)
		}
	}
	events, _, err := readLog(v.o.Log)
	for _, e := range events {
		n := e.Object.Bytes
		if _, known := v.file.sumOf(n); !known && v.rep.Encrypted && (v.rep.Genesis == nil || v.rep.Checkpoint > 0) && err == nil && v.stop == nil && n <= int64(len(b)) {
			t.Errorf("event %d tells of %d bytes, of which no hash was kept", e.Seq, n)
		}
	}
}

// In whatever pieces and order a file is read, the hashes of its beginnings are what they are.
func TestStoredFile(t *testing.T) {
	b := []byte(random(t, 300_000))
	for range 50 {
		f := &storedFile{file: bytes.NewReader(b), size: int64(len(b))}
		ends := []int64{-1, 0, 1, 5, 5, 70_000, f.size, f.size + 1, rand.Int64N(f.size)}
		f.keep(slices.Clone(ends))
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for at := int64(0); at < f.size; at += rand.Int64N(9000) {
					if _, err := f.ReadAt(make([]byte, rand.IntN(9000)), max(0, at-rand.Int64N(3000))); err != nil && err != io.EOF {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if err := f.rest(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for _, n := range ends {
			sum, known := f.sumOf(n)
			if inside := n >= 0 && n <= f.size; known != inside || known && sum != signed.HexSum(b[:n]) {
				t.Fatalf("of %d bytes: %v %s", n, known, sum)
			}
		}
	}
}

// Where a file is shorter than it was, or somebody stops the reading, there is no hash.
func TestStoredFileBroken(t *testing.T) {
	f := &storedFile{file: bytes.NewReader(make([]byte, 10)), size: 20}
	f.keep([]int64{20})
	if err := f.rest(t.Context(), nil); err != io.EOF {
		t.Errorf("shorter than it was: %v", err)
	}
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if err := f.rest(ctx, nil); err != stop {
		t.Errorf("stopped: %v", err)
	}
	if _, known := f.sumOf(20); known {
		t.Error("a hash of what was not read")
	}
}

// A toRead is a file to be verified.
type toRead struct {
	name    string
	archive []byte
	o       VerifyOptions
	want    Verdict
}

// bigSealed writes an archive of 10 MB that does not compress, in 24 segments.
func bigSealed(t *testing.T, to ...string) *sealedWorld {
	t.Helper()
	dir := t.TempDir()
	op := testOptions(t, dir)
	op.Genesis.Recipients = to
	w, err := Create(op)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 24 {
		put(t, w, fmt.Sprintf("disk/%d.bin", i), random(t, 400_000))
		if _, err := w.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	return &sealedWorld{name: s.Name, device: op.Device, archive: readFile(t, filepath.Join(dir, s.Name)), log: readFile(t, filepath.Join(dir, LogName(op.ID)))}
}

// manyReadings are such an archive, and what can become of it and of its log.
func manyReadings(t *testing.T, ids []age.Identity, to ...string) (list []toRead) {
	t.Helper()
	w, p := bigSealed(t, to...), keepers{}
	b, log := w.archive, w.log
	add := func(name string, archive []byte, ids []age.Identity, log []byte, want Verdict) {
		list = append(list, toRead{name, archive, VerifyOptions{Identities: ids, Log: log, Trust: p.trust(t, w.device)}, want})
	}
	whole := Event{Event: eventCountersigned, Object: objectOf(w.name, b), Detail: []EventDetail{{factSeal, verdict(t, b, VerifyOptions{Identities: ids}).Head}}}
	earlier := Event{Event: "verified", Verdict: string(ValidPartial), Object: objectOf(w.name, b[:len(b)/3])}
	goneOn := p.append(t, log, told{"witness:tanaka", whole}, told{"lab:acme", earlier}, told{"lab:acme", Event{Event: "stored", Place: "safe 3"}})
	flipped, cut := bytes.Clone(b), b[:len(b)-100_000]
	flipped[len(b)/2] ^= 1
	events, _, err := readLog(log)
	if err != nil {
		t.Fatal(err)
	}
	crash := slices.IndexFunc(events, func(e Event) bool { return e.Object.Bytes > int64(len(cut)) })
	recovered := p.append(t, bytes.Join(lines(log)[:crash], nil), told{"lab:acme", Event{Event: eventRecovered, Object: objectOf(w.name, cut)}})
	recovered = p.append(t, recovered, told{"lab:acme", Event{Event: "stored", Place: "safe 3"}})

	add("as it was sealed", b, ids, log, Valid)
	add("no log", b, ids, nil, Valid)
	add("countersigned, and gone on", b, ids, goneOn, Valid)
	add("zeros behind it", append(bytes.Clone(b), make([]byte, 5000)...), ids, goneOn, Valid)
	add("appended", append(bytes.Clone(b), 'x'), ids, goneOn, Invalid)
	add("flipped", flipped, ids, goneOn, Invalid)
	add("cut", cut, ids, goneOn, Invalid)
	add("recovered", cut, ids, recovered, ValidPartial)
	add("recovered, and flipped", flipped[:len(cut)], ids, recovered, Invalid)
	if len(to) == 0 {
		return list
	}
	add("not opened", b, nil, goneOn, ValidOuter)
	add("not opened, flipped", flipped, nil, goneOn, Invalid)
	add("not opened, recovered", cut, nil, recovered, ValidOuter)
	_, toOther, others := party(t)
	add("the wrong identity", b, others, goneOn, NotEvidence)
	plain, err := age.Decrypt(bytes.NewReader(b), ids...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	again := encryptTo(t, text, toOther)
	anew := p.append(t, goneOn, anewBy("lab:acme", b, again))
	add("encrypted anew", again, others, anew, Valid)
	add("encrypted anew, and cut", again[:len(again)-9], others, anew, Invalid)
	add("encrypted anew, and nobody says so", again, others, goneOn, Invalid)
	add("deciphered", text, nil, anew, Valid)
	return list
}

// A file is read once, whatever its log asks for: but for its header, its last chunk, the
// trailer, and what was read ahead where reading broke off.
func TestOnePass(t *testing.T) {
	_, to, ids := party(t)
	for _, list := range [][]toRead{manyReadings(t, nil), manyReadings(t, ids, to)} {
		for _, x := range list {
			r, size := &counted{ReaderAt: bytes.NewReader(x.archive)}, int64(len(x.archive))
			v := newVerification(r, size, x.o, nil)
			rep, err := v.all(t.Context())
			if err != nil || rep.Verdict != x.want {
				t.Errorf("%s: %v, %s, want %s: %q", x.name, err, rep.Verdict, x.want, rep.Findings)
			}
			most := size + 200_000
			if x.want == Invalid || !rep.Sealed {
				most = size + size/3
			}
			if n := r.n.Load(); n > most {
				t.Errorf("%s, encrypted: %v: of a file of %d bytes %d were read", x.name, rep.Encrypted, size, n)
			}
			hashedWell(t, x.archive, v)
		}
	}
}

// What a crash left is hashed while it is looked at.
func TestRecoverReadsOnce(t *testing.T) {
	for _, x := range manyReadings(t, nil) {
		if x.name != "cut" {
			continue
		}
		r, size := &counted{ReaderAt: bytes.NewReader(x.archive)}, int64(len(x.archive))
		_, sum, err := readAndHash(t.Context(), r, size, VerifyOptions{})
		if n := r.n.Load(); err != nil || sum != signed.HexSum(x.archive) || n > size+size/3 {
			t.Errorf("%v, %s, %d of %d bytes were read", err, sum, n, size)
		}
	}
}
