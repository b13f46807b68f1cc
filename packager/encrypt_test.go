package packager

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"hozen/packager/cipher"
)

// A sealedWorld is an archive that is encrypted, with what belongs to it.
type sealedWorld struct {
	name           string
	archive, log   []byte
	plain          []byte // what is in it
	head           int    // bytes of header and nonce
	ids            []age.Identity
	identity, to   string
	outer, inner   VerifyOptions // trust the device and have the log; inner opens it, too
	blind          VerifyOptions // opens it, without the log
	device         Device
	dir            string
	checkpointEnds []int64 // stored bytes behind which the log knows a checkpoint
}

func party(t testing.TB) (identity, to string, ids []age.Identity) {
	t.Helper()
	identity, to, err := cipher.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	ids, err = cipher.Identities([]byte(identity+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return identity, to, ids
}

func random(t testing.TB, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// newSealedWorld writes an archive of four segments, one of them of several chunks.
func newSealedWorld(t testing.TB) *sealedWorld {
	t.Helper()
	w := &sealedWorld{dir: t.TempDir()}
	w.identity, w.to, w.ids = party(t)
	o := testOptions(t, w.dir)
	o.Genesis.Recipients = []string{w.to}
	w.device = o.Device
	wr, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range []int{10, 300_000, 70_000} {
		put(t, wr, fmt.Sprintf("volatile/%d.bin", i), random(t, n))
		if _, err := wr.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	put(t, wr, "plain.txt", "the last one\n")
	s, err := wr.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	w.name = s.Name
	w.archive, w.log = readFile(t, filepath.Join(w.dir, s.Name)), readFile(t, filepath.Join(w.dir, LogName(o.ID)))
	if int64(len(w.archive)) != s.Bytes {
		t.Fatalf("%d bytes on the disk, sealed %d", len(w.archive), s.Bytes)
	}
	w.outer = trusting(t, o.Device)
	w.blind = w.outer
	w.blind.Identities = w.ids
	w.outer.Log = w.log
	w.inner = w.blind
	w.inner.Log = w.log
	w.open(t)
	return w
}

// open deciphers it as age does.
func (w *sealedWorld) open(t testing.TB) {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(w.archive), w.ids...)
	if err != nil {
		t.Fatal(err)
	}
	if w.plain, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	header, err := cipher.Header(bytes.NewReader(w.archive), int64(len(w.archive)))
	if err != nil {
		t.Fatal(err)
	}
	w.head = len(header) + 16
	events, _, err := readLog(w.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Event == eventCheckpoint {
			w.checkpointEnds = append(w.checkpointEnds, e.Object.Bytes)
		}
	}
}

// chunk gives chunk i as it is stored.
func (w *sealedWorld) chunk(i int) []byte {
	at := w.head + i*(cipher.ChunkSize+16)
	return w.archive[at:min(at+cipher.ChunkSize+16, len(w.archive))]
}

func (w *sealedWorld) chunks() int {
	return (len(w.archive) - w.head + cipher.ChunkSize + 15) / (cipher.ChunkSize + 16)
}

// ofChunks gives a file of these chunks.
func (w *sealedWorld) ofChunks(list ...int) []byte {
	b := bytes.Clone(w.archive[:w.head])
	for _, i := range list {
		b = append(b, w.chunk(i)...)
	}
	return b
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

// encryptTo encrypts anew, as anybody can who knows the recipient.
func encryptTo(t testing.TB, plain []byte, to string) []byte {
	t.Helper()
	var b bytes.Buffer
	v, err := cipher.NewWriter(&b, []string{to})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEncryptedWhole(t *testing.T) {
	w := newSealedWorld(t)
	if !strings.HasSuffix(w.name, ".tar.zst.age") {
		t.Errorf("it is called %s", w.name)
	}
	for name, c := range map[string]struct {
		o    VerifyOptions
		want Verdict
		conf string
	}{
		"without a key":        {w.outer, ValidOuter, "encrypted, contents not seen"},
		"with an identity":     {w.inner, Valid, "encrypted to 1 recipients, opened"},
		"and without the log":  {w.blind, Valid, "encrypted, opened; genesis names 1 recipients, and without the custody log it is not proved that these bytes are for them"},
		"nobody trusted":       {VerifyOptions{Log: w.log}, UntrustedSigner, "encrypted, contents not seen"},
		"opened, none trusted": {VerifyOptions{Log: w.log, Identities: w.ids}, UntrustedSigner, "encrypted to 1 recipients, opened"},
		"neither key nor log":  {VerifyOptions{}, NotEvidence, "encrypted, contents not seen"},
	} {
		r := verdict(t, w.archive, c.o)
		if r.Verdict != c.want || r.Axes.Confidentiality != c.conf {
			t.Errorf("%s: %s, %q: %v %v", name, r.Verdict, r.Axes.Confidentiality, r.Findings, r.Notes)
		}
		if c.want != NotEvidence && (!r.Sealed || r.AuthenticBytes != int64(len(w.archive)) || r.Axes.Completeness != "sealed" || r.Checkpoint != 4 || r.Fingerprint == "") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	// What age gives is the archive itself; its log speaks of other bytes.
	o := w.outer
	for _, log := range [][]byte{nil, w.log} {
		o.Log = log
		if r := verdict(t, w.plain, o); r.Verdict != Valid {
			t.Errorf("deciphered: %s %v", r.Verdict, r.Findings)
		}
	}
	if head := verdict(t, w.archive, w.outer).Head; head != verdict(t, w.plain, o).Head {
		t.Errorf("the head hash that the log knows is %s", head)
	}
}

// Cut at any place: without a key what the log knows decides, with one what is in it.
func TestEncryptedCut(t *testing.T) {
	w := newSealedWorld(t)
	var cuts []int
	for c := 0; c < len(w.archive); c += 1 + len(w.archive)/some(60) {
		cuts = append(cuts, c)
	}
	for i := range w.chunks() {
		end := w.head + i*(cipher.ChunkSize+16)
		cuts = append(cuts, end-1, end, end+1)
	}
	for i := 1; i < some(40); i++ {
		cuts = append(cuts, len(w.archive)-i)
	}
	for _, cut := range cuts {
		b := w.archive[:cut]
		want, k := NotEvidence, 0
		for i, end := range w.checkpointEnds {
			if int64(cut) >= end {
				want, k = ValidPartial, i+1
			}
		}
		r := verdict(t, b, w.blind)
		if r.Verdict != want && !(r.Verdict == Valid && r.Seal != nil || k == 0 && r.Checkpoint > 0 && r.Verdict == ValidPartial) || r.Checkpoint < k || r.AuthenticBytes > int64(cut) {
			t.Errorf("cut at %d of %d: %s at checkpoint %d, want %s at %d: %v", cut, len(w.archive), r.Verdict, r.Checkpoint, want, k, r.Findings)
		}
		if r := verdict(t, b, w.outer); r.Verdict != Invalid || cut > 0 && !strings.Contains(strings.Join(r.Findings, " "), "TRUNCATED") {
			t.Errorf("cut at %d, with a log that knows more: %s %v", cut, r.Verdict, r.Findings)
		}
	}
}

// The log as it was when the power went knows each checkpoint by its stored bytes.
func TestEncryptedInterrupted(t *testing.T) {
	w := newSealedWorld(t)
	lines := bytes.SplitAfter(w.log, []byte("\n"))
	for k, end := range w.checkpointEnds {
		log := bytes.Join(lines[:k+2], nil)
		for _, more := range []int{0, 1, 1000, 70_000} {
			b := w.archive[:min(int(end)+more, len(w.archive))]
			if more == 1000 {
				b = append(bytes.Clone(b[:end]), make([]byte, 1000)...)
			}
			outer, inner := w.outer, w.inner
			outer.Log, inner.Log = log, log
			r := verdict(t, b, outer)
			if r.Verdict != ValidOuter || r.Sealed || r.Checkpoint != k+1 || r.AuthenticBytes != end || !strings.Contains(r.Axes.Completeness, fmt.Sprintf("interrupted at checkpoint %d", k+1)) {
				t.Errorf("checkpoint %d and %d bytes, without a key: %+v", k+1, more, r)
			}
			if r := verdict(t, b, inner); r.Verdict != ValidPartial && r.Verdict != Valid || r.Checkpoint < k+1 || r.AuthenticBytes < end {
				t.Errorf("checkpoint %d and %d bytes, opened: %s, %d of %d %v", k+1, more, r.Verdict, r.AuthenticBytes, end, r.Findings)
			}
		}
	}
}

// Any bit that is turned is found, with and without a key.
func TestEncryptedFlips(t *testing.T) {
	w := newSealedWorld(t)
	var at []int
	for i := 0; i < len(w.archive); i += 1 + len(w.archive)/some(150) {
		at = append(at, i)
	}
	for i := range some(40) {
		at = append(at, i*5, len(w.archive)-1-i*7)
	}
	inParallel(t, len(at), func(t *testing.T, n int) {
		i := at[n]
		b := bytes.Clone(w.archive)
		b[i] ^= 1 << (n % 8)
		if len(bytes.TrimRight(b[i:], "\x00")) == 0 { // a file that ends earlier, before zeros: TestEncryptedCut
			b[i] ^= 1 << ((n + 1) % 8)
		}
		for name, o := range map[string]VerifyOptions{"outer": w.outer, "inner": w.inner} {
			if r := verdict(t, b, o); r.Verdict != Invalid {
				t.Errorf("bit %d of byte %d of %d turned, %s: %s %v", n%8, i, len(b), name, r.Verdict, r.Findings)
			}
		}
		if r := verdict(t, b, w.blind); r.Verdict != Invalid && (i >= w.head || r.Verdict != NotEvidence) {
			t.Errorf("bit %d of byte %d of %d turned, no log: %s %v", n%8, i, len(b), r.Verdict, r.Findings)
		}
	})
}

// encryptTampers are what somebody without the device's keys does to an archive that is
// encrypted: the verdicts without a key, with one, and with one but without the log.
func TestEncryptedTampers(t *testing.T) {
	w, other := newSealedWorld(t), newSealedWorld(t)
	n := w.chunks()
	stranger, strangersID := "", []age.Identity(nil)
	_, stranger, strangersID = party(t)
	last := n - 1
	plainWorld := newWorld(t)
	frames := framesOf(t, w.plain)
	withPads := func(change func(f *frame) []*frame) []byte {
		var list []*frame
		for _, f := range frames {
			if f.kind == framePad {
				list = append(list, change(f)...)
			} else {
				list = append(list, f)
			}
		}
		return encryptTo(t, joinFrames(list), w.to)
	}
	opened := func(o VerifyOptions, ids []age.Identity) VerifyOptions { o.Identities = ids; return o }
	for _, c := range []struct {
		name                string
		archive             []byte
		outer, inner, blind Verdict
		o                   func(VerifyOptions) VerifyOptions
	}{
		{"untouched", w.archive, ValidOuter, Valid, Valid, nil},
		{"zeros appended", append(bytes.Clone(w.archive), make([]byte, 5000)...), ValidOuter, Valid, Valid, nil},
		{"garbage appended", append(bytes.Clone(w.archive), "garbage"...), Invalid, Invalid, Invalid, nil},
		{"a second archive appended", append(bytes.Clone(w.archive), other.archive...), Invalid, Invalid, Invalid, nil},
		{"a chunk removed", w.ofChunks(append(upTo(2), upTo(n)[3:]...)...), Invalid, Invalid, Invalid, nil},
		{"the first chunk removed", w.ofChunks(upTo(n)[1:]...), Invalid, Invalid, Invalid, nil},
		{"all but first and last removed", w.ofChunks(0, last), Invalid, Invalid, Invalid, nil},
		{"chunks swapped", w.ofChunks(append([]int{0, 2, 1}, upTo(n)[3:]...)...), Invalid, Invalid, Invalid, nil},
		{"a chunk doubled", w.ofChunks(append([]int{0, 1, 1}, upTo(n)[2:]...)...), Invalid, Invalid, Invalid, nil},
		{"a chunk of another archive", append(append(w.ofChunks(0, 1), other.chunk(2)...), w.ofChunks(upTo(n)[3:]...)[w.head:]...), Invalid, Invalid, Invalid, nil},
		{"the last chunk of another archive", append(w.ofChunks(upTo(last)...), other.chunk(last)...), Invalid, Invalid, ValidPartial, nil},
		{"header of another recipient's file", append(bytes.Clone(other.archive[:other.head]), w.archive[w.head:]...), Invalid, Invalid, NotEvidence, nil},
		{"the recipient's own header of another file", append(encryptTo(t, nil, w.to)[:w.head], w.archive[w.head:]...), Invalid, Invalid, NotEvidence, nil},
		{"encrypted anew", encryptTo(t, w.plain, w.to), Invalid, Invalid, Valid, nil},
		{"encrypted anew to a stranger, who opens it", encryptTo(t, w.plain, stranger), Invalid, Invalid, Valid, func(o VerifyOptions) VerifyOptions { return opened(o, strangersID) }},
		{"the wrong identity", w.archive, NotEvidence, NotEvidence, NotEvidence, func(o VerifyOptions) VerifyOptions { return opened(o, strangersID) }},
		{"of two identities one fits", w.archive, Valid, Valid, Valid, func(o VerifyOptions) VerifyOptions { return opened(o, append(strangersID[:1:1], w.ids...)) }},
		{"another archive inside", encryptTo(t, plainWorld.archive, w.to), Invalid, Invalid, UntrustedSigner, nil},
		{"no archive inside", encryptTo(t, []byte("hello"), w.to), Invalid, Invalid, NotEvidence, nil},
		{"pads left out", withPads(func(*frame) []*frame { return nil }), Invalid, Invalid, Invalid, nil},
		{"a pad twice", withPads(func(f *frame) []*frame { return []*frame{f, f} }), Invalid, Invalid, Invalid, nil},
		{"bytes hidden in pads", withPads(func(f *frame) []*frame {
			b := bytes.Clone(f.bytes)
			b[len(b)-1] = 1
			return []*frame{raw(b)}
		}), Invalid, Invalid, Invalid, nil},
		{"longer pads", withPads(func(f *frame) []*frame { return []*frame{raw(skippable(magicPad, make([]byte, len(f.bytes))))} }), Invalid, Invalid, Invalid, nil},
		{"the log of a plain archive", w.archive, Invalid, Invalid, Valid, func(o VerifyOptions) VerifyOptions {
			if o.Log != nil {
				o.Log = plainWorld.log
			}
			return o
		}},
		{"the log of another encrypted archive", w.archive, Invalid, Invalid, Valid, func(o VerifyOptions) VerifyOptions {
			if o.Log != nil {
				o.Log = other.log
			}
			return o
		}},
		{"an empty log", w.archive, NotEvidence, Invalid, Valid, func(o VerifyOptions) VerifyOptions {
			if o.Log != nil {
				o.Log = []byte{}
			}
			return o
		}},
		{"the log's newest events cut off", w.archive, ValidOuter, Valid, Valid, func(o VerifyOptions) VerifyOptions {
			if o.Log != nil {
				o.Log = bytes.Join(bytes.SplitAfter(w.log, []byte("\n"))[:4], nil)
			}
			return o
		}},
		{"the log edited", w.archive, Invalid, Invalid, Valid, func(o VerifyOptions) VerifyOptions {
			if o.Log != nil {
				o.Log = bytes.Replace(w.log, []byte(`\"complete\"`), []byte(`\"completed\"`), 1)
			}
			return o
		}},
		{"an empty file", nil, Invalid, Invalid, NotEvidence, nil},
		{"only the header", w.archive[:w.head-16], Invalid, Invalid, NotEvidence, nil},
		{"the plain archive under its name", w.plain, Valid, Valid, Valid, nil},
	} {
		for i, way := range []VerifyOptions{w.outer, w.inner, w.blind} {
			if c.o != nil {
				way = c.o(way)
			}
			want := []Verdict{c.outer, c.inner, c.blind}[i]
			if r := verdict(t, c.archive, way); r.Verdict != want {
				t.Errorf("%s, %s: %s, want %s: %v %v", c.name, []string{"without a key", "opened", "opened, no log"}[i], r.Verdict, want, r.Findings, r.Notes)
			}
		}
	}
}

// An archive that says nothing of recipients has no pads.
func TestNoPadsInThePlain(t *testing.T) {
	w := newWorld(t)
	var list []*frame
	off := int64(0)
	for _, f := range w.frames {
		list, off = append(list, f), off+int64(len(f.bytes))
		if f.kind == frameMarker {
			list = append(list, raw(pad(off)))
		}
	}
	if r := verdict(t, joinFrames(list), w.o); r.Verdict != Invalid {
		t.Errorf("pads where none belong: %s", r.Verdict)
	}
}

// Pads end one byte behind a chunk, whatever stands before, and are never too short.
func TestPad(t *testing.T) {
	for off := int64(1); off < 3*cipher.ChunkSize; off += 1 + off%37 {
		b := pad(off)
		end := off + int64(len(b))
		if end != padEnd(off) || end%cipher.ChunkSize != 1 || len(b) < padHeader || len(b) >= cipher.ChunkSize+padHeader {
			t.Fatalf("at %d: %d bytes", off, len(b))
		}
		f, err := nextFrame(bytes.NewReader(b), off, nil)
		if err != nil || f.kind != framePad || len(f.bytes) != len(b) {
			t.Fatalf("at %d: %v", off, err)
		}
	}
}

func TestEncryptedNamesAndCreate(t *testing.T) {
	for name, want := range map[string]FileName{
		"pc-42.tar.zst":                {ID: "pc-42"},
		"pc-42.tar.zst.age":            {ID: "pc-42", Encrypted: true},
		"pc-42.tar.zst.age.partial":    {ID: "pc-42", Encrypted: true, Partial: true},
		"pc-42.tar.zst.partial":        {ID: "pc-42", Partial: true},
		"pc-42.incomplete.tar.zst.age": {ID: "pc-42", Encrypted: true, Incomplete: true},
		"pc-42.incomplete.tar.zst":     {ID: "pc-42", Incomplete: true},
	} {
		if got, ok := ParseFileName(name); !ok || got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, name := range []string{"", "pc-42", "pc-42.age", "pc-42.tar.zst.age.age", ".tar.zst", "PC.tar.zst", "pc-42.incomplete.tar.zst.partial", "../pc-42.tar.zst"} {
		if f, ok := ParseFileName(name); ok {
			t.Errorf("%s: %+v", name, f)
		}
	}
	_, to, _ := party(t)
	quantum := ""
	var err error
	if _, quantum, err = cipher.Generate(true); err != nil {
		t.Fatal(err)
	}
	o := testOptions(t, t.TempDir())
	o.Genesis.Recipients = []string{to, quantum}
	if _, err := Create(o); !errors.Is(err, cipher.ErrMixed) {
		t.Errorf("post-quantum and other recipients: %v", err)
	}
}
