package packager

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hozen/packager/evidence"
)

// Whatever way an item goes into the archive, its old hashes are those of its bytes
// there, in its record and for whoever observes; others have none.
func TestOldHashes(t *testing.T) {
	if testing.Short() {
		t.Skip("long test: items of every size")
	}
	const mib = 1 << 20
	dir := t.TempDir()
	opts := testOptions(t, dir)
	var mu sync.Mutex
	observed := map[string]evidence.Record{}
	opts.Observe = func(r evidence.Record) {
		mu.Lock()
		defer mu.Unlock()
		observed[r.Path] = r
	}
	w, err := Create(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Abort() })
	kept := map[string]int64{}
	for _, c := range []struct {
		path                string
		known, actual, kept int64
	}{
		{"empty", -1, 0, 0}, {"small", -1, 100, 100}, {"buffer", -1, mib, mib}, {"unknown-parts", -1, 9 * mib, 9 * mib},
		{"known", 5, 5, 5}, {"stream", 9 * mib, 9 * mib, 9 * mib}, {"shrank", 9 * mib, 7, 9 * mib}, {"emptied", 9 * mib, 0, 0},
		{"grew", 9 * mib, 10 * mib, 9 * mib}, {"known-parts", 65 * mib, 65 * mib, 65 * mib},
	} {
		for _, old := range []bool{true, false} {
			item := evidence.Item{Path: c.path + fmt.Sprint(old), OldHashes: old}
			if c.known >= 0 {
				item.File = known("", c.known).File
			}
			if err := w.Put(context.Background(), item, func(out io.Writer) error { return largePieces(out, c.actual) }); err != nil {
				t.Fatal(err)
			}
			kept[item.Path] = c.kept
		}
	}
	err = w.Put(context.Background(), evidence.Item{Path: "denied", OldHashes: true}, func(io.Writer) error { return os.ErrPermission })
	if err != nil {
		t.Fatal(err)
	}
	records, archive, vo := sealAndList(t, w, dir)
	for path, size := range kept {
		var body bytes.Buffer
		if _, err := Cat(context.Background(), bytes.NewReader(archive), int64(len(archive)), vo, "data/"+path, &body); err != nil || int64(body.Len()) != size {
			t.Fatalf("%s: %d bytes, %v", path, body.Len(), err)
		}
		one, five := sha1.Sum(body.Bytes()), md5.Sum(body.Bytes())
		want, seen := [2]string{hex.EncodeToString(one[:]), hex.EncodeToString(five[:])}, [2]any{one, five}
		if strings.HasSuffix(path, "false") {
			want, seen = [2]string{}, [2]any{[20]byte{}, [16]byte{}}
		}
		if r := records[path]; r.SHA1 != want[0] || r.MD5 != want[1] {
			t.Errorf("%s: %q %q, want %q", path, r.SHA1, r.MD5, want)
		}
		if r := observed[path]; r.SHA1 != seen[0] || r.MD5 != seen[1] {
			t.Errorf("%s: observed %x %x, want %x", path, r.SHA1, r.MD5, seen)
		}
	}
	if r := records["denied"]; r.SHA1+r.MD5 != "" || observed["denied"].SHA1 != [20]byte{} {
		t.Errorf("of what was denied: %+v", r)
	}
}

