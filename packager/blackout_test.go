package packager

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/packager/secret"
	"hozen/packager/signed"
)

// fileDevice is a device whose key is in a file, as `hozen key new` makes it.
func fileDevice(t testing.TB) Device {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := SaveDevice(newDevice(t, "pc-42"), file); err != nil {
		t.Fatal(err)
	}
	d, err := LoadDevice(file, "other")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// throwAway is a device whose key is nowhere yet.
func throwAway(t testing.TB, dir string) Device {
	t.Helper()
	d := newDevice(t, "pc-42")
	d.Throwaway, d.File = true, filepath.Join(dir, KeyName(forgedID))
	return d
}

// dark writes an archive with a blackout in it, during which it calls look.
func dark(t testing.TB, dir string, o Options, look func(w *Writer)) (*Writer, Sealed) {
	t.Helper()
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "before.txt", "signed before\n")
	err = w.Blackout(context.Background(), func() error {
		put(t, w, "memory/ram/image", "taken in the dark\n")
		look(w)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "after.txt", "signed after\n")
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	return w, s
}

// blackoutOf reads the record of the blackout as an auditor finds it.
func blackoutOf(t testing.TB, dir string, s Sealed, o VerifyOptions) (b Blackout, statements []Checkpoint) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, s.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read := func(name string, v any) {
		var text strings.Builder
		if _, err := Cat(context.Background(), f, s.Bytes, o, name, &text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := json.Unmarshal([]byte(text.String()), v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	read("data/memory/blackout.json", &b)
	for k := range s.Checkpoints {
		var c Checkpoint
		read(checkpointName(k+1, ".json"), &c)
		statements = append(statements, c)
	}
	return b, statements
}

func TestBlackout(t *testing.T) {
	for name, device := range map[string]func(dir string) Device{
		"key in a file":  func(string) Device { return fileDevice(t) },
		"throw-away key": func(dir string) Device { return throwAway(t, dir) },
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			dir := t.TempDir()
			o := testOptions(t, dir)
			o.Device = device(dir)
			w, s := dark(t, dir, o, func(w *Writer) {
				if k, err := w.Checkpoint(); k != 1 || err != nil {
					t.Errorf("checkpoint %d in the dark, %v", k, err)
				}
				if !strings.Contains(name, "file") && w.keyFile == "" {
					t.Skip("kernel has no direct output on the file system of this test")
				}
				if !erased(w.o.Device.Signer) || w.key.private != w.o.Device.Signer {
					t.Error("the device key is in memory, or another key is")
				}
			})
			log := trusting(t, o.Device)
			log.Log = readFile(t, filepath.Join(dir, LogName(forgedID)))
			if r := verdict(t, readFile(t, filepath.Join(dir, s.Name)), log); r.Verdict != Valid {
				t.Fatalf("%s %q", r.Verdict, r.Findings)
			}
			b, c := blackoutOf(t, dir, s, trusting(t, o.Device))
			pub, err := o.Device.Public()
			if err != nil {
				t.Fatal(err)
			}
			if c[b.Checkpoint-1].NextKey != signed.PublicText(pub) || c[b.Checkpoint].Key != signed.PublicText(pub) || c[b.Checkpoint].NextKey == signed.PublicText(pub) {
				t.Errorf("checkpoint %d announces %s; the next is signed by %s and announces %s", b.Checkpoint, c[b.Checkpoint-1].NextKey, c[b.Checkpoint].Key, c[b.Checkpoint].NextKey)
			}
			if b.Whole != (b.Output == "direct") { // the key's file is beside the archive, or on the same medium
				t.Errorf("%+v", b)
			}
			if b.KeyFile == "" || b.Left != "" || !b.Ended.After(b.Began) {
				t.Errorf("%+v", b)
			}
			if got := w.Blackouts(); len(got) != 1 || got[0].Checkpoint != b.Checkpoint {
				t.Errorf("%+v", got)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*.key")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// Where a key cannot be taken out the archive says so, and memory is taken all the same.
func TestBlackoutsThatAreNotWhole(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	mine := newDevice(t, "pc-42")
	for why, d := range map[string]Device{
		"cannot be erased":            {Name: "pc-42", Signer: key},
		"no file to keep":             {Name: "pc-42", Signer: newDevice(t, "x").Signer, Throwaway: true},
		"file exists":                 {Name: "pc-42", Signer: newDevice(t, "x").Signer, Throwaway: true, File: taken},
		"no such file":                {Name: "pc-42", Signer: newDevice(t, "x").Signer, File: taken + ".not"},
		"holds another key than":      {Name: "pc-42", Signer: newDevice(t, "x").Signer, File: fileDevice(t).File},
		"a copy would stay in memory": {Name: "pc-42", Signer: mine.Signer, File: taken, Kept: secret.ErrKept},
	} {
		dir := t.TempDir()
		o := testOptions(t, dir)
		o.Device = d
		_, s := dark(t, dir, o, func(*Writer) {})
		b, _ := blackoutOf(t, dir, s, trusting(t, d))
		if b.Whole || !strings.Contains(strings.Join(b.Kept, "\n"), why) {
			t.Errorf("%s: %+v", why, b)
		}
	}
	if string(readFile(t, taken)) != "mine" {
		t.Error("a file that was there was written over")
	}
}

// When the device key is gone after the blackout, what was signed before it stands.
func TestBlackoutWithoutAReturn(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	o.Device = fileDevice(t)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "before.txt", "x")
	err = w.Blackout(context.Background(), func() error {
		put(t, w, "memory/ram/image", "x")
		return os.Remove(o.Device.File)
	})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := w.Seal(""); err == nil {
		t.Error("sealed without the device key")
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	r := verdict(t, readFile(t, filepath.Join(dir, ArchiveName(forgedID)+partialSuffix)), trusting(t, o.Device))
	if r.Verdict != ValidPartial || r.Checkpoint != 1 {
		t.Errorf("%s at checkpoint %d: %q", r.Verdict, r.Checkpoint, r.Findings)
	}
}

// A power cut during a blackout leaves a throw-away key's file; recover removes it.
func TestRecoverRemovesTheKeyFile(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	crash := crashed(t, w.archive[:len(w.archive)/2], nil)
	d := throwAway(t, dir)
	file := filepath.Join(crash, KeyName(forgedID))
	if err := d.Signer.(*secret.Key).Write(file, "device:x", true); err != nil {
		t.Fatal(err)
	}
	r, err := recovery(crash, w.device)
	if err != nil || r.KeyFile != KeyName(forgedID) || r.KeyErr != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key file: %v", err)
	}
}

// The lists of a segment that nobody signs do not grow over what a reader takes.
func TestBlackoutEndsWhenTheListsAreFull(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	o.Device = fileDevice(t)
	_, s := dark(t, dir, o, func(w *Writer) {
		w.mu.Lock()
		w.seg.records = append(w.seg.records, make([]byte, maxManifest)...) // as if of many items
		full := w.due()
		w.seg.records = w.seg.records[:len(w.seg.records)-maxManifest]
		err := w.checkpoint("open")
		w.mu.Unlock()
		if _, signErr := w.o.Device.Signer.Sign(nil, nil, crypto.Hash(0)); !full || err != nil || signErr != nil {
			t.Errorf("full: %v, %v, the device signs: %v", full, err, signErr)
		}
	})
	b, _ := blackoutOf(t, dir, s, trusting(t, o.Device))
	if b.Whole || !strings.Contains(strings.Join(b.Kept, "\n"), "ended before") {
		t.Errorf("%+v", b)
	}
}
