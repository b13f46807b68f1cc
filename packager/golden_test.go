package packager

import (
	"bytes"
	"compress/bzip2"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hozen/packager/signed"
)

const goldenDir = "../testdata/archives/v1"

// goldenNames are the tamper cases that are kept as files, so that every later
// version gives the same verdict on archives that it did not make.
func goldenNames() []string {
	return []string{"untouched", "untouched with its log", "zeros appended", "seek table cut off", "cut after a checkpoint", "cut inside a frame",
		"cut and filled with zeros", "member added after the last checkpoint", "cut in the first segment", "cut when the log saw more",
		"empty file", "garbage appended", "second archive appended", "seek table altered", "contents changed", "recompressed at another level",
		"data frame removed", "data frames swapped", "marker removed", "segment removed", "segment replayed", "segment of another collection instead",
		"seal of another archive", "statement as a compressed frame", "statement signed by a stranger", "statement in re-wrapped armor",
		"bytes behind the inner signature", "device key where a session key was announced", "device key announced and used",
		"session key where the device key was announced", "seal by another device", "seal edited",
		"extra member in the seal", "sealed without the bag's manifest", "half-written last line of the log", "newest log events cut off",
		"empty log", "log of another collection", "log event edited", "log event deleted", "log made anew by the device", "log event by an unknown key"}
}

func goldenHostiles() []string {
	return []string{"symlink", "hardlink", "character device", "directory", "absolute name", "parent", "the same name in another case",
		"a directory where a file is", "pax comment", "name behind a pax header", "data in the padding", "mode", "time"}
}

// goldenOldHashes are archives with SHA-1 and MD5 in records: true, then false ones.
func goldenOldHashes() []string { return []string{"old hashes", "old hashes false"} }

// goldenJobs are archives that a job started.
func goldenJobs() []string {
	return []string{"job of trusted people", "job of one", "job by an unknown operator", "job signed in the wrong order", "job edited", "job without signatures",
		"job with one signature of two", "job of one key in two names", "job with a field twice", "job in the second segment"}
}

