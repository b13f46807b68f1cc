package packager

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hozen/packager/signed"
)

// auditLog runs audit.sh over an archive with its log, or (archive nil) over a log alone.
func auditLog(t *testing.T, archive, log []byte, trust string) string {
	t.Helper()
	dir := t.TempDir()
	l, args := filepath.Join(dir, "x.custody.jsonl"), []string{"audit.sh"}
	if err := os.WriteFile(l, log, 0o600); err != nil {
		t.Fatal(err)
	}
	if archive == nil {
		args = append(args, l, trust)
	} else {
		f := filepath.Join(dir, "archive.tar.zst")
		if err := os.WriteFile(f, archive, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, f, trust, l)
	}
	out, err := exec.Command("sh", args...).Output()
	if _, exit := err.(*exec.ExitError); err != nil && !exit {
		t.Fatal(err)
	}
	word, _, _ := strings.Cut(string(out), " ")
	return strings.TrimSpace(word)
}

func needJQ(t *testing.T) {
	t.Helper()
	needAuditTools(t)
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skipf("needs jq: %v", err)
	}
}

// trustFileOf writes the allowed signers of a change: the device, and keepers.
func trustFileOf(t *testing.T, d Device, p keepers) string {
	t.Helper()
	line, err := d.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(line)
	for who, k := range p {
		pub, err := k.Public()
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(who + ` namespaces="` + signed.Event + `" ` + signed.PublicText(pub) + "\n")
	}
	file := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAuditScriptAgreesOnLogs: of every tampered log both verifiers say the same.
func TestAuditScriptAgreesOnLogs(t *testing.T) {
	needJQ(t)
	w := newWorld(t)
	trust := trustFileOf(t, w.device, nil)
	// The auditor's own fingerprints are not known to the script.
	apart := []string{"log event by who is known by fingerprint"}
	var cases []tamper
	for _, c := range append(logTampers(), cutTampers()...) {
		if !slices.Contains(apart, c.name) {
			cases = append(cases, c)
		}
	}
	inParallel(t, len(cases), func(t *testing.T, i int) {
		c := cases[i]
		ch := &change{archive: bytes.Clone(w.archive), o: w.o}
		c.do(t, w, ch)
		if ch.o.Log == nil {
			return
		}
		if got := auditLog(t, append([]byte{}, ch.archive...), ch.o.Log, trust); got != string(c.want) {
			t.Errorf("%s: audit.sh says %s, want %s", c.name, got, c.want)
		}
	})
}

// TestAuditScriptAgreesOnBits: a log with a bit turned is INVALID to both, or its end was
// taken for a line that was not written whole.
func TestAuditScriptAgreesOnBits(t *testing.T) {
	needJQ(t)
	w := newWorld(t)
	trust := trustFileOf(t, w.device, nil)
	const flips = 8
	inParallel(t, flips, func(t *testing.T, i int) {
		log := bytes.Clone(w.log)
		log[(2*i+1)*len(log)/(2*flips)] ^= 1 << (i % 8)
		o := w.o
		o.Log = log
		want := verdict(t, w.archive, o)
		if got := auditLog(t, w.archive, log, trust); got != string(want.Verdict) {
			t.Errorf("flip %d: audit.sh says %s, Verify %s: %q", i, got, want.Verdict, want.Findings)
		}
	})
}

// TestAuditScriptAgreesOnGaps: of what people tell, both say whether it fits together.
func TestAuditScriptAgreesOnGaps(t *testing.T) {
	needJQ(t)
	w := newWorld(t)
	stories := gapCases()
	inParallel(t, len(stories), func(t *testing.T, i int) {
		c, p := stories[i], keepers{}
		events, _, err := readLog(w.log)
		if err != nil {
			t.Fatal(err)
		}
		for j := range c.tell {
			if e := &c.tell[j].e; e.Event == "reencrypted" && e.Before == nil {
				e.Before = &events[len(events)-1].Object
			}
		}
		log := p.append(t, w.log, c.tell...)
		trust := trustFileOf(t, w.device, p)
		want := VerifyLog(log, VerifyOptions{Trust: p.trust(t, w.device)})
		if got := auditLog(t, nil, log, trust); got != string(want.Verdict) {
			t.Errorf("%s: audit.sh says %s of the log alone, VerifyLog %s: %q", c.name, got, want.Verdict, want.Findings)
		}
		if i%6 > 0 {
			return // the archive itself is looked at with a few of them
		}
		if got := auditLog(t, w.archive, log, trust); got != string(Valid) {
			t.Errorf("%s: audit.sh says %s of archive and log", c.name, got)
		}
	})
}

// TestAuditScriptKnowsRevokedKeys: a key in the list is nobody's, whenever it signed; and what
// does not fit is said also where the archive itself is VALID.
func TestAuditScriptKnowsRevokedKeys(t *testing.T) {
	needJQ(t)
	w, p := newWorld(t), keepers{}
	log := p.append(t, w.log, release("lab:acme"), receive("lab:acme", 6))
	odd := p.append(t, w.log, release("lab:acme"), receive("lab:other", 6))
	trust, dir := trustFileOf(t, w.device, p), t.TempDir()
	file := func(name string, b []byte) string {
		t.Helper()
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	public := func(d Device) []byte {
		t.Helper()
		k, err := d.Public()
		if err != nil {
			t.Fatal(err)
		}
		return []byte(signed.PublicText(k) + "\n")
	}
	a, l, o := file("a.tar.zst", w.archive), file("a.custody.jsonl", log), file("o.custody.jsonl", odd)
	lab, device, nobody := file("lab", public(p.key(t, "lab:acme"))), file("device", public(w.device)), file("nobody", public(newDevice(t, "x")))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{l, trust}, "VALID (7 events)\n"},
		{[]string{"-r", nobody, l, trust}, "VALID (7 events)\n"},
		{[]string{"-r", lab, l, trust}, "UNTRUSTED-SIGNER (7 events): lab:acme\n"},
		{[]string{"-r", lab, a, trust, l}, "UNTRUSTED-SIGNER (checkpoint"},
		{[]string{"-r", device, a, trust}, "UNTRUSTED-SIGNER (checkpoint"},
		{[]string{"-r", filepath.Join(dir, "not-there"), a, trust}, ""},
		{[]string{o, trust}, "VALID-PARTIAL (7 events)\n"},
		{[]string{a, trust, o}, "does not fit: gaps in the log: 1\n"},
	} {
		out, _ := exec.Command("sh", append([]string{"audit.sh"}, c.args...)...).Output()
		if got := string(out); !strings.HasPrefix(got, c.want) && !strings.HasSuffix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%q: %q, want %q", c.args, got, c.want)
		}
	}
}

