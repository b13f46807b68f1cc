//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hozen/packager"
)

// slowHost is a directory whose collection takes some time, because it has many
// files in memory: enough to be interrupted in.
func slowHost(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	shm := filepath.Join(root, "dev/shm")
	for _, d := range []string{shm, filepath.Join(root, "proc/1"), filepath.Join(root, "etc")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("etc/hostname", "slow\n")
	write("proc/1/mountinfo", "30 1 0:25 / /dev/shm rw,nosuid - tmpfs tmpfs rw\n")
	text := strings.Repeat("evidence ", 1<<15)
	for i := range 200 {
		write(fmt.Sprintf("dev/shm/file-%03d", i), strconv.Itoa(i)+text)
	}
	return root
}

func TestSignalSealsWhatIsThere(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(s.String(), func(t *testing.T) {
			dir, c := signalled(t, s)
			for _, want := range []string{"VALID  ", "ended early: stopped by signal: " + s.String()} {
				if !strings.Contains(c.out.String(), want) {
					t.Errorf("not said: %q\n%s", want, c.out.String())
				}
			}
			if !strings.Contains(c.said(), "Stopping:") {
				t.Errorf("not told that it stops:\n%s", c.said())
			}
			r := judge(t, one(t, dir, "*.tar.zst"))
			if r.Verdict != packager.Valid || r.Seal == nil || !strings.HasPrefix(r.Seal.Status, "stopped:stopped by signal") {
				t.Errorf("verdict %s, seal %+v", r.Verdict, r.Seal)
			}
		})
	}
}

// signalled is a collection that got a signal while it ran, and has ended. One that was sealed
// before the signal came is begun anew.
func signalled(t *testing.T, s os.Signal) (dir string, c *watched) {
	t.Helper()
	root := slowHost(t)
	for range 10 {
		dir = t.TempDir()
		c = start(t, "collect", "--root", root, "--out", dir)
		c.until(t, "[1/")
		if err := c.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		switch code := exitCode(c.Wait()); code {
		case exitShort:
			return dir, c
		case exitWhole:
		default:
			t.Fatalf("exit code %d, want %d\n%s%s", code, exitShort, c.said(), c.out.String())
		}
	}
	t.Fatal("the collection was always sealed before the signal came")
	return "", nil
}

// A second signal does not wait for the seal.
func TestSecondSignalLeavesAtOnce(t *testing.T) {
	left := false
	root := slowHost(t)
	for try := 0; try < 10 && !left; try++ {
		dir := t.TempDir()
		c := start(t, "collect", "--root", root, "--out", dir)
		c.until(t, "[1/")
		c.Process.Signal(syscall.SIGTERM)
		c.Process.Signal(syscall.SIGINT)
		err := c.Wait()
		if exitCode(err) != exitNotSealed {
			continue // it was quicker than the second signal
		}
		left = true
		if partial := one(t, dir, "*.partial"); partial != "" {
			if r := judge(t, partial); r.Verdict != packager.ValidPartial && r.Verdict != packager.NotEvidence {
				t.Errorf("%s: %v", r.Verdict, r.Findings)
			}
		}
		if !strings.Contains(c.said(), "leaving at once") {
			t.Errorf("not said:\n%s", c.said())
		}
	}
	if !left {
		t.Skip("the collection was always sealed before the second signal came")
	}
}

// kill -9 at any moment of a real collection: what is left is authentic up to a
// checkpoint, or nothing, but never VALID and never INVALID, and can be recovered.
// HOZEN_KILLS sets the number of rounds.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := 15
	if testing.Short() {
		rounds = 4
	}
	if n, err := strconv.Atoi(os.Getenv("HOZEN_KILLS")); err == nil {
		rounds = n
	}
	root := slowHost(t)
	whole := wholeTime(t, root) * 8 / 10
	count := map[packager.Verdict]int{}
	for range rounds {
		dir := t.TempDir()
		args := []string{"collect", "--root", root, "--out", dir}
		if rand.IntN(3) == 0 {
			args = []string{"collect", "--out", dir, "--profile", "volatile", "--skip", "temporary"}
		}
		c := start(t, args...)
		time.Sleep(time.Duration(rand.Int64N(int64(whole))))
		c.Process.Kill()
		c.Wait()
		count[afterKill(t, dir)]++
	}
	t.Logf("%d rounds within %v: %v", rounds, whole, count)
}

func wholeTime(t *testing.T, root string, more ...string) time.Duration {
	began := time.Now()
	c := start(t, append([]string{"collect", "--root", root, "--out", t.TempDir()}, more...)...)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, c.said())
	}
	return time.Since(began)
}

// afterKill checks what a killed collection left, and recovers it.
func afterKill(t *testing.T, dir string) packager.Verdict {
	t.Helper()
	partial := one(t, dir, "*.tar.zst.partial")
	if sealed := one(t, dir, "*.tar.zst"); sealed != "" {
		if r := judge(t, sealed); r.Verdict != packager.Valid || partial != "" {
			t.Errorf("has its final name, and is %s: %v", r.Verdict, r.Findings)
		}
		return packager.Valid
	}
	if partial == "" {
		return "nothing"
	}
	r := judge(t, partial)
	whole := r.Verdict == packager.Valid && r.Seal != nil // killed between seal and rename; zeros of the last block may follow
	if r.Verdict != packager.ValidPartial && r.Verdict != packager.NotEvidence && !whole {
		t.Errorf("%s: %v", r.Verdict, r.Findings)
	}
	c := command(context.Background(), "recover", partial)
	out, err := c.CombinedOutput()
	want, pattern := packager.ValidPartial.ExitCode(), "*.incomplete.tar.zst"
	switch {
	case whole:
		want, pattern = exitWhole, "*.tar.zst"
	case r.Verdict == packager.NotEvidence:
		want = packager.NotEvidence.ExitCode()
	}
	if exitCode(err) != want {
		t.Errorf("%s: recover: exit code %d, want %d\n%s", r.Verdict, exitCode(err), want, out)
	}
	if after := one(t, dir, pattern); want != packager.NotEvidence.ExitCode() {
		if a := judge(t, after); a.Checkpoint != r.Checkpoint || a.Verdict == packager.Invalid {
			t.Errorf("recovered: %s at checkpoint %d, was %d: %v", a.Verdict, a.Checkpoint, r.Checkpoint, a.Findings)
		}
	}
	return r.Verdict
}
