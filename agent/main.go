// Command hozen takes what an infected machine would lose, and what lies on its disks, into
// one signed archive, by hand or as the service of this machine; it verifies, shows, opens and
// recovers such archives, keeps their custody logs, and makes the jobs that the service obeys.
//
// Everything is wired together here and nowhere else: collectors.go is the list
// of what is taken, in order; each command has a file of its name; what people
// read is in the messages files, in English and Japanese; exit codes are in exit.go.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// version is the version of the command; the archive's genesis names it together
// with the program's own hash.
const version = "0.1.0"

// Memory is kept small on a machine that is not ours: what we allocate pushes
// out somebody's pages. The garbage collector rests until the limit is near and
// works from then on: with 1,000 processes that keeps the peak below 64 MiB at
// less time than a higher frequency without a limit.
//
// What follows the volatile steps reads hundreds of thousands of files that are on
// disk anyway, and keeps a row for each: it gets more.
const (
	memoryLimit     = 48 << 20
	diskMemoryLimit = 256 << 20
	gcPercent       = 400
)

// lastWords are those of a run that does not wait for its end.
func (a *app) lastWords(s os.Signal) string {
	if a.begun.Load() {
		return a.text(mExitAtOnce, s)
	}
	return a.text(mExitNow, s)
}

func main() {
	debug.SetMemoryLimit(memoryLimit)
	debug.SetGCPercent(gcPercent)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	signal.Ignore(syscall.SIGPIPE) // whoever read our progress may leave: the collection goes on
	done := make(chan int, 1)
	a := newApp(os.Args)
	live, restore := openConsole()
	a.errTerminal = a.errTerminal && live
	go func() { done <- a.run(ctx) }()
	for first := true; ; first = false {
		select {
		case code := <-done:
			restore()
			os.Exit(code)
		case s := <-signals:
			if !first {
				fmt.Fprintln(os.Stderr, "\n"+a.lastWords(s))
				restore()
				os.Exit(exitNotSealed)
			}
			cancel(fmt.Errorf("stopped by signal: %v: %w", s, context.Canceled))
		}
	}
}
