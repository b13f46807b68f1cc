//go:build unix

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hozen/packager"
)

// A user without rights gets an archive, too: it says what was denied, and the
// exit code says that something was.
func TestCollectWithoutRights(t *testing.T) {
	dir, err := os.MkdirTemp("", "hozen-nobody-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c := command(context.Background(), "collect", "--out", dir, "--skip", "timeline,notable")
	if os.Geteuid() == 0 {
		const nobody = 65534
		program := filepath.Join(dir, "hozen")
		copyProgram(t, program)
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Skipf("needs another user: %v", err)
		}
		c.Path = program
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr, c.Dir = &stdout, &stderr, dir
	code := exitCode(c.Run())
	if code != exitShort {
		t.Fatalf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
	for _, want := range []string{"not root", "Volatile state"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("not said: %q\n%s", want, stderr.String())
		}
	}
	if !strings.Contains(stdout.String(), "denied") {
		t.Errorf("nothing was denied?\n%s", stdout.String())
	}
	file := one(t, dir, "*.tar.zst")
	if r := judge(t, file); r.Verdict != packager.Valid {
		t.Errorf("%s: %v", r.Verdict, r.Findings)
	}
	for _, pattern := range []string{"*.tar.zst", "*.custody.jsonl"} {
		if st, err := os.Stat(one(t, dir, pattern)); err != nil || st.Mode() != 0o600 {
			t.Errorf("%s: %v %v: others may read it", pattern, st.Mode(), err)
		}
	}
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Skipf("needs /proc: %v", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// Whoever read our progress may leave: the collection goes on and is sealed.
func TestReaderThatLeavesEndsNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := command(context.Background(), "collect", "--root", slowHost(t), "--out", dir)
	c.Stdout, c.Stderr = w, w
	if err := c.Start(); err != nil {
		t.Skipf("cannot start a process: %v", err)
	}
	w.Close()
	r.Read(make([]byte, 1))
	r.Close()
	if code := exitCode(c.Wait()); code != exitWhole {
		t.Errorf("exit code %d", code)
	}
	if r := judge(t, one(t, dir, "*.tar.zst")); r.Verdict != packager.Valid || r.Seal.Status != "complete" {
		t.Errorf("%s %+v", r.Verdict, r.Seal)
	}
}
