package main

import (
	"errors"
	"fmt"
	"os"

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
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out)
	type answer struct {
		text []byte
		err  error
	}
	got := make(chan answer, 1)
	asking = true
	go func() {
		text, err := term.ReadPassword(fd)
		got <- answer{text, err}
	}()
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

// stopped says whether somebody wants this run to end.
func (a *app) stopped() bool {
	select {
	case <-a.stop:
		return true
	default:
		return false
	}
}
