package disk

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// aDisk is what lies on the volume of a fake Windows.
type aDisk map[string]string

func (d aDisk) Lstat(name string) (*evidence.FileMeta, error) {
	if text, ok := d[name]; ok {
		return &evidence.FileMeta{Mode: evidence.ModeRegular, Size: int64(len(text)), Blocks: 8}, nil
	}
	return nil, fs.ErrNotExist
}

func (d aDisk) Names(string) ([]string, error) { return nil, fs.ErrNotExist }

type aFile struct{ *strings.Reader }

func (aFile) Close() error { return nil }

func (d aDisk) Open(name string) (collector.Reader, error) {
	return aFile{strings.NewReader(d[name])}, nil
}

// TestWays takes files of what looks like a live Windows (windowsOf): what it refuses
// comes from its volume, and both ways are held against each other.
func TestWays(t *testing.T) {
	made := map[string]string{}
	for _, name := range []string{"same", "older", "locked", "gone"} {
		made[name] = "what " + name + " has"
	}
	h, tree, refused := windowsOf(t, made, "locked", "gone")
	disk := aDisk{"same": "what same has", "older": "old", "locked": "what locked has on the disk"}
	h.Raw = func(name string) (collector.Files, string, error) { return disk, path.Base(name), nil }
	rows := waysOf(t, h, tree)
	want := map[string]string{"same": "collected file volume: the same bytes", "older": "collected file volume: an older state"}
	if refused {
		want["locked"], want["gone"] = "collected volume file: open", "denied  "
	}
	for name, want := range want {
		r := rows[name]
		if got := fmt.Sprintf("%v %s %s", r.Outcome, r.Way, r.OtherWay); !strings.HasPrefix(got, want) || !strings.HasPrefix(string(r.Path), `C:\`) {
			t.Errorf("%s: %s (%s), not %s", r.Path, got, r.Reason, want)
		}
	}
	if !refused {
		return
	}
	if r := rows["locked"]; r.Taken != int64(len(disk["locked"])) || !strings.HasPrefix(string(r.Item), "disk/files/C:/") {
		t.Errorf("%+v", r)
	}
	if r := rows["gone"]; !strings.Contains(string(r.Reason), "past the system") {
		t.Errorf("%+v", r)
	}
}

func waysOf(t *testing.T, h *collector.Host, tree string) map[string]FileRow {
	t.Helper()
	sink := &hosttest.Sink{}
	c := Disk(Options{Trees: []string{tree}})
	if err := c.Collect(context.Background(), h, sink); err != nil {
		t.Fatal(err)
	}
	all, err := jsonl.Read[FileRow](sink.Body(filesTable))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]FileRow{}
	for _, r := range all {
		name := string(r.Path)
		rows[name[strings.LastIndexByte(name, '\\')+1:]] = r
	}
	return rows
}
