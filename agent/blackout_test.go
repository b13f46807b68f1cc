package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/packager"
	"hozen/packager/evidence"
)

// darkCollectors are small ones, and one that wants the keys out of memory.
func darkCollectors(look func()) func(request) []collector.Collector {
	return func(request) []collector.Collector {
		return append(faultCollectors(request{}), collector.Collector{
			Name: "ram", Doc: "looks at memory", Volatility: collector.Memory, Blackout: true,
			Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
				return to.Put(ctx, evidence.Item{Path: "memory/ram.lime", Source: "test"}, func(w io.Writer) error {
					look()
					_, err := io.WriteString(w, "taken in the dark")
					return err
				})
			},
		})
	}
}

// newKey makes a key file and says where it is.
func newKey(t *testing.T, random io.Reader) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	a, _, stderr := testApp("key", "new", file, "--device", "pc-42")
	a.random = random
	if code := a.run(context.Background()); code != exitWhole {
		t.Fatalf("%d %s", code, stderr)
	}
	return file
}

// A collection with a step that looks at memory says what became of the keys.
func TestCollectTellsOfTheBlackout(t *testing.T) {
	for _, args := range [][]string{{"--key", newKey(t, nil)}, {}, {"--json"}} {
		dir := t.TempDir()
		a, stdout, stderr := testApp(append([]string{"collect", "--profile", "full", "--root", emptyHost(t), "--out", dir}, args...)...)
		a.collectors = darkCollectors(func() {})
		code := a.run(context.Background())
		file := one(t, dir, "*.tar.zst")
		if r := judge(t, file); r.Verdict != packager.Valid {
			t.Fatalf("exit code %d, %s %q\n%s", code, r.Verdict, r.Findings, stderr)
		}
		if left := one(t, dir, "*.key"); left != "" {
			t.Errorf("left: %s", left)
		}
		text := stdout.String()
		if len(args) == 1 {
			b := blackoutsOf(t, stdout.Bytes())
			if len(b) != 1 || b[0].Checkpoint == 0 || b[0].Whole != (len(b[0].Kept) == 0) || b[0].Whole != (code == exitWhole) {
				t.Errorf("%+v, exit code %d", b, code)
			}
			continue
		}
		whole, not := strings.Contains(text, english.text(mSumDark)), strings.Contains(text, "MAY BE IN THE RAM IMAGE")
		if whole == not || whole != (code == exitWhole) {
			t.Errorf("exit code %d\n%s", code, text)
		}
		if strings.Contains(text, "make a new one") != (len(args) > 0) {
			t.Errorf("of the device key:\n%s", text)
		}
	}
}

// blackoutsOf takes them out of what collect --json ends with.
func blackoutsOf(t *testing.T, out []byte) []packager.Blackout {
	t.Helper()
	last := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var e event
	if err := json.Unmarshal(last[len(last)-1], &e); err != nil || e.Result == nil {
		t.Fatalf("%v: %s", err, out)
	}
	return e.Result.Blackouts
}

// A power cut after the seal and before the renaming: zeros of the last block may
// follow, nothing is missing, and recover gives the archive its name.
func TestRecoverOfWhatWasSealed(t *testing.T) {
	dir := t.TempDir()
	a, _, _ := testApp("collect", "--root", emptyHost(t), "--out", dir)
	if code := a.run(context.Background()); code != exitWhole {
		t.Fatalf("exit code %d", code)
	}
	sealed := one(t, dir, "*.tar.zst")
	partial := sealed + ".partial"
	info, err := os.Stat(sealed)
	if err := errors.Join(err, os.Rename(sealed, partial), os.Truncate(partial, info.Size()+1000)); err != nil {
		t.Fatal(err)
	}
	a, stdout, stderr := testApp("recover", partial)
	if code := a.run(context.Background()); code != exitWhole || !strings.Contains(stdout.String(), "nothing is missing") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if r := judge(t, sealed); r.Verdict != packager.Valid {
		t.Errorf("%s: %v", r.Verdict, r.Findings)
	}
}

// A power cut leaves the file of a throw-away key: recover removes it and says so.
func TestRecoverSaysThatItRemovedTheKey(t *testing.T) {
	dir := t.TempDir()
	faultyRun(t, emptyHost(t), dir, &brokenDisk{n: 20, how: dies})
	partial := one(t, dir, "*.partial")
	d, err := packager.NewDevice("pc-42", nil)
	if err != nil || partial == "" {
		t.Fatalf("%q, %v", partial, err)
	}
	key := filepath.Join(dir, packager.KeyName(idOf(partial)))
	if err := packager.SaveDevice(d, key); err != nil {
		t.Fatal(err)
	}
	a, stdout, stderr := testApp("recover", partial)
	if code := a.run(context.Background()); code != packager.ValidPartial.ExitCode() || !strings.Contains(stdout.String(), english.text(mRecoveredKey, key)) {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if left := one(t, dir, "*.key"); left != "" {
		t.Errorf("left: %s", left)
	}
}