// Segments that follow one another are read again in one go: what stands between
// them, which is no part of the tar stream, moves no place in it.
func TestOldHashesInManySegments(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(testOptions(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Abort() })
	for i := range 5 {
		item := evidence.Item{Path: fmt.Sprint("file-", i), OldHashes: true}
		if err := w.Put(t.Context(), item, func(out io.Writer) error { return largePieces(out, int64(1000*i)) }); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	_, archive, vo := sealAndList(t, w, dir)
	if r := verdict(t, archive, vo); r.Verdict != Valid {
		t.Errorf("%s: %q", r.Verdict, r.Findings)
	}
}

// An oldLie is an archive by a holder of the keys, and what is wrong with the old
// hashes in it; "" where nothing is.
type oldLie struct{ name, finding, records string }

// oldLies are records of the members that oldForge makes.
func oldLies() []oldLie {
	both := func(one, five string) string {
		return fmt.Sprintf(`"sha256":"00","sha1":"%x","md5":"%x"`, sha1.Sum([]byte(one)), md5.Sum([]byte(five)))
	}
	sums := func(body string) string { return both(body, body) }
	line := func(path, rest string) string { return fmt.Sprintf(`{"path":"data/%s",%s}`+"\n", path, rest) }
	at := func(n int) string { return fmt.Sprintf(`,"tar_off":%d`, n) }
	a, joined := line("a", sums("evidence\n")+at(oldOffA)), line("big", sums("onetwo")+`,"parts":2`)
	wrong := "is not what its record says"
	return []oldLie{
		{"old hashes", "", a + joined},
		{"old hashes of another member", wrong, line("a", sums("other\n")+at(oldOffA))},
		{"old hashes of parts in another order", wrong, line("big", sums("twoone")+`,"parts":2`)},
		{"MD5 alone wrong", wrong, line("a", both("evidence\n", "other\n")+at(oldOffA))},
		{"SHA-1 alone wrong", wrong, line("a", both("other\n", "evidence\n")+at(oldOffA))},
		{"fewer parts than there are", wrong, line("big", sums("onetwo")+`,"parts":1`)},
		{"parts that are not there", "not there", line("none", sums("onetwo")+`,"parts":2`)},
		{"parts twice", "twice", joined + joined},
		{"hashes of a part", "form or place", line("big.p000000", sums("one")+at(oldOffA)+`,"part":0`)},
		{"another name at that place", "another name", line("b", sums("evidence\n")+at(oldOffA))},
		{"no member at that place", "none begins", line("a", sums("evidence\n")+at(oldOffA+512))},
		{"a place behind everything", "none begins", line("a", sums("evidence\n")+at(1<<40))},
		{"no place", "no place", line("a", sums("evidence\n"))},
		{"one without the other", "form or place", line("a", `"sha256":"00","sha1":"`+strings.Repeat("0", 40)+`"`+at(oldOffA))},
		{"upper case", "form or place", line("a", `"sha256":"00","sha1":"`+strings.Repeat("A", 40)+`","md5":"`+strings.Repeat("A", 32)+`"`+at(oldOffA))},
		{"without SHA-256", "form or place", strings.Replace(a, `"sha256":"00",`, "", 1)},
		{"no JSON", "records of segment 2", `{"sha1":"` + "\n"},
	}
}

// oldOffA is where the member data/a begins in the archive of oldForge: behind
// bagit.txt, genesis and its signature, whose sizes hardly change.
const oldOffA = 3584

// oldForge has data/a and part of data/big in segment 1, the rest and the records in segment 2.
func oldForge(t testing.TB, d Device, records string) []byte {
	f := newForge(t, d)
	if f.off+int64(len(f.tar)) != oldOffA {
		t.Fatalf("data/a begins at %d", f.off+int64(len(f.tar)))
	}
	f.member("data/a", "evidence\n")
	f.member("data/big.p000000", "one")
	f.checkpoint("open", lie{})
	f.member("data/big.p000001", "two")
	f.checkpoint("open", lie{records: &records})
	return f.finish()
}

func TestFalseOldHashesAreFound(t *testing.T) {
	d := newDevice(t, "pc-42")
	for _, c := range oldLies() {
		r := verdict(t, oldForge(t, d, c.records), trusting(t, d))
		found := strings.Join(r.Findings, "\n")
		if want := map[bool]Verdict{true: Valid, false: Invalid}[c.finding == ""]; r.Verdict != want || !strings.Contains(found, c.finding) {
			t.Errorf("%s: %s %q, want %s %q", c.name, r.Verdict, found, want, c.finding)
		}
	}
}

// What nobody checks, because it is spelled otherwise, nobody is shown.
func TestOldHashesInAnotherSpelling(t *testing.T) {
	d := newDevice(t, "pc-42")
	for _, spelled := range []string{`"SHA1":"00"`, `"md5" :"00"`, `"\u006dd5":"00"`} {
		b := oldForge(t, d, `{"path":"data/a",`+spelled+"}\n")
		_, err := List(context.Background(), bytes.NewReader(b), int64(len(b)), trusting(t, d), func(RecordLine) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "another spelling") {
			t.Errorf("%s: %v", spelled, err)
		}
	}
}

// The second verifier finds false sums, too.
func TestAuditScriptChecksOldHashes(t *testing.T) {
	needAuditTools(t)
	d := newDevice(t, "pc-42")
	signer, err := d.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	trust := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(trust, []byte(signer), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range oldLies() {
		if c.finding != "" && c.finding != "is not what its record says" {
			continue // the form of records is not its task
		}
		n++
		b := oldForge(t, d, c.records)
		if got, want := audit(t, t.TempDir(), b, trust), verdict(t, b, trusting(t, d)).Verdict; got != string(want) && c.name != "fewer parts than there are" {
			t.Errorf("%s: audit.sh says %s, Verify %s", c.name, got, want)
		}
	}
	if n < 4 {
		t.Errorf("%d cases", n)
	}
}

// BenchmarkWriter puts items of one size, without and with old hashes.
func BenchmarkWriter(b *testing.B) {
	for _, size := range []int64{4 << 10, 1 << 20, 32 << 20} {
		for _, old := range []bool{false, true} {
			b.Run(fmt.Sprintf("size=%dKiB/old=%v", size>>10, old), func(b *testing.B) {
				body := make([]byte, size)
				for i := range body {
					body[i] = byte(i * i >> 7)
				}
				w, err := Create(testOptions(b, b.TempDir()))
				if err != nil {
					b.Fatal(err)
				}
				defer w.Abort()
				b.SetBytes(size)
				for n := 0; b.Loop(); n++ {
					item := known(fmt.Sprint("f", n), size)
					item.OldHashes = old
					err := w.Put(context.Background(), item, func(out io.Writer) error {
						_, err := io.Copy(out, struct{ io.Reader }{bytes.NewReader(body)})
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
