package packager

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"hozen/packager/signed"
)

// objectOf is what an event says of a file.
func objectOf(name string, b []byte) EventObject {
	return EventObject{Name: name, Bytes: int64(len(b)), SHA256: signed.HexSum(b)}
}

// anewBy is the event that somebody made one file of another.
func anewBy(who string, before, now []byte) told {
	o := objectOf("before", before)
	header, err := HeaderDetail(bytes.NewReader(now), int64(len(now)))
	if err != nil {
		panic(err) // of a reader of memory
	}
	return told{who, Event{Event: eventReencrypted, Reason: "for the laboratory", Before: &o, Object: objectOf("now", now), Detail: header}}
}

// Encrypted to others, an archive has a log that goes on: by the word of who did it, if he is
// believed, and only for the bytes that came of those that were sealed.
func TestEncryptedAnew(t *testing.T) {
	needJQ(t)
	w, p := newSealedWorld(t), keepers{}
	_, to, ids := party(t)
	second, third := encryptTo(t, w.plain, to), encryptTo(t, w.plain, w.to)
	log := p.append(t, w.log, anewBy("lab:acme", w.archive, second))
	flipped := bytes.Clone(second)
	flipped[len(flipped)/2] ^= 1
	garbage := []byte("age-encryption.org/v1\n-> X25519 x\ngarbage")
	known := p.trust(t, w.device)
	byDevice := func(as string) []byte {
		return (keepers{as: w.device}).append(t, w.log, anewBy(as, w.archive, second))
	}
	for _, c := range []struct {
		name, why    string
		archive, log []byte
		trust        *Trust
		ids          []age.Identity
		outer, inner Verdict
	}{
		{"to others", "by the word of lab:acme", second, log, known, ids, ValidOuter, Valid},
		{"nobody says so", "", second, w.log, known, ids, Invalid, Invalid},
		{"by a stranger", "lab:acme: the key is unknown", second, log, w.outer.Trust, ids, Invalid, Invalid},
		{"by a stranger, of garbage", "the key is unknown", garbage, p.append(t, w.log, anewBy("lab:acme", w.archive, garbage)), w.outer.Trust, nil, Invalid, Invalid},
		{"of garbage", "header", garbage, p.append(t, w.log, anewBy("lab:acme", w.archive, garbage)), known, nil, Invalid, Invalid},
		{"by the device", "signed by a device", second, byDevice("device:pc-42"), known, ids, Invalid, Invalid},
		{"by the device, as a person", "signed by a device", second, byDevice("lab:acme"), known, ids, Invalid, Invalid},
		{"the file before", "", w.archive, log, known, w.ids, ValidOuter, Valid},
		{"deciphered", "", w.plain, log, known, nil, Valid, Valid},
		{"of other bytes", "", second, p.append(t, w.log, anewBy("lab:acme", second, second)), known, ids, Invalid, Invalid},
		{"other bytes came of it", "", second, p.append(t, w.log, anewBy("lab:acme", w.archive, third)), known, ids, Invalid, Invalid},
		{"changed since", "", flipped, log, known, ids, Invalid, Invalid},
		{"cut since", "", second[:len(second)-9], log, known, ids, Invalid, Invalid},
		{"zeros behind it", "", append(bytes.Clone(second), 0, 0), log, known, ids, ValidOuter, Valid},
		{"more behind it", "", append(bytes.Clone(second), 'x'), log, known, ids, Invalid, Invalid},
		{"and back", "event 8", third, p.append(t, log, anewBy("lab:acme", second, third)), known, w.ids, ValidOuter, Valid},
		{"the step between", "", third, p.append(t, w.log, anewBy("lab:acme", second, third)), known, w.ids, Invalid, Invalid},
	} {
		o := VerifyOptions{Log: c.log, Trust: c.trust}
		held(t, c.name, c.archive, o, c.outer, c.why)
		if slices.Contains([]string{"to others", "by a stranger", "by a stranger, of garbage", "of garbage", "by the device", "by the device, as a person", "of other bytes", "and back"}, c.name) {
			if got := auditAnew(t, p, w.device, c.trust == known, c.archive, c.log); got != string(c.outer) {
				t.Errorf("%s: audit.sh says %s, want %s", c.name, got, c.outer)
			}
		}
		o.Identities = c.ids
		held(t, c.name+", opened", c.archive, o, c.inner, c.why)
		o.OnlyFrom = 1
		alone := slices.Contains([]string{"to others", "the file before", "deciphered", "and back"}, c.name)
		if rep := sameSaid(t, c.name+", an item", c.archive, o, "data/volatile/1.bin"); rep.OnlyItems != alone {
			t.Errorf("%s: an item was read alone: %v", c.name, rep.OnlyItems)
		}
	}
	r := held(t, "to others", second, VerifyOptions{Log: log, Trust: known}, ValidOuter, "")
	if !r.Sealed || r.Checkpoint != 4 || r.AuthenticBytes != int64(len(second)) || r.Unauthenticated != 0 || !strings.Contains(r.Axes.Confidentiality, "encrypted anew by lab:acme") ||
		!strings.Contains(r.Axes.Integrity, "contents not seen") || len(r.Gaps) != 0 {
		t.Errorf("%+v", r)
	}
}

