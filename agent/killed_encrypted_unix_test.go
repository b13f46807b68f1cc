//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/cipher"
)

// kill -9 at any moment of a collection that is encrypted: who has no key sees by the log
// that what is left is unchanged up to the last checkpoint that the log tells of; who has
// one sees that much at least; and it can be recovered without a key. HOZEN_KILLS sets the
// number of rounds.
func TestKilledEncryptedAtAnyMoment(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	if n, err := strconv.Atoi(os.Getenv("HOZEN_KILLS")); err == nil {
		rounds = n
	}
	root, identity := slowHost(t), filepath.Join(t.TempDir(), "lab.identity")
	text, recipient, err := cipher.Generate(false)
	if err == nil {
		err = os.WriteFile(identity, []byte(text+"\n"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	whole := wholeTime(t, root, "--encrypt-to", recipient)
	count := map[packager.Verdict]int{}
	for range rounds {
		dir := t.TempDir()
		c := start(t, "collect", "--root", root, "--out", dir, "--encrypt-to", recipient)
		time.Sleep(time.Duration(rand.Int64N(int64(whole))))
		c.Process.Kill()
		c.Wait()
		count[afterKillEncrypted(t, dir, identity)]++
	}
	t.Logf("%d rounds within %v: %v", rounds, whole, count)
}

// afterKillEncrypted checks what a killed collection left, and recovers it.
func afterKillEncrypted(t *testing.T, dir, identity string) packager.Verdict {
	t.Helper()
	file := one(t, dir, "*.tar.zst.age.partial")
	if sealed := one(t, dir, "*.tar.zst.age"); sealed != "" {
		if r := judge(t, sealed); r.Verdict != packager.ValidOuter || !r.Sealed || file != "" {
			t.Errorf("has its final name, and is %s: %v", r.Verdict, r.Findings)
		}
		return packager.Valid
	}
	if file == "" {
		return "nothing"
	}
	outer, inner := judge(t, file), judge(t, file, identity)
	told := toldBy(t, one(t, dir, "*.custody.jsonl"))
	switch {
	case told.k == 0 && outer.Verdict != packager.NotEvidence:
		t.Errorf("the log tells of nothing, and it is %s", outer.Verdict)
	case told.k > 0 && (outer.Verdict != packager.ValidOuter || outer.Checkpoint != told.k || outer.AuthenticBytes != told.bytes || outer.Sealed != told.sealed):
		t.Errorf("the log tells of checkpoint %d in %d bytes; without a key: %s at %d in %d: %v", told.k, told.bytes, outer.Verdict, outer.Checkpoint, outer.AuthenticBytes, outer.Findings)
	}
	switch inner.Verdict {
	case packager.ValidPartial, packager.Valid:
	case packager.NotEvidence:
		if told.k == 0 {
			break // nothing was flushed
		}
		fallthrough
	default:
		t.Errorf("opened: %s: %v", inner.Verdict, inner.Findings)
	}
	if inner.Checkpoint < told.k || inner.Verdict == packager.Valid && inner.Seal == nil {
		t.Errorf("opened: %s at checkpoint %d, the log tells of %d", inner.Verdict, inner.Checkpoint, told.k)
	}
	recoverEncrypted(t, file, identity, told, inner)
	return inner.Verdict
}

// recoverEncrypted recovers without a key; where the log tells of nothing, with one.
func recoverEncrypted(t *testing.T, file, identity string, told inLog, inner *packager.Report) {
	t.Helper()
	try := func(want packager.Verdict, args ...string) {
		t.Helper()
		out, err := command(context.Background(), append([]string{"recover", file}, args...)...).CombinedOutput()
		if exitCode(err) != want.ExitCode() {
			t.Errorf("recover %v: exit code %d, want %d\n%s", args, exitCode(err), want.ExitCode(), out)
		}
	}
	pattern := "*.incomplete.tar.zst.age"
	switch {
	case told.sealed:
		try(packager.Valid)
		pattern = "*.tar.zst.age"
	case told.k > 0:
		try(packager.ValidPartial)
	default:
		try(packager.NotEvidence)
		if inner.Verdict != packager.ValidPartial {
			return
		}
		try(packager.ValidPartial, "--identity", identity)
	}
	after := one(t, filepath.Dir(file), pattern)
	if r := judge(t, after, identity); r.Verdict != inner.Verdict || r.Checkpoint != inner.Checkpoint {
		t.Errorf("recovered: %s at checkpoint %d, was %s at %d: %v", r.Verdict, r.Checkpoint, inner.Verdict, inner.Checkpoint, r.Findings)
	}
	if r := judge(t, after); told.k > 0 && (r.Verdict != packager.ValidOuter || r.Checkpoint != told.k) {
		t.Errorf("recovered, without a key: %s at checkpoint %d: %v", r.Verdict, r.Checkpoint, r.Findings)
	}
}

// inLog is what a custody log tells of the stored bytes.
type inLog struct {
	k      int
	bytes  int64
	sealed bool
}

func toldBy(t *testing.T, log string) (told inLog) {
	t.Helper()
	if log == "" {
		return told
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	events, _, err := packager.ReadLog(b)
	if err != nil {
		t.Error(err)
	}
	for _, e := range events {
		switch e.Event {
		case "checkpoint":
			told.k++
			told.bytes = e.Object.Bytes
		case "sealed":
			told.sealed, told.bytes = true, e.Object.Bytes
		}
	}
	return told
}
