package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// Whatever arrives is kept, and its receipt says what it is.
func TestVerdicts(t *testing.T) {
	h := start(t)
	d, state := device(t, h, "pc-1")
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, one := range []struct {
		name string
		by   packager.Device
		harm func([]byte) []byte
		want packager.Verdict
	}{
		{"a bit is turned", d, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, packager.Invalid},
		{"by a key that is not enrolled", newDevice(t, "pc-1"), func(b []byte) []byte { return b }, packager.UntrustedSigner},
		{"no archive at all", d, func(b []byte) []byte { return []byte("this is no archive") }, packager.Invalid},
	} {
		dir, commit := archive(t, one.by, 64<<10)
		path := filepath.Join(dir, commit.Archive.Name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, one.harm(b), 0o600); err != nil {
			t.Fatal(err)
		}
		commit.Archive = whole(t, path)
		r, err := send(ctx, c, dir, commit)
		if err != nil || r.Verdict != string(one.want) || r.Findings == 0 {
			t.Errorf("%s: %+v %v", one.name, r, err)
		}
		f, size, err := h.Open(ctx, "pc-1", commit.Collection, protocol.FileArchive)
		if err != nil || size != commit.Archive.Bytes || f.Close() != nil {
			t.Errorf("%s: not kept: %v", one.name, err)
		}
	}
}

// A commit that names other bytes than arrived gets no receipt; sent again, it does.
func TestWrongCommit(t *testing.T) {
	h := start(t)
	d, state := device(t, h, "pc-1")
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir, commit := archive(t, d, 64<<10)
	other := filepath.Join(t.TempDir(), commit.Archive.Name)
	if err := os.WriteFile(other, []byte(strings.Repeat("x", int(commit.Archive.Bytes))), 0o600); err != nil {
		t.Fatal(err)
	}
	lie := commit
	lie.Archive = whole(t, other)
	if err := sendFiles(ctx, c, dir, commit); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(ctx, lie); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Receipt(ctx, lie); !errors.Is(err, remote.ErrNotStored) {
		t.Fatalf("a receipt for other bytes: %v", err)
	}
	if err := sendUntil(ctx, c, dir, commit); err != nil {
		t.Fatal(err)
	}
	if list, err := h.Archives(ctx, "", 10); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
}
