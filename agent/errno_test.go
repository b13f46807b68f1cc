package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestErrorsOfWindows: what its numbers mean there, and only there.
func TestErrorsOfWindows(t *testing.T) {
	for _, c := range []struct {
		errno  syscall.Errno
		system string
		want   string
	}{
		{errSharing, "windows", "hint: another program has the file open"},
		{errLocked, "windows", "hint: another program has the file open"},
		{errLocked, "linux", "hint: usual"},
		{errNoData, "windows", ""}, {errBrokenPipe, "windows", ""}, {errNotConnected, "windows", ""},
		{errNotConnected, "linux", "hint: usual"}, {syscall.EPIPE, "linux", ""},
	} {
		var b bytes.Buffer
		a := newApp([]string{"hozen"})
		a.system, a.stderr, a.lang = c.system, &b, english
		a.report(fail(fmt.Errorf("log: %w", &os.PathError{Op: "open", Path: "log", Err: c.errno}), "usual"), a.root(), nil)
		if got := b.String(); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%d on %s: %q", c.errno, c.system, got)
		}
	}
}
