package packager

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// audit runs audit.sh and gives the first word that it prints.
func audit(t *testing.T, dir string, archive []byte, trust string) string {
	t.Helper()
	f := filepath.Join(dir, "archive.tar.zst")
	if err := os.WriteFile(f, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "audit.sh", f, trust).Output()
	word, _, _ := strings.Cut(string(out), " ")
	if _, exit := err.(*exec.ExitError); err != nil && !exit {
		t.Fatal(err)
	}
	return strings.TrimSpace(word)
}

func needAuditTools(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long test: a shell in which there is no race to be found")
	}
	for _, tool := range []string{"sh", "tar", "zstd", "sha256sum", "ssh-keygen", "sed", "base64"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: %v", tool, err)
		}
	}
}

// The two verifiers share no line; they must say the same of whole, cut and
// tampered archives.
func TestAuditScriptAgrees(t *testing.T) {
	needAuditTools(t)
	dir := t.TempDir()
	file, d := writeArchive(t, dir)
	whole, o := readFile(t, file), trusting(t, d)
	line, err := d.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	trust := filepath.Join(dir, "allowed_signers")
	if err := os.WriteFile(trust, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := [][]byte{whole, append(bytes.Clone(whole), make([]byte, 700)...), append(bytes.Clone(whole), 'x'), {}}
	for i := 0; i < len(whole); i += 1 + len(whole)/45 {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1 << (i % 8)
		cases = append(cases, whole[:i], flipped)
	}
	for _, p := range frameEnds(t, whole) {
		cases = append(cases, whole[:p], whole[:p-1], whole[:min(p+1, len(whole))], append(bytes.Clone(whole[:p]), make([]byte, 64)...))
	}
	inParallel(t, len(cases), func(t *testing.T, i int) {
		c := cases[i]
		want := verdict(t, c, o)
		if got := audit(t, t.TempDir(), c, trust); got != string(want.Verdict) {
			t.Errorf("case %d (%d bytes): audit.sh says %s, Verify %s at checkpoint %d: %v", i, len(c), got, want.Verdict, want.Checkpoint, want.Findings)
		}
	})
	if got := audit(t, dir, whole, os.DevNull); got != string(UntrustedSigner) {
		t.Errorf("without trust audit.sh says %s", got)
	}
	if n := bytes.Count(readFile(t, "audit.sh"), []byte("\n")); n > 160 {
		t.Errorf("audit.sh has %d lines: at most 160 were promised", n)
	}
}

// frameEnds gives the offsets at which the frames of an archive end.
func frameEnds(t *testing.T, b []byte) (ends []int) {
	t.Helper()
	r := bytes.NewReader(b)
	for off := 0; ; {
		f, err := nextFrame(r, int64(off), nil)
		if err != nil {
			return ends
		}
		off += len(f.bytes)
		ends = append(ends, off)
	}
}

// Of keys that were announced, and were not, both verifiers say the same.
func TestAuditScriptFollowsTheDeviceKey(t *testing.T) {
	needAuditTools(t)
	w, n := newWorld(t), 0
	line, err := w.device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	trust := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(trust, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range keyTampers() {
		if !strings.Contains(c.name, "device key") {
			continue
		}
		n++
		ch := &change{archive: bytes.Clone(w.archive), o: w.o}
		c.do(t, w, ch)
		if got := audit(t, t.TempDir(), ch.archive, trust); got != string(c.want) {
			t.Errorf("%s: audit.sh says %s, want %s", c.name, got, c.want)
		}
	}
	if n < 4 {
		t.Errorf("only %d cases", n)
	}
}
