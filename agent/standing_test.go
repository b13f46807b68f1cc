package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"hozen/packager/signed"
	"hozen/service/config"
	"hozen/service/install"
	"hozen/service/isolate"
)

// What the service manager knows of the service: that it is isolated or vetoed as soon as it
// is, whoever did it; and whoever asks reads it in his language.
func TestStandingSaysIsolatedAndVetoed(t *testing.T) {
	file, c := residentConfig(t)
	keyInstalled(t, c)
	a, out, _ := testApp("service", "run", "--config", file)
	r, err := a.newResident(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	if s := r.standing(); s != install.IdleStatus {
		t.Errorf("%q", s)
	}
	state, err := signed.Encode(isolate.State{
		Type: isolate.StateType, Want: isolate.Cut, Hubs: []string{}, Next: []string{},
		Since: "2026-11-22T05:30:00.000000000Z", Until: "2026-11-22T13:30:00.000000000Z",
	})
	if err := errors.Join(err, os.WriteFile(c.In(config.IsolationFile), state, 0o600)); err != nil {
		t.Fatal(err)
	}
	if s := r.standing(); s != "idle, isolated until 2026-11-22T13:30:00.000000000Z" {
		t.Fatalf("%q", s)
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	go r.watchStanding(ctx)
	if err := os.WriteFile(c.Veto, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		if s := r.told.Load(); s != nil && strings.HasSuffix(*s, ", vetoed") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	told := r.told.Load()
	if told == nil || !strings.HasSuffix(*told, ", vetoed") || !(install.Status{Doing: *told}).Idle() {
		t.Fatalf("told %v", told)
	}
	for l, want := range map[language][]string{
		english:  {"\n  idle\n", "  ISOLATED until 2026-11-22 ", "  VETOED: "},
		japanese: {"\n  待機中\n", "  隔離中（2026-11-22 ", "実行停止中"},
	} {
		a.lang = l
		out.Reset()
		a.printService(install.Status{Running: true, Doing: *told, Memory: -1})
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("no %q in\n%s", w, out)
			}
		}
	}
	run := "pc-42-20261122t090000z-000001"
	r.doing.Store(&run)
	if s := r.standing(); !strings.HasPrefix(s, "collecting "+run+", isolated") || (install.Status{Doing: s}).Idle() {
		t.Errorf("%q", s)
	}
}

func TestIsolateStatusSpeaksJapanese(t *testing.T) {
	a, out, _ := testApp()
	a.lang = japanese
	for _, word := range []string{isolate.Open, isolate.Cut, isolate.Expired, isolate.Altered, isolate.Unknown, isolate.Released} {
		out.Reset()
		a.printStatus(&isolate.Machine{}, isolate.Status{Kernel: isolate.Open, File: word, Agree: true})
		if strings.Contains(out.String(), word) || !strings.Contains(out.String(), "ファイル: ") {
			t.Errorf("%s:\n%s", word, out)
		}
	}
}
