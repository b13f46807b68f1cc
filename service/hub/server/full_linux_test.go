package server

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/packager"
	"hozen/service/protocol"
)

// A small disk of its own for the hub, which somebody else fills.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: mounts a small file system")
	}
	for name, blind := range map[string]bool{"seen in time": false, "written until it fails": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=96m"); err != nil {
				t.Skipf("kernel has no tmpfs for us: %v", err)
			}
			t.Cleanup(func() {
				if err := unix.Unmount(dir, 0); err != nil {
					t.Error(err)
				}
			})
			fill(t, filepath.Join(dir, "hub"), filepath.Join(dir, "fill"), blind)
		})
	}
}

// fill delivers to a hub before, while and after its disk is full. A blind one does not
// see it coming: JetStream's own writes fail.
func fill(t *testing.T, dir, filler string, blind bool) {
	h := start(t, func(o *Options) {
		o.Dir, o.Reserve = dir, 24<<20
		if blind {
			o.free = func() (int64, error) { return 1 << 40, nil }
		}
	})
	d, state := device(t, h, "pc-1")
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	files, commit := archive(t, d, 8<<20)
	if r, err := send(ctx, c, files, commit); err != nil || r.Verdict != string(packager.Valid) {
		t.Fatalf("with room: %+v %v", r, err)
	}
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	for {
		if _, err := f.Write(buf); err != nil {
			break
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	files2, commit2 := archive(t, d, 8<<20)
	type result struct {
		r   protocol.Receipt
		err error
	}
	got := make(chan result, 1)
	short, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	if r, err := send(short, c, files2, commit2); err == nil {
		t.Fatalf("on a full disk: %+v", r)
	} else {
		t.Logf("full: %v", err)
	}
	if err := h.Health(ctx); err == nil && !blind {
		t.Error("the hub says that it is well")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			r, err := send(ctx, c, files2, commit2)
			if err == nil || ctx.Err() != nil {
				got <- result{r, err}
				return
			}
			t.Logf("again: %v", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}()
	if g := <-got; g.err != nil || g.r.Verdict != string(packager.Valid) {
		t.Fatalf("with room again: %+v %v", g.r, g.err)
	}
	if _, err := h.Archive(ctx, "pc-1", commit.Collection); err != nil {
		t.Error(err)
	}
}
