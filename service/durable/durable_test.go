package durable

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state")
	for _, text := range []string{"one", "another"} {
		if err := Replace(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := Read(name, 10); err != nil || string(b) != text {
			t.Errorf("%q, %v", b, err)
		}
	}
	if _, err := Read(name, 6); err == nil {
		t.Error("a file that is too long is read")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := Replace(filepath.Join(dir, "no", "state"), nil); err == nil {
		t.Error("replaced in a folder that is not there")
	}
}

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	held, err := TryLock(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(name); !errors.Is(err, ErrInUse) {
		t.Errorf("locked twice: %v", err)
	}
	waited := make(chan error)
	go func() {
		l, err := Lock(name)
		if err == nil {
			err = l.Close()
		}
		waited <- err
	}()
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
}