// One item of what was encrypted anew is read alone where the event tells of the header of this
// file, and says what the whole pass says.
func TestItemEncryptedAnew(t *testing.T) {
	_, to, ids := party(t)
	_, other, others := party(t)
	w, p := bigSealed(t, to), keepers{}
	r, err := age.Decrypt(bytes.NewReader(w.archive), ids...)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	second, again := encryptTo(t, plain, other), encryptTo(t, plain, other) // as long, under another header
	anew := anewBy("lab:acme", w.archive, second)
	silent, wrong := anew, anew
	silent.e.Detail, wrong.e.Detail = nil, anewBy("lab:acme", w.archive, again).e.Detail
	log := p.append(t, w.log, anew)
	stored := told{"lab:acme", Event{Event: "stored", Place: "safe 3"}}
	for _, c := range []struct {
		name         string
		archive, log []byte
		by           keepers
		alone        bool
		want         Verdict
	}{
		{"as it came", second, log, p, true, Valid},
		{"gone on", second, p.append(t, log, stored), p, true, Valid},
		{"the event tells of no header", second, p.append(t, w.log, silent), p, false, Valid},
		{"of another header", second, p.append(t, w.log, wrong), p, false, Valid},
		{"by a stranger", second, log, nil, false, Invalid},
		{"as long, and nobody says so", again, log, p, false, Invalid},
		{"cut", second[:len(second)-1], log, p, false, Invalid},
	} {
		o := VerifyOptions{Log: c.log, Trust: c.by.trust(t, w.device), Identities: others, OnlyFrom: 1}
		if rep := sameSaid(t, c.name, c.archive, o, "data/disk/9.bin"); rep.OnlyItems != c.alone || rep.Verdict != c.want {
			t.Errorf("%s: alone %v, %s: %q", c.name, rep.OnlyItems, rep.Verdict, rep.Findings)
		}
		n := &counted{ReaderAt: bytes.NewReader(c.archive)}
		if _, err := Cat(t.Context(), n, int64(len(c.archive)), o, "data/disk/9.bin", io.Discard); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if read := n.n.Load(); (read < int64(len(c.archive))/2) != c.alone {
			t.Errorf("%s: of %d bytes %d were read", c.name, len(c.archive), read)
		}
	}
}

// A signature for the stored bytes alone counts for the file that was sealed, and for what was
// made of it, not for any.
func TestCountersignedAnew(t *testing.T) {
	w, p := newSealedWorld(t), keepers{}
	_, to, ids := party(t)
	second := encryptTo(t, w.plain, to)
	head := verdict(t, w.plain, VerifyOptions{}).Head
	for what, c := range map[string]struct {
		bytes []byte
		want  int
	}{"the one before": {w.archive, 1}, "this one": {second, 1}, "another": {w.plain, 0}} {
		by := told{"witness:tanaka", Event{Event: eventCountersigned, Object: objectOf("x", c.bytes), Detail: []EventDetail{{factSeal, head}}}}
		log := p.append(t, w.log, anewBy("lab:acme", w.archive, second), by)
		if r := verdict(t, second, VerifyOptions{Log: log, Trust: p.trust(t, w.device), Identities: ids}); len(r.CoSignatures) != c.want {
			t.Errorf("%s: %d counted, want %d: %q", what, len(r.CoSignatures), c.want, r.Notes)
		}
	}
}

// What was not encrypted when it was sealed can be, later.
func TestEncryptedLater(t *testing.T) {
	w, p := newWorld(t), keepers{}
	_, to, ids := party(t)
	second := encryptTo(t, w.archive, to)
	log := p.append(t, w.log, anewBy("lab:acme", w.archive, second))
	o := VerifyOptions{Log: log, Trust: p.trust(t, w.device)}
	held(t, "outside", second, o, ValidOuter, "by the word of")
	o.Identities = ids
	held(t, "opened", second, o, Valid, "by the word of")
	o.Log = w.log
	held(t, "nobody says so", second, o, Invalid, "")
}

// auditAnew asks the script, who is known to the auditor or not.
func auditAnew(t *testing.T, p keepers, d Device, known bool, archive, log []byte) string {
	t.Helper()
	if !known {
		p = nil
	}
	dir := t.TempDir()
	args := []string{"audit.sh", filepath.Join(dir, "a.tar.zst.age"), trustFileOf(t, d, p), filepath.Join(dir, "a.custody.jsonl")}
	for at, b := range map[int][]byte{1: archive, 3: log} {
		if err := os.WriteFile(args[at], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := exec.Command("sh", args...).Output()
	word, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	return word
}
