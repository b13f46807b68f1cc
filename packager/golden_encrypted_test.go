package packager

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/packager/cipher"
)

const encryptedDir = "../testdata/archives/encrypted"

// writeGoldenEncrypted makes the files anew, for a new version of the format:
// HOZEN_GOLDEN=encrypted go test -run GoldenEncrypted ./packager.
func writeGoldenEncrypted(t *testing.T) {
	dir := t.TempDir()
	identity, to, _ := party(t)
	o := testOptions(t, dir)
	o.Genesis.Recipients = []string{to}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "a.txt", "evidence\n")
	if _, err := w.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	put(t, w, "b.txt", "more\n")
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	line, err := o.Device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"archive.tar.zst.age": readFile(t, filepath.Join(dir, s.Name)), "archive.custody.jsonl": readFile(t, filepath.Join(dir, LogName(o.ID))),
		"identity": []byte("# of a test, opens nothing else\n" + identity + "\n"), "allowed_signers": []byte(line),
	} {
		if err := os.WriteFile(filepath.Join(encryptedDir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Every later version gives the same verdicts on an encrypted archive that it did not make.
func TestGoldenEncrypted(t *testing.T) {
	if os.Getenv("HOZEN_GOLDEN") == "encrypted" {
		writeGoldenEncrypted(t)
	}
	read := func(name string) []byte { return readFile(t, filepath.Join(encryptedDir, name)) }
	ids, err := cipher.Identities(read("identity"), nil)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := ParseTrust(bytes.NewReader(read("allowed_signers")))
	if err != nil {
		t.Fatal(err)
	}
	archive, log := read("archive.tar.zst.age"), read("archive.custody.jsonl")
	begun := bytes.Join(bytes.SplitAfter(log, []byte("\n"))[:2], nil)
	flipped := bytes.Clone(archive)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct {
		name         string
		archive, log []byte
		outer, inner Verdict
	}{
		{"whole", archive, log, ValidOuter, Valid},
		{"cut, with the log of then", archive[:len(archive)-1000], begun, ValidOuter, ValidPartial},
		{"cut, and the log knows", archive[:len(archive)-1000], log, Invalid, Invalid},
		{"a bit turned", flipped, log, Invalid, Invalid},
		{"no log", archive, nil, NotEvidence, Valid},
	} {
		o := VerifyOptions{Trust: trust, Log: c.log}
		if r := verdict(t, c.archive, o); r.Verdict != c.outer {
			t.Errorf("%s, without a key: %s %v", c.name, r.Verdict, r.Findings)
		}
		o.Identities = ids
		if r := verdict(t, c.archive, o); r.Verdict != c.inner {
			t.Errorf("%s, opened: %s %v", c.name, r.Verdict, r.Findings)
		}
	}
}

// BenchmarkWriterEncrypts: what encryption costs the writer, in time; for CPU run each alone under time(1).
func BenchmarkWriterEncrypts(b *testing.B) {
	_, to, _ := party(b)
	text := strings.Repeat(random(b, 3<<10)+strings.Repeat("a line of a log that repeats itself\n", 200), 100) // about 1 MiB, a third of it noise
	for name, list := range map[string][]string{"plain": nil, "encrypted": {to}} {
		b.Run(name, func(b *testing.B) {
			o := testOptions(b, b.TempDir())
			o.Genesis.Recipients = list
			w, err := Create(o)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				put(b, w, "item.bin", text)
			}
			if _, err := w.Seal(""); err != nil {
				b.Fatal(err)
			}
		})
	}
}
