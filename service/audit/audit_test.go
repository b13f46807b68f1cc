package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
	"hozen/service/config"
	"hozen/service/protocol"
)

var now = time.Date(2026, 11, 22, 5, 30, 0, 0, time.UTC)

func newKey(t testing.TB) (ed25519.PrivateKey, ssh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, pub
}

func openLog(t testing.TB, name string, key ed25519.PrivateKey) *Log {
	t.Helper()
	l, err := Open(name, "pc-42", key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(now) })
	return l
}

func write(t testing.TB, l *Log, e Entry) []byte {
	t.Helper()
	line, err := l.Append(e, now)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func read(t testing.TB, name string, key ssh.PublicKey) (all []Entry, head Head) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head, _, err = Verify(f, key, func(e Entry) error { all = append(all, e); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all, head
}

func TestLogIsRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	key, pub := newKey(t)
	l := openLog(t, name, key)
	first := write(t, l, Entry{Event: Began, Text: "版 0.1.0"})
	write(t, l, Entry{Event: Accepted, Job: "job-0001", Operator: "alice", Detail: []Detail{{"signer", "SHA256:x"}}})
	if err := l.Close(now); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(Entry{Event: Ended}, now); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	l = openLog(t, name, key)
	write(t, l, Entry{Event: Started, Job: "job-0001", Collection: "pc-42-x"})
	all, head := read(t, name, pub)
	if len(all) != 3 || all[2].Seq != 3 || all[1].Detail[0].Value != "SHA256:x" || all[0].Text != "版 0.1.0" || all[0].Device != "pc-42" || head != l.Head() {
		t.Errorf("%+v, head %+v, of the log %+v", all, head, l.Head())
	}
	if e, err := Parse(first, pub); err != nil || e.Event != Began {
		t.Errorf("a line by itself: %+v, %v", e, err)
	}
	if err := config.Private(name); err != nil {
		t.Errorf("others may read it: %v", err)
	}
}

// TestSSHKeygenVerifies: an auditor needs no program of ours for a line.
func TestSSHKeygenVerifies(t *testing.T) {
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("no ssh-keygen here")
	}
	dir := t.TempDir()
	key, pub := newKey(t)
	raw := write(t, openLog(t, filepath.Join(dir, "audit.jsonl"), key), Entry{Event: Refused, Job: "job-0001", Text: "hostile \x1b[2J \u202e"})
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		t.Fatal(err)
	}
	trust, sig := filepath.Join(dir, "trust"), filepath.Join(dir, "sig")
	if err := os.WriteFile(trust, []byte("device:pc-42 namespaces=\""+signed.Audit+"\" "+signed.PublicText(pub)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sig, []byte(l.Sig), 0o600); err != nil {
		t.Fatal(err)
	}
	verify := func(payload, namespace string) error {
		c := exec.Command(tool, "-Y", "verify", "-f", trust, "-I", "device:pc-42", "-n", namespace, "-s", sig)
		c.Stdin = strings.NewReader(payload)
		out, err := c.CombinedOutput()
		t.Logf("%s", out)
		return err
	}
	if err := verify(l.Payload, signed.Audit); err != nil {
		t.Errorf("refused: %v", err)
	}
	if verify(l.Payload+" ", signed.Audit) == nil || verify(l.Payload, signed.Event) == nil {
		t.Error("something else is good, too")
	}
}

