package packager

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"
)

// As long as a writer has its file open, nobody else gets its lock, and everybody reads it.
func TestLockOfAnOpenFile(t *testing.T) {
	dir, err := os.MkdirTemp("", "hozen") // Wine cannot remove t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	f, err := Dir(dir).Create("a" + partialSuffix)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "a"+partialSuffix)
	t.Cleanup(func() { os.Remove(name); os.Remove(dir) })
	if _, err := f.Write([]byte("evidence")); err != nil {
		t.Fatal(err)
	}
	other, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := lockFile(other); !errors.Is(err, ErrInUse) {
		t.Errorf("locked twice: %v", err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "evidence" {
		t.Errorf("%q, %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := lockFile(other); err != nil {
		t.Errorf("after it was closed: %v", err)
	}
	other.Close()
}

// A file gets its final name, and never over another.
func TestRename(t *testing.T) {
	dir, err := os.MkdirTemp("", "hozen")
	if err != nil {
		t.Fatal(err)
	}
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	t.Cleanup(func() { os.Remove(a); os.Remove(b); os.Remove(dir) })
	if err := os.WriteFile(a, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := rename(a, b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a, []byte("newer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := rename(a, b); err == nil {
		t.Error("renamed over another file")
	}
	if text, err := os.ReadFile(b); err != nil || string(text) != "new" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestLogThatAnotherHas: an editor or a scanner that shares a log with nobody is waited for,
// and if it stays, nothing is written and the log is as it was.
func TestLogThatAnotherHas(t *testing.T) {
	dir, err := os.MkdirTemp("", "hozen")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "log")
	if err := os.WriteFile(name, []byte("whole"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := windows.CreateFile(p, windows.GENERIC_READ, 0, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := openBusy(name, os.O_RDWR|os.O_APPEND); !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		t.Errorf("%v %v", f, err)
	}
	opened := make(chan error, 1)
	go func() {
		f, err := openBusy(name, os.O_RDWR|os.O_APPEND)
		if err == nil {
			err = f.Close()
		}
		opened <- err
	}()
	if err := windows.CloseHandle(alone); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Errorf("after it was closed: %v", err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "whole" {
		t.Errorf("%q %v", b, err)
	}
}
