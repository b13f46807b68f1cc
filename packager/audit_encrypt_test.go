package packager

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The script agrees about cipher text by its log alone, and about what age makes of it.
func TestAuditScriptOnCipherText(t *testing.T) {
	needAuditTools(t)
	w := newSealedWorld(t)
	line, err := w.device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(w.log, []byte("\n"))
	upTo := func(n int) []byte { return bytes.Join(lines[:n], nil) }
	flip := func(b []byte, i int) []byte {
		b = bytes.Clone(b)
		b[i] ^= 4
		return b
	}
	n := len(w.archive)
	cases := []struct {
		archive, log []byte
		trust        string
	}{
		{w.archive, w.log, line}, {w.archive, w.log, ""}, {w.archive, nil, line}, {w.archive, upTo(4), line}, {w.archive, upTo(1), line},
		{append(bytes.Clone(w.archive), 0, 0, 0), w.log, line}, {append(bytes.Clone(w.archive), 'x'), w.log, line},
		{w.archive[:n-1], w.log, line}, {w.archive[:n-1], upTo(4), line}, {w.archive[:w.checkpointEnds[1]], upTo(3), line}, {w.archive[:w.checkpointEnds[1]-1], upTo(3), line},
		{flip(w.archive, n/2), w.log, line}, {flip(w.archive, w.head-3), w.log, line}, {w.archive, flip(w.log, len(w.log)/2), line},
		{w.plain, w.log, line}, {w.plain, nil, line}, {flip(w.plain, len(w.plain)/2), w.log, line}, {w.plain[:len(w.plain)/2], nil, line},
	}
	for i, c := range cases {
		o := w.outer
		if c.trust == "" {
			o.Trust = nil
		}
		o.Log = c.log
		want := verdict(t, c.archive, o)
		dir := t.TempDir()
		args := []string{"audit.sh", filepath.Join(dir, "a.tar.zst.age"), filepath.Join(dir, "signers"), filepath.Join(dir, "a.custody.jsonl")}
		for at, b := range [][]byte{c.archive, []byte(c.trust), c.log} {
			if err := os.WriteFile(args[at+1], b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if c.log == nil {
			args = args[:3]
		}
		out, _ := exec.Command("sh", args...).Output()
		if word, _, _ := strings.Cut(strings.TrimSpace(string(out)), " "); word != string(want.Verdict) {
			t.Errorf("case %d: the script says %q, Verify %s: %v", i, strings.TrimSpace(string(out)), want.Verdict, want.Findings)
		}
	}
}