func TestTamperedLog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	key, pub := newKey(t)
	l := openLog(t, name, key)
	for i := range 4 {
		write(t, l, Entry{Event: Accepted, Job: fmt.Sprintf("job-%04d", i)})
	}
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	join := func(b ...[]byte) []byte { return bytes.Join(b, nil) }
	otherKey, otherPub := newKey(t)
	stranger := write(t, openLog(t, filepath.Join(t.TempDir(), "x"), otherKey), Entry{Event: Accepted})
	for what, b := range map[string][]byte{
		"first line gone":   join(lines[1:]...),
		"line gone":         join(lines[0], lines[2], lines[3]),
		"order changed":     join(lines[0], lines[2], lines[1], lines[3]),
		"line twice":        join(lines[0], lines[0]),
		"text changed":      bytes.Replace(good, []byte("job-0002"), []byte("job-0009"), 1),
		"line of another":   join(lines[0], stranger),
		"garbage":           join(lines[0], []byte("garbage\n"), lines[1]),
		"empty line":        join(lines[0], []byte("\n"), lines[1]),
		"spaces":            bytes.Replace(good, []byte(`,"sig"`), []byte(`, "sig"`), 1),
		"unknown field":     bytes.Replace(good, []byte(`{"payload"`), []byte(`{"x":1,"payload"`), 1),
		"endless line":      join(lines[0], bytes.Repeat([]byte("x"), maxLine+1)),
		"signature swapped": bytes.Replace(good, sigOf(t, lines[0]), sigOf(t, lines[1]), 1),
	} {
		if _, _, err := Verify(bytes.NewReader(b), pub, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := Verify(bytes.NewReader(good), otherPub, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("by another key: %v", err)
	}
	for cut := range len(lines[3]) {
		head, torn, err := Verify(bytes.NewReader(good[:len(good)-len(lines[3])+cut]), pub, nil)
		if err != nil || torn != cut || head.Seq != 3 {
			t.Fatalf("cut to %d bytes of the last line: %+v, %d, %v", cut, head, torn, err)
		}
	}
	stop := errors.New("stop")
	if _, _, err := Verify(bytes.NewReader(good), pub, func(Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of the reader: %v", err)
	}
}

func sigOf(t *testing.T, raw []byte) []byte {
	t.Helper()
	_, sig, ok := bytes.Cut(raw, []byte(`"sig":`))
	if !ok {
		t.Fatal("no signature")
	}
	return sig
}

func TestTornLineIsTakenAway(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	key, pub := newKey(t)
	l := openLog(t, name, key)
	write(t, l, Entry{Event: Accepted, Job: "job-0001"})
	if err := l.Close(now); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"payload":"`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, name, key)
	write(t, l, Entry{Event: Started, Job: "job-0001"})
	all, _ := read(t, name, pub)
	if len(all) != 3 || all[1].Event != TornLine || all[1].Digest != signed.HexSum([]byte(`{"payload":"`)) {
		t.Errorf("%+v", all)
	}
}

func TestLogOfAnotherKeyOrDamaged(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	key, _ := newKey(t)
	l := openLog(t, name, key)
	write(t, l, Entry{Event: Accepted})
	other, _ := newKey(t)
	if _, err := Open(name, "pc-42", other); !errors.Is(err, ErrInvalid) {
		t.Errorf("another key: %v", err)
	}
	if err := os.WriteFile(name, []byte("garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name, "pc-42", key); !errors.Is(err, ErrInvalid) {
		t.Errorf("garbage: %v", err)
	}
	if err := os.WriteFile(name, bytes.Repeat([]byte("x"), 3*maxLine), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name, "pc-42", key); !errors.Is(err, ErrInvalid) {
		t.Errorf("an endless line: %v", err)
	}
}

func TestHostileTexts(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	key, pub := newKey(t)
	l := openLog(t, name, key)
	nasty := "a\nb\x1b[2J\xff\u202e\u2028\\\U000e0001" + strings.Repeat("長", 10_000)
	details := make([]Detail, 100)
	for i := range details {
		details[i] = Detail{nasty, nasty}
	}
	line := write(t, l, Entry{Event: Refused, Job: nasty, Digest: nasty, Operator: nasty, Collection: nasty, Reason: nasty, Text: nasty, Detail: details})
	if len(line) > protocol.MaxLine {
		t.Errorf("%d bytes", len(line))
	}
	for _, worst := range []string{`"`, `\`, "\x00", "長", "x"} {
		for i := range details {
			details[i] = Detail{strings.Repeat(worst, 10_000), strings.Repeat(worst, 10_000)}
		}
		w := strings.Repeat(worst, 10_000)
		if line := write(t, l, Entry{Event: w, Job: w, Digest: w, Operator: w, Collection: w, Reason: w, Text: w, Detail: details}); len(line) > protocol.MaxLine {
			t.Errorf("many times %q: %d bytes", worst, len(line))
		}
	}
	write(t, l, Entry{Event: Refused, Text: nasty})
	all, _ := read(t, name, pub)
	if len(all[0].Detail) != maxDetail || len(all[0].Job) > maxWord {
		t.Errorf("%d details, job of %d bytes", len(all[0].Detail), len(all[0].Job))
	}
	all = all[len(all)-1:]
	if got := all[0].Text; !strings.HasPrefix(got, `a\x0ab\x1b[2J\xff\u{202e}\u{2028}\\\u{e0001}長`) || len(got) > maxText || !strings.HasSuffix(got, "…") {
		t.Errorf("%.80q, %d bytes", got, len(got))
	}
}

// A brokenFile breaks at the nth call of Write or Sync.
type brokenFile struct {
	File
	left *int
	half bool
}

var errBroken = errors.New("the disk broke")

func (f brokenFile) Write(b []byte) (int, error) {
	if *f.left--; *f.left != 0 {
		return f.File.Write(b)
	}
	if !f.half {
		return 0, errBroken
	}
	n, err := f.File.Write(b[:len(b)/2])
	return n, errors.Join(err, io.ErrShortWrite)
}

func (f brokenFile) Sync() error {
	if *f.left--; *f.left == 0 {
		return errBroken
	}
	return f.File.Sync()
}

// TestEveryWriteFails: after each failure the log goes on, valid, and nothing that was
// said to be written is missing.
func TestEveryWriteFails(t *testing.T) {
	key, pub := newKey(t)
	for at := 1; at <= 8; at++ {
		for _, half := range []bool{false, true} {
			name := filepath.Join(t.TempDir(), "audit.jsonl")
			l := openLog(t, name, key)
			left := at
			l.open = func(name string) (File, error) {
				f, err := appendTo(name)
				return brokenFile{f, &left, half}, err
			}
			l.file = brokenFile{l.file, &left, half}
			var said []string
			failed := 0
			for n := range 5 {
				id := fmt.Sprintf("job-%04d", n)
				if _, err := l.Append(Entry{Event: Accepted, Job: id}, now); err == nil {
					said = append(said, id)
				} else {
					failed++
				}
			}
			all, _ := read(t, name, pub)
			var there []string
			for _, e := range all {
				if e.Event == Accepted {
					there = append(there, e.Job)
				}
			}
			for _, id := range said {
				if !strings.Contains(strings.Join(there, " "), id) {
					t.Errorf("call %d, half %v: %s is missing", at, half, id)
				}
			}
			if failed != 1 || len(there) > 5 {
				t.Errorf("call %d, half %v: %d failures, %v", at, half, failed, there)
			}
		}
	}
}

// TestFlood: strangers cannot fill the disk.
func TestFlood(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	key, pub := newKey(t)
	l := openLog(t, name, key)
	at := now
	for n := range 10_000 { // over ten hours
		at = at.Add(3600 * time.Millisecond)
		if _, err := l.Append(Entry{Event: Refused, Digest: fmt.Sprintf("%064x", n), Text: strings.Repeat("x", 5000)}, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Append(Entry{Event: Accepted, Job: "job-0001"}, at); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(at); err != nil {
		t.Fatal(err)
	}
	all, head := read(t, name, pub)
	alone, counted, accepted := 0, 0, 0
	for _, e := range all {
		switch e.Event {
		case Refused:
			alone++
		case LeftOut:
			var n int
			if _, err := fmt.Sscan(e.Detail[0].Value, &n); err != nil {
				t.Fatal(err)
			}
			counted += n
		case Accepted:
			accepted++
		}
	}
	if alone+counted != 10_000 || accepted != 1 || alone > 11*refusalsAnHour || head.Bytes > 2<<20 {
		t.Errorf("%d with lines, %d counted, %d accepted, %d bytes", alone, counted, accepted, head.Bytes)
	}
}

func TestFloodOfALargeLog(t *testing.T) {
	var f flood
	refused := Entry{Event: Refused, Digest: "d"}
	if f.admit(refused, now, largeLog) {
		t.Error("a line of its own in a large log")
	}
	if f.due(now.Add(2*hour), largeLog) != nil || f.due(now.Add(day), largeLog) == nil {
		t.Error("not once a day")
	}
	if f.due(now.Add(-time.Minute), largeLog) == nil {
		t.Error("nothing is told when the clock goes back")
	}
	f.told()
	if !f.admit(refused, now.Add(-time.Minute), 0) {
		t.Error("no line of its own afterwards")
	}
}

func TestBeatTellsWhatWasCounted(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	key, pub := newKey(t)
	l := openLog(t, name, key)
	for range refusalsAnHour + 5 {
		write(t, l, Entry{Event: Refused})
	}
	for _, at := range []time.Time{now.Add(time.Minute), now.Add(hour), now.Add(2 * hour)} {
		if err := l.Beat(at); err != nil {
			t.Fatal(err)
		}
	}
	all, _ := read(t, name, pub)
	if last := all[len(all)-1]; len(all) != refusalsAnHour+1 || last.Event != LeftOut || last.Detail[0].Value != "5" {
		t.Errorf("%d lines, the last %+v", len(all), last)
	}
}

// FuzzVerify: whatever a file holds, reading it ends; by a key that signed none of it,
// nothing is believed.
func FuzzVerify(f *testing.F) {
	key, pub := newKey(f)
	name := filepath.Join(f.TempDir(), "audit.jsonl")
	l := openLog(f, name, key)
	write(f, l, Entry{Event: Accepted, Job: "job-0001"})
	write(f, l, Entry{Event: Started, Job: "job-0001"})
	good, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"payload":"{}\n","sig":""}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		head, torn, err := Verify(bytes.NewReader(b), pub, nil)
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		whole := b[:head.Bytes]
		if !bytes.HasPrefix(good, whole) {
			t.Fatalf("believed: %q", whole)
		}
		if err == nil && head.Bytes+int64(torn) != int64(len(b)) {
			t.Fatalf("%d and %d torn bytes of %d", head.Bytes, torn, len(b))
		}
	})
}
