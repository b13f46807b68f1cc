package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/hub/registry"
	"hozen/service/porttest"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// TestMain is also the hub that TestKill kills.
func TestMain(m *testing.M) {
	dir := os.Getenv("HOZEN_TEST_HUB")
	if dir == "" {
		code := m.Run()
		// The client's Put to an object store may leave one goroutine behind, which waits on a
		// channel that it has taken away itself (nats.go v1.55, jetstream/object.go).
		theirs := goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect")
		err := goleak.Find(theirs) // what ends may be on its way
		for end := time.Now().Add(30 * time.Second); code == 0 && err != nil && time.Now().Before(end); {
			err = goleak.Find(theirs)
		}
		if code == 0 && err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}
	if err := child(dir, os.Getenv("HOZEN_TEST_LISTEN")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child runs a hub until its standard input ends, and writes a token first.
func child(dir, listen string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	hangs := time.AfterFunc(time.Minute, func() { panic("the hub does not start") })
	h, err := Start(ctx, Options{Dir: dir, Listen: listen, Advertise: []string{listen}, Log: log})
	if err != nil {
		return err
	}
	hangs.Stop()
	token, err := h.Token(ctx, registry.Invitation{Role: "endpoint"}, time.Hour)
	if err != nil {
		return err
	}
	fmt.Println(token)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// spawn starts the child and gives its token.
func spawn(t *testing.T, dir, listen string) (*exec.Cmd, string) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "HOZEN_TEST_HUB="+dir, "HOZEN_TEST_LISTEN="+listen)
	c.Stderr = os.Stderr
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var token string
	if _, err := fmt.Fscanln(out, &token); err != nil {
		t.Fatalf("the hub did not start: %v", err)
	}
	return c, token
}

// The hub is killed again and again while archives arrive. None is lost, none is kept
// twice, and each receipt is for the bytes that were sent.
func TestKill(t *testing.T) {
	dir, listen := t.TempDir(), porttest.Address(t)
	hub, token := spawn(t, dir, listen)
	kill := func() {
		_ = hub.Process.Kill() // SIGKILL
		_ = hub.Wait()         // it was killed
	}
	defer func() { kill() }()
	d, state := newDevice(t, "pc-1"), t.TempDir()
	if _, err := remote.Enrol(t.Context(), remote.Enrolment{Token: token, Device: d, State: state}); err != nil {
		t.Fatal(err)
	}
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	const archives = 6
	var sending sync.WaitGroup
	done := make(chan struct{})
	commits, errs := make([]protocol.CommitRequest, archives), make([]error, archives)
	for i := range archives {
		dir, commit := archive(t, d, 2<<20)
		commits[i] = commit
		sending.Go(func() { errs[i] = sendUntil(ctx, c, dir, commit) })
	}
	go func() { sending.Wait(); close(done) }()
	kills := 0
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(time.Duration(100+rand.N(900)) * time.Millisecond):
			if kills < 6 {
				kill()
				hub, _ = spawn(t, dir, listen)
				kills++
			}
		}
	}
	for i, err := range errs {
		if err != nil {
			t.Errorf("archive %d: %v", i, err)
		}
	}
	t.Logf("%d kills", kills)
	kill()
	checkKept(t, dir, commits)
}

// sendUntil sends until there is a receipt.
func sendUntil(ctx context.Context, c *remote.Client, dir string, r protocol.CommitRequest) error {
	for {
		receipt, err := send(ctx, c, dir, r)
		if err == nil && (receipt.Verdict != string(packager.Valid) || receipt.Archive != r.Archive) {
			return fmt.Errorf("receipt: %+v", receipt)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// checkKept starts a hub once more on what the killed ones left.
func checkKept(t *testing.T, dir string, commits []protocol.CommitRequest) {
	t.Helper()
	h := start(t, func(o *Options) { o.Dir = dir })
	// What was killed behind a receipt is brought to its end first.
	for end := time.Now().Add(time.Minute); h.intake.Stats().Uploads > 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	list, err := h.Archives(t.Context(), "", 100)
	if err != nil || len(list) != len(commits) {
		t.Errorf("%d archives, want %d: %v", len(list), len(commits), err)
	}
	for _, want := range commits {
		r, _, err := h.Open(t.Context(), "pc-1", want.Collection, protocol.FileArchive)
		if err != nil {
			t.Error(err)
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil || r.Close() != nil || signed.HexSum(b) != want.Archive.SHA256 {
			t.Errorf("%s: %d bytes: %v", want.Collection, len(b), err)
		}
	}
	info, err := h.streams.receipts.Info(t.Context())
	if err != nil || info.State.Msgs != uint64(len(commits)) {
		t.Errorf("%d receipts in the stream, want %d: %v", info.State.Msgs, len(commits), err)
	}
	if s := h.intake.Stats(); s.Uploads != 0 {
		t.Errorf("left on the way: %+v", s)
	}
	s, err := h.broker.JS.Stream(t.Context(), "HOZEN_PARTS")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := s.Info(t.Context()); err != nil || info.State.Msgs != 0 {
		t.Errorf("%d parts are left: %v", info.State.Msgs, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "hub.key")); err != nil {
		t.Error(err)
	}
}