// addGoldenJobs adds the archives with a job to those that are there: HOZEN_GOLDEN=jobs.
func addGoldenJobs(t *testing.T) {
	d, trust, expect := newDevice(t, "pc-42"), string(readFile(t, filepath.Join(goldenDir, "allowed_signers"))), string(readFile(t, filepath.Join(goldenDir, "expect")))
	save := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(goldenDir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, jc := range jobCases() {
		if !slices.Contains(goldenJobs(), jc.name) {
			continue
		}
		b, made := jc.make(t, d)
		for line := range strings.Lines(made.trust) {
			if !strings.Contains(trust, line) {
				trust += line
			}
		}
		name := strings.ReplaceAll(jc.name, " ", "-") + ".tar.zst"
		save(name, b)
		expect += fmt.Sprintf("%s %s -\n", jc.want, name)
	}
	save("allowed_signers", []byte(trust))
	save("expect", []byte(expect))
}

// goldenEvents are archives whose logs tell of more than their making.
func goldenEvents() []string { return []string{"events behind the seal", "log without the job"} }

// addGoldenEvents adds them to those that are there: HOZEN_GOLDEN=events.
func addGoldenEvents(t *testing.T) {
	alice, bob := people(t)
	hub, dir := newDevice(t, "h1"), t.TempDir()
	file, o := writeAsked(t, dir, jobOf(t, jobText("alice", "bob"), alice, bob))
	archive, name := readFile(t, file), strings.ReplaceAll(goldenEvents()[0], " ", "-")
	tell := func(e Event) []byte {
		if e.Event != "" {
			if err := AppendEvent(dir, o.ID, o.Device, e, testTime); err != nil {
				t.Fatal(err)
			}
		}
		return readFile(t, filepath.Join(dir, LogName(o.ID)))
	}
	sealed := tell(Event{})
	receipt := fmt.Sprintf(`{"type":"hozen/receipt/1","collection":%q,"archive":{"name":"a","bytes":%d,"sha256":%q},"log":{"name":"l","bytes":%d,"sha256":%q},"verdict":"VALID","hub":"h1","time":"2026-11-21T09:05:00Z"}`+"\n",
		o.ID, len(archive), signed.HexSum(archive), len(sealed), signed.HexSum(sealed))
	tell(ReceiptEvent(receipt, jobSig(t, signed.Receipt, receipt, hub)))
	tell(Event{Event: "isolated", Detail: []EventDetail{{"before", ""}, {"after", strings.Repeat("drop # \u30d1\u30b1\u30c3\u30c8\n", 900)}}})
	log := tell(Event{Event: "described", Operator: "A. Sato", Witness: []string{"B. Ito"}, Reason: "screen turned red"})
	lied := signedLog(t, &world{log: sealed}, o.Device, func(e []Event) []Event { e[0].Detail = e[0].Detail[:2]; return e[:1] })
	device, err := o.Device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	key, err := hub.Public()
	if err != nil {
		t.Fatal(err)
	}
	other := strings.ReplaceAll(goldenEvents()[1], " ", "-")
	for file, more := range map[string]string{
		"allowed_signers": device + operatorLine(t, alice) + operatorLine(t, bob) + AllowedSigner("hub:h1", key),
		"expect":          fmt.Sprintf("%s %[2]s.tar.zst %[2]s.custody.jsonl\n%s %[4]s.tar.zst %[4]s.custody.jsonl\n", Valid, name, Invalid, other),
	} {
		if err := os.WriteFile(filepath.Join(goldenDir, file), append(readFile(t, filepath.Join(goldenDir, file)), more...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for file, b := range map[string][]byte{name + ".tar.zst": archive, name + ".custody.jsonl": log, other + ".tar.zst": archive, other + ".custody.jsonl": lied} {
		if err := os.WriteFile(filepath.Join(goldenDir, file), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// writeGolden makes the files of goldenDir anew: HOZEN_GOLDEN=write go test -run Golden ./packager.
// It is for a new version of the format only; that version gets a folder of its own.
func writeGolden(t *testing.T) {
	w := newWorld(t)
	if err := os.MkdirAll(goldenDir, 0o755); err != nil {
		t.Fatal(err)
	}
	line, err := w.device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	save := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(goldenDir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save("allowed_signers", []byte(line))
	var expect strings.Builder
	expect.WriteString("# verdict, archive, custody log (- if none is given); allowed_signers holds the device's key\n")
	add := func(name string, want Verdict, archive, log []byte) {
		name = strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), "'", "")
		logName := "-"
		if log != nil {
			logName = name + ".custody.jsonl"
			save(logName, log)
		}
		save(name+".tar.zst", archive)
		fmt.Fprintf(&expect, "%s %s %s\n", want, name+".tar.zst", logName)
	}
	for _, name := range goldenNames() {
		found := false
		for _, c := range tampers() {
			if c.name == name {
				ch := &change{archive: bytes.Clone(w.archive), o: w.o}
				c.do(t, w, ch)
				add(name, c.want, ch.archive, ch.o.Log)
				found = true
			}
		}
		if !found {
			t.Fatalf("no case %q", name)
		}
	}
	for _, name := range goldenHostiles() {
		for _, h := range hostiles() {
			if h.name == name {
				add("holder-"+name, Invalid, hostileArchive(t, w.device, h), nil)
			}
		}
	}
	for i, name := range goldenOldHashes() {
		add(name, []Verdict{Valid, Invalid}[i], oldForge(t, w.device, oldLies()[i].records), nil)
	}
	save("expect", []byte(expect.String()))
	addGoldenJobs(t)
	addGoldenEvents(t)
}

func TestGolden(t *testing.T) {
	switch os.Getenv("HOZEN_GOLDEN") {
	case "write":
		writeGolden(t)
	case "jobs":
		addGoldenJobs(t)
	case "events":
		addGoldenEvents(t)
	}
	trust, err := ParseTrust(bytes.NewReader(readFile(t, filepath.Join(goldenDir, "allowed_signers"))))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range strings.Split(string(readFile(t, filepath.Join(goldenDir, "expect"))), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		o := VerifyOptions{Trust: trust}
		if f[2] != "-" {
			o.Log = readFile(t, filepath.Join(goldenDir, f[2]))
		}
		if r := verdict(t, readFile(t, filepath.Join(goldenDir, f[1])), o); string(r.Verdict) != f[0] {
			t.Errorf("%s: %s, want %s: %q", f[1], r.Verdict, f[0], r.Findings)
		}
		n++
	}
	if want := len(goldenNames()) + len(goldenHostiles()) + len(goldenOldHashes()) + len(goldenJobs()) + len(goldenEvents()); n != want {
		t.Errorf("%d archives in expect, want %d", n, want)
	}
}

// Archives of other makers, damaged ones among them, hold nothing that we
// authenticate, and nothing of them reaches a disk.
func TestForeignArchives(t *testing.T) {
	n := 0
	err := filepath.WalkDir("../testdata/archives/foreign", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, ".md") {
			return err
		}
		n++
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			foreign(t, readFile(t, path))
			if b := decoded(t, path); b != nil {
				foreign(t, b)
			}
		})
		return nil
	})
	if err != nil || n < 100 {
		t.Errorf("%d archives, %v", n, err)
	}
}

// decoded gives what a .base64 or .bz2 file holds, up to a bound.
func decoded(t *testing.T, path string) []byte {
	b := readFile(t, path)
	var r io.Reader
	switch filepath.Ext(path) {
	case ".base64":
		r = base64.NewDecoder(base64.StdEncoding, bytes.NewReader(b))
	case ".bz2":
		r = bzip2.NewReader(bytes.NewReader(b))
	default:
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil && len(out) == 0 {
		t.Error(err)
	}
	return out
}

func foreign(t *testing.T, b []byte) {
	t.Helper()
	ctx, r, size, o := context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{Log: nil}
	if rep := verdict(t, b, o); rep.Verdict != NotEvidence || rep.AuthenticBytes != 0 {
		t.Errorf("%s: %q", rep.Verdict, rep.Findings)
	}
	if rep, err := List(ctx, r, size, o, func(l RecordLine) error { t.Errorf("record of %s", l.Path); return nil }); err != nil || rep.Verdict != NotEvidence {
		t.Errorf("list: %v %v", rep, err)
	}
	var out bytes.Buffer
	if _, err := Cat(ctx, r, size, o, "bagit.txt", &out); !errors.Is(err, ErrNoMember) || out.Len() > 0 {
		t.Errorf("cat: %v, %d bytes", err, out.Len())
	}
	dest := t.TempDir()
	rep, names, err := Extract(ctx, r, size, o, dest, nil)
	left, _ := os.ReadDir(dest)
	if err != nil || rep.Verdict != NotEvidence || len(names)+len(left) > 0 {
		t.Errorf("extract: %v %v, left %v", err, names, left)
	}
}
