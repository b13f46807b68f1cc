package integrity

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/disk/known"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

func write(t testing.TB, root, name, body string) {
	t.Helper()
	at := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

func hashRows(t *testing.T, h *collector.Host, o HashOptions) (map[string]HashRow, evidence.Record) {
	t.Helper()
	s := &hosttest.Sink{}
	if err := HashTree(o).Collect(context.Background(), h, s); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[HashRow](s.Body("disk/hashes.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]HashRow{}
	for _, r := range rows {
		out[string(r.Path)] = r
	}
	r, _ := s.Record("disk/hashes.jsonl")
	return out, r
}

func TestHashTree(t *testing.T) {
	root := t.TempDir()
	large := strings.Repeat("0123456789", 100_000)
	bodies := map[string]string{"/data/a": "a", "/data/empty": "", "/data/sub/large": large, "/data/sub/deep/b": "b", "/elsewhere/c": "c", "/file": "f"}
	odd := "/data/odd\n\x1b"
	if runtime.GOOS == "linux" {
		odd += "\xff"
	}
	if runtime.GOOS != "windows" {
		bodies[odd] = "odd"
	}
	for name, body := range bodies {
		write(t, root, name, body)
	}
	links := os.Symlink("/elsewhere", filepath.Join(root, "data", "link")) == nil && os.Symlink("data", filepath.Join(root, "way")) == nil
	hard := os.Link(filepath.Join(root, "data/sub/deep/b"), filepath.Join(root, "data/sub/deep/b2")) == nil
	sum := sha1.Sum([]byte("a"))
	list, err := known.Load("drivers", strings.NewReader(hex.EncodeToString(sum[:])))
	if err != nil {
		t.Fatal(err)
	}
	from := "/data"
	if links {
		from = "/way"
	}
	h := &collector.Host{Root: root}
	rows, r := hashRows(t, h, HashOptions{Paths: []string{from, "/data/sub", "/file", "/none"}, Lists: known.New([]*known.List{list})})
	if r.Outcome != evidence.Collected || r.Shortfall {
		t.Errorf("%s: %s", r.Outcome, r.Note)
	}
	for name, body := range bodies {
		row, ok := rows[name]
		if name == "/elsewhere/c" {
			if ok {
				t.Error("a link was followed out of the tree")
			}
			continue
		}
		a, b, c := sha256.Sum256([]byte(body)), sha1.Sum([]byte(body)), md5.Sum([]byte(body))
		if row.Again { // the other name was found first
			row = rows["/data/sub/deep/b2"]
		}
		if row.SHA256 != hex.EncodeToString(a[:]) || row.SHA1 != hex.EncodeToString(b[:]) || row.MD5 != hex.EncodeToString(c[:]) || row.Size != int64(len(body)) || row.Note != "" {
			t.Errorf("%q: %+v", name, row)
		}
		if got := strings.Join(row.Known, " "); got != map[bool]string{true: "drivers"}[body == "a"] {
			t.Errorf("%q: known %q", name, got)
		}
	}
	if one, two := rows["/data/sub/deep/b"], rows["/data/sub/deep/b2"]; hard && runtime.GOOS == "linux" && (one.Again == two.Again || one.Inode != two.Inode || one.SHA256 != "" && two.SHA256 != "") {
		t.Errorf("two names of one file: %+v, %+v", one, two)
	}
}

func TestHashTreeConforms(t *testing.T) {
	root := t.TempDir()
	for i := range 300 {
		write(t, root, fmt.Sprintf("/d%d/f%d", i%7, i), strings.Repeat("x", i*i))
	}
	hosttest.Conform(t, HashTree(HashOptions{Paths: []string{"/"}}), &collector.Host{Root: root})
	rows, r := hashRows(t, &collector.Host{Root: root}, HashOptions{})
	if len(rows) != 0 || r.Outcome != evidence.Skipped || r.Shortfall {
		t.Errorf("without a path: %d rows, %s", len(rows), r.Note)
	}
}

func TestHashTreeCountsWhatIsLeft(t *testing.T) {
	root := t.TempDir()
	write(t, root, "/a", "abc")
	write(t, root, "/b", "de")
	rows, r := hashRows(t, &collector.Host{Root: root}, HashOptions{Paths: []string{"/"}, Time: time.Nanosecond})
	if len(rows) != 0 || !r.Shortfall || !strings.Contains(r.Note, "2 files with 5 bytes are left") {
		t.Errorf("%d rows, %+v", len(rows), r)
	}
}

// A changing reads as its steps say.
type changing struct {
	left int
	err  error
}

func (c *changing) Read(p []byte) (int, error) {
	n := min(len(p), c.left)
	c.left -= n
	if n == 0 {
		return 0, c.err
	}
	return n, nil
}

func TestFilesThatChangeOrFail(t *testing.T) {
	broken := fmt.Errorf("input/output error")
	never := func() error { return nil }
	for _, c := range []struct {
		name   string
		left   int
		err    error
		size   int64
		read   int64
		grew   bool
		failed error
	}{
		{"as it was", 10, io.EOF, 10, 10, false, nil},
		{"grew", 11, io.EOF, 10, 10, true, nil},
		{"shrank", 9, io.EOF, 10, 9, false, errShort},
		{"damaged", 300_000, broken, 1 << 20, 300_000, false, broken},
		{"several blocks", 3 << 20, io.EOF, 3 << 20, 3 << 20, false, nil},
	} {
		s, read, grew, err := newThree().file(&changing{c.left, c.err}, c.size, never)
		if read != c.read || grew != c.grew || err != c.failed {
			t.Errorf("%s: %d %v %v", c.name, read, grew, err)
		}
		if err == nil && s.sha256 != sha256.Sum256(make([]byte, c.size)) {
			t.Errorf("%s: wrong hash", c.name)
		}
	}
	over := evidence.Cut("over")
	if _, _, _, err := newThree().file(&changing{1 << 20, io.EOF}, 1<<20, func() error { return over }); err != over {
		t.Error(err)
	}
}

// BenchmarkHashTree hashes a tree of files of all sizes.
func BenchmarkHashTree(b *testing.B) {
	root, total := b.TempDir(), int64(0)
	for i := range 2000 {
		size := 1 << (i % 20)
		write(b, root, fmt.Sprintf("/d%d/f%d", i%50, i), strings.Repeat("x", size))
		total += int64(size)
	}
	b.SetBytes(total)
	for b.Loop() {
		s := &hosttest.Sink{}
		if err := HashTree(HashOptions{Paths: []string{"/"}}).Collect(context.Background(), &collector.Host{Root: root}, s); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSchema(t *testing.T) {
	schema, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Documented(t, string(schema), HashRow{}, Row{})
}
