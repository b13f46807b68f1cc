package main

import (
	"errors"
	"fmt"
)

// Exit codes are an interface: scripts and services rely on them.
// packager.Verdict gives those from 4 on.
const (
	exitWhole     = 0 // sealed, and nothing that was planned is missing
	exitNotSealed = 1 // nothing sealed, or the command could not do its work
	exitUsage     = 2 // the command was not understood
	exitShort     = 3 // sealed, but something planned was denied, cut or failed
)

// An exitError carries the exit code out of a command, and a hint for whoever
// reads the error. Without an error in it, everything was said already.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// errInterrupted says that somebody left at a question: what it was asked for is not done.
var errInterrupted = errors.New("interrupted")

// interrupted is left at a question.
func interrupted() error { return fail(errInterrupted, "") }

// silent ends the command with a code and no further word.
func silent(code int) error {
	if code == exitWhole {
		return nil
	}
	return &exitError{code: code}
}

//
//go:noinline
func fail(err error, hint string) error {
	return &exitError{code: exitNotSealed, err: err, hint: hint}
}

//
//go:noinline
func usage(err error, hint string) error {
	return &exitError{code: exitUsage, err: err, hint: hint}
}

// codeOf gives the exit code of what a command returned. An error that is not
// ours comes from the reading of the command line.
func codeOf(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return exitWhole
	case errors.As(err, &e):
		return e.code
	}
	return exitUsage
}
