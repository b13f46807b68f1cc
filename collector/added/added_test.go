package added

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
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

func files(t *testing.T) (dir string, names []string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"utm.log": "blocked\n", "x.pcap": "\xd4\xc3\xb2\xa1rest", "y.pcapng": "\x0a\x0d\x0d\x0arest", "empty": ""} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir, []string{dir + "/utm.log", dir + "/x.pcap", dir + "/empty", dir + "/y.pcapng", dir + "/gone", dir + "/utm.log"}
}

func host(t *testing.T) *collector.Host {
	return &collector.Host{Root: t.TempDir(), Now: func() time.Time { return hosttest.Epoch }}
}

func TestAdded(t *testing.T) {
	_, names := files(t)
	var seen []string
	o := Options{Captures: func(ctx context.Context, n int, name string, open func() (io.ReadCloser, error), to evidence.Sink) error {
		f, err := open()
		must(t, err)
		defer f.Close()
		b, err := io.ReadAll(f)
		must(t, err)
		seen = append(seen, fmt.Sprint(n, " ", filepath.Base(name), " ", len(b)))
		return to.Put(ctx, evidence.Item{Path: fmt.Sprintf("added/%d/flows.jsonl", n), Source: name}, func(io.Writer) error { return nil })
	}}
	var s hosttest.Sink
	must(t, Added(names, o).Collect(context.Background(), host(t), &s))
	if got := strings.Join(seen, ", "); got != "2 x.pcap 8, 4 y.pcapng 8" {
		t.Errorf("captures: %s", got)
	}
	rows, err := jsonl.Read[Row](s.Body("added.jsonl"))
	must(t, err)
	if len(rows) != 6 {
		t.Fatalf("%+v", rows)
	}
	for i, want := range []struct {
		size    int64
		outcome evidence.Outcome
	}{{8, evidence.Collected}, {8, evidence.Collected}, {0, evidence.Collected}, {8, evidence.Collected}, {0, evidence.Absent}, {8, evidence.Collected}} {
		r := rows[i]
		if r.Number != i+1 || r.Size != want.size || r.Outcome != want.outcome || string(r.Path) != names[i] {
			t.Errorf("%+v, want %+v", r, want)
		}
		if rec, ok := s.Record(string(r.Item)); want.outcome == evidence.Collected && (!ok || !rec.OldHashes || rec.File.Size != r.Size || rec.Source != names[i]) {
			t.Errorf("%+v", rec)
		}
	}
	if string(s.Body("added/1-utm.log")) != "blocked\n" || string(s.Body("added/6-utm.log")) != "blocked\n" {
		t.Error("not the contents, or one that is added twice is there once")
	}
}

func TestConform(t *testing.T) {
	_, names := files(t)
	hosttest.Conform(t, Added(names, Options{}), host(t))
	hosttest.Conform(t, Added(nil, Options{}), host(t))
}

func TestCheck(t *testing.T) {
	dir, names := files(t)
	must(t, Check(names[:4]))
	for name, want := range map[string]string{names[4]: "gone", dir: "directory"} {
		if err := Check([]string{names[0], name}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	must(t, err)
	for i, typ := 0, reflect.TypeOf(Row{}); i < typ.NumField(); i++ {
		if field, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ","); !strings.Contains(string(b), "`"+field+"`") {
			t.Errorf("SCHEMA.md does not name %s", field)
		}
	}
}
