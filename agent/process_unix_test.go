//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// command gives the command as a process of its own, out of the test binary.
func command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "/proc/self/exe", args...)
	c.Args[0] = "hozen"
	c.Env = append(os.Environ(), "LC_ALL=C", "HOME=/nonexistent")
	return c
}

// watched is a running collection whose stderr can be waited for.
type watched struct {
	*exec.Cmd
	mu  sync.Mutex
	err bytes.Buffer
	out bytes.Buffer
	hit chan struct{} // a new write
}

// Write takes what the process says on stderr.
func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.hit <- struct{}{}:
	default:
	}
	return w.err.Write(b)
}

func (w *watched) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err.String()
}

func start(t *testing.T, args ...string) *watched {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &watched{Cmd: command(ctx, args...), hit: make(chan struct{}, 1)}
	w.Stderr, w.Stdout = w, &w.out
	if err := w.Start(); err != nil {
		t.Skipf("cannot start a process: %v", err)
	}
	return w
}

// until waits for words on stderr.
func (w *watched) until(t *testing.T, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for !strings.Contains(w.said(), text) {
		select {
		case <-w.hit:
		case <-limit:
			t.Fatalf("never said %q:\n%s", text, w.said())
		}
	}
}

func exitCode(err error) int {
	var e *exec.ExitError
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return 0
}
