package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/cipher"
	"hozen/service/protocol"
)

// The hub, which has no key, receives cipher text: it is verified by its log, kept and listed
// under its own name, and comes out as it went in. What was cut is receipted as partial,
// what was changed as INVALID.
func TestEncrypted(t *testing.T) {
	h := start(t)
	d, state := device(t, h, "pc-1")
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	identity, recipient, err := cipher.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		name, suffix string
		make         func() (string, protocol.CommitRequest)
		receipt      string
		outer, inner packager.Verdict
	}{
		{"sealed", ".tar.zst.age", func() (string, protocol.CommitRequest) { return archive(t, d, 200<<10, recipient) }, "VALID-OUTER", packager.ValidOuter, packager.Valid},
		{"interrupted", ".incomplete.tar.zst.age", func() (string, protocol.CommitRequest) { return interrupted(t, d, recipient) }, "VALID-PARTIAL", packager.ValidOuter, packager.ValidPartial},
		{"changed", ".tar.zst.age", func() (string, protocol.CommitRequest) {
			dir, r := archive(t, d, 200<<10, recipient)
			flip(t, filepath.Join(dir, r.Archive.Name), 100_000)
			r.Archive = whole(t, filepath.Join(dir, r.Archive.Name))
			return dir, r
		}, "INVALID", packager.Invalid, packager.Invalid},
	} {
		dir, commit := one.make()
		if want := commit.Collection + one.suffix; commit.Archive.Name != want {
			t.Fatalf("%s: it is called %s", one.name, commit.Archive.Name)
		}
		r, err := send(ctx, c, dir, commit)
		if err != nil || r.Verdict != one.receipt || r.Archive != commit.Archive {
			t.Fatalf("%s: receipt %+v, %v", one.name, r, err)
		}
		list, err := h.Archives(ctx, "pc-1", 10)
		if err != nil || len(list) == 0 || list[0].Archive.Name != commit.Archive.Name || list[0].Verdict != one.receipt {
			t.Errorf("%s: listed %+v, %v", one.name, list, err)
		}
		a, err := h.Archive(ctx, "pc-1", commit.Collection)
		var report packager.Report
		if err != nil || json.Unmarshal(a.Report, &report) != nil || !report.Encrypted || report.Verdict != one.outer || report.Axes.Confidentiality != "encrypted, contents not seen" {
			t.Errorf("%s: report %s, %v", one.name, a.Report, err)
		}
		log, kept := stored(t, h, commit.Collection, protocol.FileLog), stored(t, h, commit.Collection, protocol.FileArchive)
		ids, err := cipher.Identities([]byte(identity), nil)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := packager.Verify(ctx, bytes.NewReader(kept), int64(len(kept)), packager.VerifyOptions{Log: log, Identities: ids, Fingerprints: []string{report.Fingerprint}})
		if err != nil || opened.Verdict != one.inner {
			t.Errorf("%s: what the hub kept, opened: %s %v, %v", one.name, opened.Verdict, opened.Findings, err)
		}
	}
}

// interrupted makes what a crash leaves of an archive that is encrypted, and recovers it
// without a key.
func interrupted(t *testing.T, d packager.Device, recipient string) (dir string, c protocol.CommitRequest) {
	t.Helper()
	dir = t.TempDir()
	id, err := packager.NewID(d.Name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w, err := packager.Create(packager.Options{ID: id, Disk: packager.Dir(dir), Device: d, Genesis: packager.Genesis{Recipients: []string{recipient}}})
	if err == nil {
		_, err = w.Checkpoint()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.Abort()
	r, err := packager.Recover(t.Context(), dir, packager.EncryptedName(id)+".partial", d, "hozen/test", nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return dir, protocol.CommitRequest{Collection: id, Archive: whole(t, filepath.Join(dir, r.Name)), Log: whole(t, filepath.Join(dir, r.Log))}
}

func flip(t *testing.T, file string, at int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.Chmod(file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// stored gives a file as the hub kept it.
func stored(t *testing.T, h *Hub, collection, file string) []byte {
	t.Helper()
	rc, _, err := h.Open(t.Context(), "pc-1", collection, file)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	b, err := io.ReadAll(rc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
