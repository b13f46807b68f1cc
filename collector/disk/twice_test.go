package disk

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// A maze is an image whose directories have two names each, up to the last, which
// leads to the first again: 2^200 paths without end.
type maze struct{}

func (maze) number(name string) int { return (strings.Count(name, "/") - 1) % 200 }

func (z maze) Lstat(name string) (*evidence.FileMeta, error) {
	if name == "/" {
		return &evidence.FileMeta{Mode: evidence.ModeDir | 0o755, Inode: 2}, nil
	}
	return &evidence.FileMeta{Mode: evidence.ModeDir | 0o755, Inode: 10 + uint64(z.number(name))}, nil
}

func (maze) Names(string) ([]string, error) { return []string{"a", "b"}, nil }

func (maze) Open(name string) (collector.Reader, error) { return nil, fs.ErrNotExist }

// TestDirectoryOfManyNames: each directory of a damaged disk is listed once, and the
// other names of it are a shortfall.
func TestDirectoryOfManyNames(t *testing.T) {
	var s hosttest.Sink
	h := &collector.Host{Root: "/", Image: maze{}}
	if err := Disk(Options{Trees: []string{"/"}}).Collect(context.Background(), h, &s); err != nil {
		t.Fatal(err)
	}
	rows := strings.Count(string(s.Body(filesTable)), "\n")
	rec, _ := s.Record(filesTable)
	if rows != 1+2*201 || !rec.Shortfall || !strings.Contains(rec.Note, "the same directory") {
		t.Errorf("%d rows; %s", rows, rec.Note)
	}
}
