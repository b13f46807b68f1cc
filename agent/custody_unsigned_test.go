package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"hozen/packager"
	"hozen/packager/custody"
	signers "hozen/packager/keys"
)

// TestUnsignedHint: each reason why an event was not signed has its own way out, in both
// languages, and only a broken log wants another copy.
func TestUnsignedHint(t *testing.T) {
	onLog := func(err error) error { return &os.PathError{Op: "open", Path: "x.custody.jsonl", Err: err} }
	for _, c := range []struct {
		err    error
		system string
		want   message
		with   []any
	}{
		{fmt.Errorf("%w x: line 3", custody.ErrLog), "linux", mHintLogBroken, nil},
		{onLog(packager.ErrSigning), "linux", mHintSigning, nil},
		{onLog(packager.ErrInUse), "linux", message{}, nil},
		{fmt.Errorf("%w x: %w", signers.ErrKey, errNoTerminal), "linux", mHintNoTerminal, []any{throughSignWith}},
		{fmt.Errorf("%w x: %w", signers.ErrKey, x509.IncorrectPasswordError), "linux", mHintPassphrase, nil},
		{fmt.Errorf("%w x: %w", signers.ErrKey, os.ErrNotExist), "linux", mHintJobKey, []any{throughSignWith}},
		{onLog(os.ErrNotExist), "linux", mHintNoLog, nil},
		{onLog(syscall.ENOSPC), "linux", mHintFull, nil},
		{onLog(syscall.EDQUOT), "linux", mHintFull, nil},
		{onLog(syscall.EROFS), "linux", mHintReadOnly, nil},
		{onLog(syscall.EACCES), "linux", mHintReadOnly, nil},
		{onLog(errWriteProtect), "windows", mHintReadOnly, nil},
		{onLog(errDiskFull), "windows", mHintFull, nil},
		{errors.New("something else"), "linux", message{}, nil},
	} {
		for _, l := range []language{english, japanese} {
			a := &app{system: c.system, lang: l}
			want := ""
			if c.want != (message{}) {
				want = a.text(c.want, c.with...)
			}
			if got := a.unsignedHint(c.err); got != want {
				t.Errorf("%v: %q, want %q", c.err, got, want)
			}
		}
	}
}
