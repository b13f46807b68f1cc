package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hozen/service/protocol"
)

// A screen is what a command writes to, while a test reads.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// one runs a command beside the hub.
func one(t *testing.T, in string, args ...string) (string, int) {
	t.Helper()
	var out screen
	a := &app{out: &out, err: &out, in: strings.NewReader(in)}
	code := a.run(t.Context(), args)
	return out.String(), code
}

// The hub starts with nothing but a directory, and the commands beside it reach it.
func TestCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	if out, code := one(t, "", "token", "--dir", dir); code != 1 || !strings.Contains(out, "no hub runs") {
		t.Errorf("without a hub: %d %s", code, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out, log screen
	done := make(chan int, 1)
	go func() {
		a := &app{out: &out, err: &log, lang: 1}
		done <- a.run(ctx, []string{"--dir", dir, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--name", "soc"})
	}()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(out.String(), "hub token"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) || len(done) > 0 {
			t.Fatalf("the hub did not start: %s %s", out.String(), log.String())
		}
	}
	if !strings.Contains(out.String(), "soc の準備ができました") || !strings.Contains(out.String(), "admin") {
		t.Errorf("greeting: %s", out.String())
	}
	text, code := one(t, "", "token", "--dir", dir, "--for", "1h")
	if token, err := protocol.ParseToken(text); err != nil || code != 0 || token.Role != protocol.RoleEndpoint {
		t.Errorf("token: %d %s %v", code, text, err)
	}
	for _, c := range []struct {
		in, args, want string
		code           int
	}{
		{"", "token --role king", "role", 1},
		{"", "user add bob --role operator", "password of bob", 0},
		{"", "user add bob --role operator", "error", 1},
		{"a long enough password\n", "user passwd bob", "", 0},
		{"", "user list", "bob\toperator", 0},
		{"", "user remove bob", "", 0},
		{"", "revoke pc-9", "not enrolled", 1},
		{"", "endpoints", "no endpoint is enrolled", 0},
		{"", "endpoints --json", "[]", 0},
		{"", "nats-config", "auth_callout", 0},
		{"", "--http-plain --http 0.0.0.0:0 --listen 127.0.0.1:0", "a hub runs there already", 1},
	} {
		if got, code := one(t, c.in, append(strings.Fields(c.args), "--dir", dir)...); code != c.code || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s", c.args, code, got)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, filepath.Join(dir, "nats")) {
			return err
		}
		if info, err := d.Info(); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm()&0o077 != 0) {
			t.Errorf("%s: mode %v %v", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("the hub ended with %d: %s", code, log.String())
	}
}
