package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// TestMain lets the test binary be a sender in a process of its own, which can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("HOZEN_TEST_SENDER") == "" {
		os.Exit(m.Run())
	}
	if err := sender(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// sender sends a file: PLACE PIN CA CREDENTIALS FILE NAME.
func sender(args []string) error {
	p, err := Parse(args[0])
	if err != nil {
		return err
	}
	o := Options{Pin: args[1], CAFile: args[2], Rate: 40 << 20}
	if o.Credentials, err = ReadCredentials(args[3]); err != nil {
		return err
	}
	d, err := New(p, o)
	if err != nil {
		return err
	}
	f, err := os.Open(args[4])
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = Send(context.Background(), d, File{Name: args[5], ReaderAt: f, Size: st.Size()}, nil)
	return err
}

// TestKilled kills both sides in the middle of an upload, again and again: at the end the
// file is there, once, and it is ours.
func TestKilled(t *testing.T) {
	for kind, make := range peers() {
		t.Run(kind, func(t *testing.T) {
			p := make(t, t.TempDir())
			dir := t.TempDir()
			b := content(21, 40<<20+11)
			file, secrets := filepath.Join(dir, "archive"), filepath.Join(dir, "credentials")
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			text, err := yaml.Marshal(p.options.Credentials)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(secrets, text, 0o600); err != nil {
				t.Fatal(err)
			}
			for round := range 6 {
				c := exec.Command(os.Args[0], p.place.String(), p.options.Pin, p.options.CAFile, secrets, file, "killed.tar.zst")
				c.Env = append(os.Environ(), "HOZEN_TEST_SENDER=1")
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100*time.Millisecond + rand.N(500*time.Millisecond)) // wherever it is then
				if round%2 == 1 && p.crash != nil {
					p.crash(t)
					time.Sleep(rand.N(50 * time.Millisecond))
				}
				c.Process.Kill()
				c.Wait()
			}
			s := send(t, p.open(t), "killed.tar.zst", b)
			t.Logf("went on at %d of %d", s.From, s.Size)
			arrived(t, p, "killed.tar.zst", b)
		})
	}
}
