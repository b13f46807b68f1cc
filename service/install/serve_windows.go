package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"

	"hozen/service/config"
	"hozen/service/shutdown"
)

// How often the SCM is told that a service is still ending, and how long it may wait for the
// next word.
const (
	stillEvery = 2 * time.Second
	stillHint  = 10 * time.Second
)

// Serve runs a service for the SCM, which started this process: run gets the start arguments,
// without the service's name, and its context ends when the SCM says so; the cause is
// shutdown.ErrSwitchedOff where the whole machine ends. Its result is what the SCM is told as
// the exit code of the service (0: ended well). The SCM is told who we are whether or not
// svc.IsWindowsService believes it.
func Serve(ctx context.Context, name string, run func(ctx context.Context, args []string) (code uint32)) error {
	if err := svc.Run(name, &handler{ctx, run}); err != nil {
		return fmt.Errorf("service control manager: %w (this is for the service manager: leave --scm out to run it by hand)", err)
	}
	return nil
}

type handler struct {
	ctx context.Context
	run func(context.Context, []string) uint32
}

// Execute implements svc.Handler.
func (h *handler) Execute(args []string, requests <-chan svc.ChangeRequest, tell chan<- svc.Status) (specific bool, code uint32) {
	const accepts = svc.AcceptStop | svc.AcceptPreShutdown | svc.AcceptShutdown
	now := svc.Status{State: svc.StartPending, WaitHint: uint32(stillHint.Milliseconds())}
	tell <- now
	ctx, cancel := context.WithCancelCause(h.ctx)
	defer cancel(nil)
	ended := make(chan uint32, 1)
	go func() { ended <- h.run(ctx, args[min(1, len(args)):]) }()
	now = svc.Status{State: svc.Running, Accepts: accepts}
	tell <- now
	still := time.NewTicker(stillEvery)
	defer still.Stop()
	for {
		select {
		case code := <-ended:
			return code != 0, code
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
			case svc.Stop:
				cancel(fmt.Errorf("stopped by the service manager: %w", context.Canceled))
				now = ending(now)
			case svc.PreShutdown, svc.Shutdown:
				cancel(shutdown.ErrSwitchedOff)
				now = ending(now)
			default:
				continue
			}
			tell <- now
		case <-still.C:
			if now.State == svc.StopPending {
				now = ending(now)
				tell <- now
			}
		}
	}
}

// ending is the next word about a service that ends: that it goes on, and how long to wait.
func ending(s svc.Status) svc.Status {
	return svc.Status{State: svc.StopPending, CheckPoint: s.CheckPoint + 1, WaitHint: uint32(stillHint.Milliseconds())}
}

// RunsSafely says why somebody else could change the program that runs, its configuration, or
// what both point at; such a service does not run.
func RunsSafely(file string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	for _, f := range []string{program, file} {
		if err := config.OnlyOurs(f); err != nil {
			return fmt.Errorf("%w: %w", ErrNotOurs, err)
		}
	}
	return nil
}

// Numbers of our events. EventCreate.exe, which has the text for them, knows 1 to 1000: a
// text that is put in as it is.
const (
	eventInfo    = 1
	eventWarning = 2
	eventError   = 3
	// longestEvent bounds a text in the event log, in bytes of UTF-8: 31,839 characters are
	// the system's bound (ReportEvent).
	longestEvent = 16 << 10
)

// Events gives what writes each line that it is given into the application log: lines with
// level=ERROR or level=WARN as such. A log that cannot be written is no reason to stop.
func Events(name string) io.WriteCloser {
	log, err := eventlog.Open(name)
	if err != nil {
		return nowhere{}
	}
	return events{log}
}

type events struct{ log *eventlog.Log }

// Write implements io.Writer.
func (e events) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(line, "\x00", ""), string(utf8.RuneError)))
		if line == "" {
			continue
		}
		line = strings.ToValidUTF8(line[:min(len(line), longestEvent)], "")
		switch {
		case strings.Contains(line, "level=ERROR"):
			e.log.Error(eventError, line)
		case strings.Contains(line, "level=WARN"):
			e.log.Warning(eventWarning, line)
		default:
			e.log.Info(eventInfo, line)
		}
	}
	return len(b), nil
}

// Close implements io.Closer.
func (e events) Close() error { return e.log.Close() }

type nowhere struct{}

// Write implements io.Writer.
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// Close implements io.Closer.
func (nowhere) Close() error { return nil }

// Progress is a file beside the configuration that has the newest lines of what a service of
// this name does; an older one is gone.
func Progress(name string) (io.WriteCloser, error) {
	f, err := os.OpenFile(progressFile(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nowhere{}, nil
	}
	return f, err
}
