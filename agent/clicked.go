package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// clicked says whether somebody double-clicked the program: it has a console of its own,
// which Windows closes with it, and no arguments.
func (a *app) clicked() bool { return len(a.args) == 1 && a.inTerminal && a.alone() }

// dialogue is what a double click starts: the talk of now, in a window that stays open
// until what it said was read.
func (a *app) dialogue(ctx context.Context) int {
	// "Run as administrator" begins in System32: what people mean is where the program lies.
	if exe, err := os.Executable(); err == nil {
		os.Chdir(filepath.Dir(exe))
	}
	code := a.command(ctx, []string{"now"})
	fmt.Fprintln(a.stderr)
	fmt.Fprint(a.stderr, a.text(mStaysOpen))
	a.in.line(context.WithoutCancel(ctx))
	return code
}
