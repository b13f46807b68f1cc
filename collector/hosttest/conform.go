package hosttest

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/packager/evidence"
)

// Conform checks what is promised of every collector, on a host (a fixture, or
// the machine that the test runs on):
//
//   - it has a name, a sentence, and a time limit;
//   - every path is clean, below its own folder, and used once;
//   - every item has a source; every outcome but "collected" has a note;
//   - the same host gives the same items in the same order (not asked of a live one);
//   - it ends soon after ctx ends, and every item then says so;
//   - when the sink breaks, it stops and returns the sink's error;
//   - a fixture is left as it was: nothing written, nothing removed.
func Conform(t *testing.T, c collector.Collector, h *collector.Host) {
	t.Helper()
	t.Run("is described", func(t *testing.T) { described(t, c) })
	t.Run("puts well-formed items", func(t *testing.T) { wellFormed(t, c, h) })
	if !h.Live {
		t.Run("is stable and writes nothing", func(t *testing.T) { stable(t, c, h) })
	}
	t.Run("ends with its context", func(t *testing.T) { endsWithContext(t, c, h) })
	t.Run("stops when the sink breaks", func(t *testing.T) { stopsWhenBroken(t, c, h) })
}

func described(t *testing.T, c collector.Collector) {
	if c.Name == "" || strings.ToLower(c.Name) != c.Name || c.Doc == "" {
		t.Errorf("name %q, doc %q: both are needed, the name in lower case", c.Name, c.Doc)
	}
	if c.Limit.Time <= 0 {
		t.Error("no time limit")
	}
}

func collect(t *testing.T, ctx context.Context, c collector.Collector, h *collector.Host) *Sink {
	t.Helper()
	var s Sink
	if err := c.Collect(ctx, h, &s); err != nil {
		t.Fatalf("Collect returned %v though the sink did not", err)
	}
	return &s
}

func wellFormed(t *testing.T, c collector.Collector, h *collector.Host) {
	s := collect(t, context.Background(), c, h)
	seen := map[string]bool{}
	if len(s.Records()) == 0 {
		t.Error("no item at all: not even a reason why not")
	}
	for _, r := range s.Records() {
		if seen[r.Path] {
			t.Errorf("%s: put twice", r.Path)
		}
		seen[r.Path] = true
		if strings.HasPrefix(r.Path, "/") || strings.Contains(r.Path, "//") || !strings.Contains("/"+r.Path, "/"+c.Name) {
			t.Errorf("%q: not a path below the folder of %s", r.Path, c.Name)
		}
		if r.Source == "" {
			t.Errorf("%s: no source", r.Path)
		}
		if r.Outcome != evidence.Collected && r.Note == "" {
			t.Errorf("%s: %s without a note", r.Path, r.Outcome)
		}
	}
}

func stable(t *testing.T, c collector.Collector, h *collector.Host) {
	before := tree(t, h.Root)
	a, b := collect(t, context.Background(), c, h), collect(t, context.Background(), c, h)
	if pa, pb := paths(a), paths(b); !slices.Equal(pa, pb) {
		t.Errorf("two runs differ in their items:\n%v\n%v", pa, pb)
	}
	for _, p := range paths(a) {
		if strings.HasSuffix(p, ".jsonl") && string(a.Body(p)) != string(b.Body(p)) {
			t.Errorf("%s: two runs differ:\n%s\n%s", p, a.Body(p), b.Body(p))
		}
	}
	if after := tree(t, h.Root); !slices.Equal(before, after) {
		t.Errorf("the host was changed:\n%v\n%v", before, after)
	}
}

func paths(s *Sink) []string {
	var out []string
	for _, r := range s.Records() {
		out = append(out, r.Path)
	}
	slices.Sort(out)
	return out
}

func tree(t *testing.T, root string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err == nil {
			out = append(out, p+" "+st.Mode().String()+" "+st.ModTime().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func endsWithContext(t *testing.T, c collector.Collector, h *collector.Host) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	done := make(chan error, 1)
	go func() { done <- c.Collect(ctx, h, &Sink{}) }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("returned %v: an ended context is no error of the sink", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("still running 5 s after its context ended")
	}
}

func stopsWhenBroken(t *testing.T, c collector.Collector, h *collector.Host) {
	for _, n := range []int{1, 2, 3} {
		s := &Sink{BreakAt: n}
		err := c.Collect(context.Background(), h, s)
		if s.puts >= n && !errors.Is(err, ErrBroken) {
			t.Errorf("sink broken at put %d: returned %v", n, err)
		}
		if s.puts > n+32 {
			t.Errorf("sink broken at put %d: %d puts tried all the same", n, s.puts)
		}
	}
}
