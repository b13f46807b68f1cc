package indicators

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

func TestListingOfADirectory(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b\nc", "\xff"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	v, err := newFileView(collector.ThisHost())
	if err != nil {
		t.Fatal(err)
	}
	list, err := v.list(dir)
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, e := range list {
		m, err := v.lstat(filepath.Join(dir, e.name))
		if err != nil || m.Inode != e.inode || e.isDir != (e.name == "sub") {
			t.Errorf("%+v: %+v, %v", e, m, err)
		}
	}
	if _, err := v.list(dir + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestNoFileOfThisMachineIsCalledHidden takes all names that the processes of
// this machine know, while files come and go in a directory of ours.
func TestNoFileOfThisMachineIsCalledHidden(t *testing.T) {
	h := collector.ThisHost()
	s := &survey{ctx: context.Background(), host: h, base: newBase(h)}
	dir := t.TempDir()
	for _, name := range []string{"x", "y", "z"} {
		s.names.add(filepath.Join(dir, name, "in", "it"))
	}
	open, end, err := proc.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	pids, _ := proc.PIDs(h)
	dirOf := open()
	for _, pid := range pids {
		p := &process{ctx: s.ctx, host: h, base: s.base, pid: pid}
		if p.dir, err = dirOf(pid); err == nil {
			p.read()
			s.noteNames(p)
			p.dir.Close()
		}
	}
	ctx, stop := context.WithCancel(s.ctx)
	stopped := make(chan struct{})
	t.Cleanup(func() { stop(); <-stopped })
	go func() {
		defer close(stopped)
		for i := 0; ctx.Err() == nil; i++ {
			at := filepath.Join(dir, []string{"x", "y", "z"}[i%3])
			if os.Mkdir(at, 0o700) != nil {
				os.Remove(at)
			}
		}
	}()
	v, err := newFileView(h)
	if err != nil {
		t.Fatal(err)
	}
	mounts := slices.DeleteFunc(slices.Clone(s.mounts()), func(m proc.Mount) bool { return strings.HasPrefix(m.Type, "fuse") })
	for range 10 {
		var tally evidence.Tally
		found, told := v.compare(ctx, &s.names, mounts, &tally)
		if len(found) > 0 {
			t.Errorf("%+v\n%s", found, told)
		}
		t.Log(told, tally.Err())
	}
}

// BenchmarkHidden measures each comparison on this machine as it is.
func BenchmarkHidden(b *testing.B) {
	h := collector.ThisHost()
	b.Run("processes", func(b *testing.B) {
		for b.Loop() {
			f := &pidSearch{}
			sys, end, err := newPIDSystem(h, nil, &f.tally)
			if err != nil {
				b.Skipf("kernel has no such views: %v", err)
			}
			f.sys = sys
			f.search(context.Background())
			end()
		}
	})
	b.Run("sweep", func(b *testing.B) {
		var tally evidence.Tally
		sys, end, err := newPIDSystem(h, nil, &tally)
		if err != nil {
			b.Skipf("kernel has no such views: %v", err)
		}
		defer end()
		for b.Loop() {
			sys.sweep(context.Background(), nil)
		}
	})
}
