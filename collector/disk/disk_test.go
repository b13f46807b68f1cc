package disk

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// plant makes a host of files; a name that ends in / is a directory.
func plant(t testing.TB, files map[string]string) *collector.Host {
	t.Helper()
	h := &collector.Host{Root: t.TempDir(), Now: hosttestNow}
	for name, text := range files {
		at := filepath.Join(h.Root, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(at, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		must(t, os.WriteFile(at, []byte(text), 0o644))
	}
	return h
}

func take(t *testing.T, o Options, h *collector.Host) (*hosttest.Sink, map[string]FileRow) {
	t.Helper()
	var s hosttest.Sink
	must(t, Disk(o).Collect(context.Background(), h, &s))
	return &s, rowsOf(t, &s)
}

func rowsOf(t *testing.T, s *hosttest.Sink) map[string]FileRow {
	t.Helper()
	rows, err := jsonl.Read[FileRow](s.Body(filesTable))
	must(t, err)
	out := map[string]FileRow{}
	for _, r := range rows {
		key := string(r.Path)
		if r.Again {
			key += " again"
		}
		if _, twice := out[key]; twice {
			t.Errorf("%q has two rows", key)
		}
		out[key] = r
	}
	return out
}

func TestTree(t *testing.T) {
	h := plant(t, map[string]string{"t/a": "A", "t/d/b": "BB", "t/d/e/": "", "t/big": strings.Repeat("x", 2000), "other": "no", "t/\xff\n": "odd name"})
	must(t, os.Link(h.Root+"/t/a", h.Root+"/t/z"))
	must(t, os.Symlink("/etc/shadow", h.Root+"/t/link"))
	s, rows := take(t, Options{Trees: []string{"/t", "/other", "/none"}, MaxFile: 1000}, h)
	for name, text := range map[string]string{"/t/a": "A", "/t/d/b": "BB", "/other": "no", "/t/\xff\n": "odd name"} {
		rec, _ := s.Record("disk/files" + name)
		if r := rows[name]; string(s.Body("disk/files"+name)) != text || rec.Outcome != evidence.Collected || r.Outcome != evidence.Collected || !rec.OldHashes ||
			string(r.Item) != "disk/files"+name || r.Taken != int64(len(text)) || r.ReadBegan == "" || rec.File.Size != r.Size {
			t.Errorf("%q: %+v, %+v", name, r, rec)
		}
	}
	for name, want := range map[string]string{"/t": "directory: only its row", "/t/d/e": "directory", "/t/link": "symlink", "/t/z": "another name of", "/t/big": "limit for one file: 2000 bytes"} {
		r := rows[name]
		_, put := s.Record("disk/files" + name)
		if !strings.HasPrefix(string(r.Reason), want) || r.Outcome != evidence.Skipped || put != (name == "/t/big") {
			t.Errorf("%s: %+v, put %t", name, r, put)
		}
	}
	if r := rows["/t/z"]; r.SameAs != "/t/a" || r.Nlink != 2 {
		t.Errorf("%+v", r)
	}
	if r := rows["/t/link"]; r.LinkTarget != "/etc/shadow" {
		t.Errorf("%+v", r)
	}
	if rec, _ := s.Record(filesTable); rec.Outcome != evidence.Partial || !rec.Shortfall || !strings.Contains(rec.Note, "/none: asked for, and not there") {
		t.Errorf("%+v", rec) // whoever asked for it by its path must hear that
	}
	if rec, _ := s.Record("disk/files/t/big"); !rec.Shortfall {
		t.Errorf("a victim is no shortfall: %+v", rec)
	}
}

func TestConform(t *testing.T) {
	h := plant(t, map[string]string{"t/a": "A", "t/d/b": "BB", "t/c": "C", "t/d/e/f/g": "G"})
	hosttest.Conform(t, Disk(Options{Trees: []string{"/t"}}), h)
}

// The rows are in the order of the tree, though two read at once.
func TestOrder(t *testing.T) {
	files := map[string]string{}
	for i := range 500 {
		files[fmt.Sprintf("t/%03d", i)] = strings.Repeat("x", i*37%4000)
	}
	var s hosttest.Sink
	must(t, Disk(Options{Trees: []string{"/t"}}).Collect(context.Background(), plant(t, files), &s))
	rows, err := jsonl.Read[FileRow](s.Body(filesTable))
	must(t, err)
	if len(rows) != 501 || !slices.IsSortedFunc(rows, func(a, b FileRow) int { return strings.Compare(string(a.Path), string(b.Path)) }) {
		t.Errorf("%d rows, or not in order", len(rows))
	}
}

func TestBudgetOfTrees(t *testing.T) {
	h := plant(t, map[string]string{"t/a": strings.Repeat("a", 600), "t/b": strings.Repeat("b", 600), "t/c": strings.Repeat("c", 300)})
	s, rows := take(t, Options{Trees: []string{"/t"}, MaxSize: 1000}, h)
	if rows["/t/a"].Taken != 600 || rows["/t/c"].Taken != 300 || rows["/t/b"].Taken != 0 || !strings.HasPrefix(string(rows["/t/b"].Reason), "budget: ") {
		t.Errorf("%+v", rows)
	}
	if rec, _ := s.Record("disk/files/t/b"); rec.Outcome != evidence.Skipped || !rec.Shortfall {
		t.Errorf("%+v", rec)
	}
}

func hosttestNow() time.Time { return hosttest.Epoch }
