package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// logAlone is the log of a collection, and a key with a passphrase that can sign into it.
func logAlone(t *testing.T) (dir, archive, key string) {
	t.Helper()
	dir = t.TempDir()
	if c := start(t, "collect", "--out", dir, "--only", "host", "--quiet"); c.Wait() != nil {
		t.Fatal(c.said())
	}
	key, _ = operator(t, dir, "operator:sato", "secret")
	return dir, one(t, dir, "*.tar.zst"), key
}

// left checks that a command was left at once, that nothing was signed, and what it said.
func (w *watched) left(t *testing.T, log string, before []byte) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- w.Wait() }()
	select {
	case err := <-done:
		if exitCode(err) != exitNotSealed {
			t.Errorf("exit code %d", exitCode(err))
		}
	case <-time.After(30 * time.Second):
		t.Error("does not leave")
		w.Process.Kill()
		<-done
	}
	if after, err := os.ReadFile(log); err != nil || !bytes.Equal(after, before) {
		t.Errorf("signed: %v %s", err, after[min(len(before), len(after)):])
	}
	w.until(t, "Interrupted: nothing was signed.")
	if strings.Contains(w.said(), ".partial") {
		t.Errorf("speaks of a collection:\n%s", w.said())
	}
}

// Ctrl-C among the questions of the form takes the answers back.
func TestCtrlCInTheForm(t *testing.T) {
	dir, archive, key := logAlone(t)
	log := one(t, dir, "*.custody.jsonl")
	before, _ := os.ReadFile(log)
	w, person := startAtTerminal(t, dir, "custody", "form", archive, "--sign-with", key, "--as", "operator:sato")
	w.until(t, "A1 [you]")
	typed(t, person, "wrong answer\n")
	w.until(t, "A2 [")
	typed(t, person, "\x03")
	w.left(t, log, before)
}

// Ctrl-C at a question for a passphrase leaves at once, and the terminal shows again what is
// typed.
func TestCtrlCAtAPassphrase(t *testing.T) {
	dir, archive, key := logAlone(t)
	log := one(t, dir, "*.custody.jsonl")
	before, _ := os.ReadFile(log)
	answers := filepath.Join(dir, "form.yaml")
	writeTestFile(t, answers, []byte("A4: Tanaka\n"))
	for _, args := range [][]string{
		{"custody", "release", archive, "--to", "lab:acme", "--how", "by hand", "--reason", "a test"},
		{"custody", "form", archive, "--fill", answers},
		{"custody", "add", "stored", archive, "--place", "safe 2"},
	} {
		t.Run(args[1], func(t *testing.T) {
			w, person := startAtTerminal(t, dir, append(args, "--sign-with", key, "--as", "operator:sato")...)
			w.until(t, "assphrase")
			typed(t, person, "\x03")
			w.left(t, log, before)
			if state, err := unix.IoctlGetTermios(int(person.Fd()), unix.TCGETS); err != nil || state.Lflag&unix.ECHO == 0 {
				t.Errorf("the terminal shows nothing of what is typed: %v", err)
			}
		})
	}
}

// The prompt comes when the terminal shows nothing of what is typed, and not before, however
// late the reader gets there.
func TestHiddenBeforePrompt(t *testing.T) {
	_, program := openPTY(t)
	fd := int(program.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		t.Fatal(err)
	}
	got := hidden(fd, before, func(fd int) ([]byte, error) {
		time.Sleep(30 * time.Millisecond)
		state, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			state.Lflag &^= unix.ECHO
			err = unix.IoctlSetTermios(fd, unix.TCSETS, state)
		}
		time.Sleep(30 * time.Millisecond)
		return nil, err
	})
	if now, err := term.GetState(fd); err != nil || *now == *before {
		t.Errorf("returned while the terminal still shows what is typed: %v", err)
	}
	if said := <-got; said.err != nil {
		t.Error(said.err)
	}
}

// The end of the input is no interruption: what was answered until then is signed.
func TestCtrlDInTheForm(t *testing.T) {
	dir, archive, key := logAlone(t)
	w, person := startAtTerminal(t, dir, "custody", "form", archive, "--sign-with", key, "--as", "operator:sato")
	w.until(t, "A1 [you]")
	typed(t, person, "case 9\n")
	w.until(t, "A2 [")
	typed(t, person, "\x04")
	w.until(t, "assphrase")
	typed(t, person, "secret\n")
	if code := exitCode(w.Wait()); code != exitWhole {
		t.Errorf("exit code %d\n%s", code, w.said())
	}
	if log, _ := os.ReadFile(one(t, dir, "*.custody.jsonl")); !bytes.Contains(log, []byte("case 9")) {
		t.Errorf("not signed: %s", w.said())
	}
}

// What was taken is spoken of only where something was.
func TestLastWords(t *testing.T) {
	a, _, _ := testApp()
	if said := a.lastWords(os.Interrupt); strings.Contains(said, ".partial") {
		t.Error(said)
	}
	if a.begun.Store(true); !strings.Contains(a.lastWords(os.Interrupt), ".partial") {
		t.Error("says nothing of what was taken")
	}
}
