package main

import (
	"context"
	"strings"
	"testing"

	"hozen/collector"
)

// liveRun collects from the files in root as if they were of the running machine.
func liveRun(t *testing.T, root string, change func(*app), args ...string) (code int, stdout, stderr string) {
	t.Helper()
	a, out, errs := testApp(append([]string{"collect", "--out", t.TempDir()}, args...)...)
	a.host = func(string) *collector.Host { return &collector.Host{Root: root, Live: true} }
	if change != nil {
		change(a)
	}
	code = a.run(context.Background())
	return code, out.String(), errs.String()
}

// --quiet silences progress, and no warning.
func TestQuietStillWarns(t *testing.T) {
	withCgo := func(a *app) { a.cgo = func() bool { return true } }
	code, _, stderr := liveRun(t, emptyHost(t), withCgo, "--quiet")
	if code != exitWhole {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"WARNING: not root", "WARNING: This program was built with cgo"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("not said: %q\n%s", want, stderr)
		}
	}
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "WARNING: ") {
			t.Errorf("not quiet: %q", line)
		}
	}
	_, _, stderr = liveRun(t, emptyHost(t), func(a *app) { a.cgo = func() bool { return false } })
	if strings.Contains(stderr, "cgo") || !strings.Contains(stderr, "[1/") {
		t.Errorf("%s", stderr)
	}
	if _, _, stderr = liveRun(t, emptyHost(t), withCgo, "--json"); stderr != "" {
		t.Errorf("beside the events: %q", stderr)
	}
}

// A crash leaves nobody without the fingerprint of a throw-away key.
func TestThrowawayKeyIsNamedAtTheStart(t *testing.T) {
	_, stdout, stderr := liveRun(t, emptyHost(t), nil)
	_, after, ok := strings.Cut(stderr, "Write down its fingerprint now: ")
	at, first := strings.Index(stderr, "Write down"), strings.Index(stderr, "[1/")
	if !ok || at > first {
		t.Fatalf("not said before the first step:\n%s", stderr)
	}
	if print := strings.Fields(after)[0]; !strings.HasPrefix(print, "SHA256:") || !strings.Contains(stdout, "--fingerprint "+print+" ") {
		t.Errorf("%s is not the fingerprint of the end:\n%s", print, stdout)
	}
	_, stdout, _ = liveRun(t, emptyHost(t), nil, "--json")
	if started, _, _ := strings.Cut(stdout, "\n"); !strings.Contains(started, `"fingerprint":"SHA256:`) {
		t.Errorf("%s", started)
	}
}