// TestAuditScriptAgreesOnLogsAlone: of logs without an archive.
func TestAuditScriptAgreesOnLogsAlone(t *testing.T) {
	needJQ(t)
	w, p := newWorld(t), keepers{}
	good := p.append(t, w.log, release("lab:acme"), receive("lab:acme", 6))
	l := lines(good)
	trust, o := trustFileOf(t, w.device, p), VerifyOptions{Trust: p.trust(t, w.device)}
	for name, log := range map[string][]byte{
		"untouched": good, "half a line more": append(bytes.Clone(good), '{'), "cut": bytes.Join(l[:6], nil), "empty": {},
		"edited": bytes.Replace(good, []byte("analysis"), []byte("analyses"), 1), "first deleted": bytes.Join(l[1:], nil),
		"reordered": bytes.Join([][]byte{l[0], l[2], l[1]}, nil), "anew": signedLog(t, w, w.device, func(e []Event) []Event { return e }),
		"stranger": keepers{}.append(t, good, told{"lab:acme", Event{Event: "opened", Reason: "r"}}),
		"two":      append(bytes.Clone(good), w.otherLog...), "zeros": bytes.Replace(good, []byte("sealed"), []byte("sea\x00ed"), 1),
		"letters": p.append(t, good, told{"lab:acme", Event{Event: "opened", Reason: "\x7f\u2028 \\u007f \\ <&> 松本 \x1b"}}),
	} {
		want := VerifyLog(log, o)
		if got := auditLog(t, nil, log, trust); got != string(want.Verdict) {
			t.Errorf("%s: audit.sh says %s, VerifyLog %s: %q", name, got, want.Verdict, want.Findings)
		}
	}
}

// TestAuditScriptSaysItsOwnLinesOnly: what a stranger calls himself, or whom he gave the
// archive to, makes no line of the script's own, and steers no terminal.
func TestAuditScriptSaysItsOwnLinesOnly(t *testing.T) {
	needJQ(t)
	w := newWorld(t)
	forged := "x\x1b[2K\nVALID (checkpoint 2, 9 of 9 bytes authentic)"
	log := keepers{}.append(t, w.log, told{forged, how(Event{Event: "released", Counterpart: forged, Reason: "r"})})
	dir, trust := t.TempDir(), trustFileOf(t, w.device, nil)
	l, f := filepath.Join(dir, "x.custody.jsonl"), filepath.Join(dir, "archive.tar.zst")
	for name, b := range map[string][]byte{l: log, f: w.archive} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"audit.sh", l, trust}, {"audit.sh", f, trust, l}} {
		out, err := exec.Command("sh", args...).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("\nUNTRUSTED-SIGNER ")) || !bytes.HasPrefix(out, []byte("open ")) {
			t.Errorf("%q: %v: %q", args, err, out)
		}
		if bytes.Contains(out, []byte("\nVALID")) || bytes.ContainsRune(out, '\x1b') || bytes.Count(out, []byte("\n")) != 2 {
			t.Errorf("%q: a stranger's own lines: %q", args, out)
		}
	}
}
