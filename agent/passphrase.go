package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// askPassphrase asks on the terminal, without showing what is typed. Who interrupts it
// leaves at once: the terminal shows again what is typed, and errInterrupted is given.
func (a *app) askPassphrase(prompt string) ([]byte, error) {
	in, out := os.Stdin, os.Stderr
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil { // also where the input is a pipe
		in, out = tty, tty
	}
	asking := false // the terminal stays open as long as somebody reads from it
	defer func() {
		if in != os.Stdin && !asking {
			in.Close()
		}
	}()
	if a.stopped() { // else it would be asked for, and echo switched off, while we leave
		return nil, errInterrupted
	}
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, errNoTerminal
	}
	asking = true
	got := hidden(fd, before, term.ReadPassword)
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out)
	select {
	case <-a.stop:
	case said := <-got:
		if asking = false; !a.stopped() {
			return said.text, said.err
		}
	}
	if err := term.Restore(fd, before); err != nil {
		return nil, errors.Join(errInterrupted, err)
	}
	return nil, errInterrupted
}

type typedLine struct {
	text []byte
	err  error
}

// hidden begins to read with read, which is to change the terminal first so that it shows
// nothing of what is typed, and returns when that is so: who prints a prompt earlier shows
// what is typed early, and who is interrupted earlier restores what is then changed for good.
// A terminal that shows nothing anyway does not change; it is waited for a second at most.
func hidden(fd int, before *term.State, read func(fd int) ([]byte, error)) <-chan typedLine {
	got := make(chan typedLine, 1)
	go func() {
		text, err := read(fd)
		got <- typedLine{text, err}
	}()
	for range 1000 {
		if now, err := term.GetState(fd); err != nil || *now != *before || len(got) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return got
}

// stopped says whether somebody wants this run to end.
func (a *app) stopped() bool {
	select {
	case <-a.stop:
		return true
	default:
		return false
	}
}
