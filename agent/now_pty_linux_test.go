package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openPTY gives both ends of a pseudo-terminal (pts(4)).
func openPTY(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("kernel has no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("kernel has no pseudo-terminals here: %v", err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("kernel has no pseudo-terminals here: %v", err)
	}
	return person, program
}

// startNow runs now in a process of its own whose terminal we sit at.
func startNow(t *testing.T, dir string, args ...string) (w *watched, person *os.File) {
	t.Helper()
	return startAtTerminal(t, dir, append([]string{"now"}, args...)...)
}

// startAtTerminal runs a command in a process of its own whose terminal we sit at.
func startAtTerminal(t *testing.T, dir string, args ...string) (w *watched, person *os.File) {
	t.Helper()
	person, program := openPTY(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	w = &watched{Cmd: command(ctx, args...), hit: make(chan struct{}, 1)}
	w.Dir, w.Stdin, w.Stdout, w.Stderr = dir, program, program, program
	w.Env = append(w.Env, "TERM=xterm", "SUDO_USER=taro")
	w.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	go io.Copy(w, person) // ends with an error when nobody has the other end
	return w, person
}

func typed(t *testing.T, person *os.File, text string) {
	t.Helper()
	if _, err := io.WriteString(person, text); err != nil {
		t.Fatal(err)
	}
}

// A person at a terminal: what is typed while nobody asks answers nothing.
func TestNowAtATerminal(t *testing.T) {
	dir := t.TempDir()
	w, person := startNow(t, dir, "--lang", "ja", "--profile", "volatile")
	w.until(t, "どこに保存しますか")
	typed(t, person, dir+"\n")
	w.until(t, "始めますか")
	typed(t, person, "\ntoo early\ntoo early\n") // at once: a quick collection may be asking by then
	w.until(t, "始めます。次の質問")
	w.until(t, "あなたの氏名 [taro]: ")
	typed(t, person, "\n")
	w.until(t, "立ち会っている人の氏名: ")
	typed(t, person, "伊藤\n")
	w.until(t, "何が起きましたか（簡単に）: ")
	typed(t, person, "画面が赤くなった\n")
	if code := exitCode(w.Wait()); code != exitWhole && code != exitShort {
		t.Fatalf("exit code %d\n%s", code, w.said())
	}
	e := describedIn(t, dir)
	if e == nil || e.Operator != "taro" || strings.Join(e.Witness, "") != "伊藤" || e.Reason != "画面が赤くなった" {
		t.Errorf("%+v\n%s", e, w.said())
	}
	w.until(t, "セキュリティの担当者に")
}

// Ctrl-C at a question leaves nothing behind.
func TestCtrlCAtAQuestion(t *testing.T) {
	dir := t.TempDir()
	w, person := startNow(t, dir)
	w.until(t, "Where shall it be written")
	typed(t, person, dir+"\n")
	w.until(t, "Shall it begin")
	typed(t, person, "\x03")
	if code := exitCode(w.Wait()); code != exitNotSealed {
		t.Errorf("exit code %d\n%s", code, w.said())
	}
	w.until(t, "nothing was written")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v %v", left, err)
	}
}

// After the seal Ctrl-C ends the questions; what was said counts, and the archive is whole.
func TestCtrlCAfterTheSeal(t *testing.T) {
	dir := t.TempDir()
	w, person := startNow(t, dir, "--profile", "volatile")
	w.until(t, "Where shall it be written")
	typed(t, person, dir+"\n")
	w.until(t, "Shall it begin")
	typed(t, person, "\n")
	w.until(t, "Your name [taro]: ")
	typed(t, person, "A. Sato\n")
	w.until(t, "The name of who is with you: ")
	typed(t, person, "\x03")
	if code := exitCode(w.Wait()); code != exitWhole && code != exitShort {
		t.Errorf("exit code %d\n%s", code, w.said())
	}
	if e := describedIn(t, dir); e == nil || e.Operator != "A. Sato" || len(e.Witness) > 0 {
		t.Errorf("%+v", e)
	}
}
