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
	"strings"
	"testing"
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
}

func TestGolden(t *testing.T) {
	if os.Getenv("HOZEN_GOLDEN") == "write" {
		writeGolden(t)
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
	if want := len(goldenNames()) + len(goldenHostiles()) + len(goldenOldHashes()); n != want {
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
