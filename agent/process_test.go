package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hozen/packager"
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
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
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
	limit := time.After(30 * time.Second)
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

// one gives the single file in dir that matches; "" if there is none.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) > 1 {
		t.Fatalf("%s: %v %v", pattern, found, err)
	}
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// judge verifies a file with the log beside it; what the archive says of its own
// signer is believed.
func judge(t *testing.T, file string) *packager.Report {
	t.Helper()
	a := &app{env: func(string) string { return "" }}
	r := verifyFile(t, a, file, belief{})
	if r.Fingerprint == "" {
		return r
	}
	return verifyFile(t, a, file, belief{fingerprints: []string{r.Fingerprint}})
}

func verifyFile(t *testing.T, a *app, file string, b belief) *packager.Report {
	t.Helper()
	f, err := a.openArchive(file, b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := packager.Verify(context.Background(), f, f.size, f.options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
