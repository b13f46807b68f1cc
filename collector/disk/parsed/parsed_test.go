package parsed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Documented(t, string(b), FileRow{})
}

type line struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
}

// lines is a format whose rows are the lines of a file.
func lines(rows func(context.Context, *Source, Emit) error) Format {
	if rows == nil {
		rows = func(_ context.Context, src *Source, emit Emit) error {
			b, err := src.Bytes()
			for i, s := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
				if strings.Contains(s, "bad") {
					src.Damaged(fmt.Errorf("line %d is bad", i+1))
					continue
				}
				if err := emit(line{i + 1, s}); err != nil {
					return err
				}
			}
			return err
		}
	}
	return Format{Name: "lines", Takes: func(f *File) bool { return f.HasExt(".TXT") }, MaxFile: 1 << 20, Rows: rows}
}

// host makes files, and tells what was found of them.
func host(t *testing.T, f *Found, files map[string]string) *collector.Host {
	t.Helper()
	h := &collector.Host{Root: t.TempDir()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(h.Root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f.Add("/"+name, "disk/files/"+name, []string{"Some"}, &evidence.FileMeta{Size: int64(len(text))})
	}
	return h
}

func collect(t *testing.T, o Options, h *collector.Host) (*hosttest.Sink, map[string]FileRow) {
	t.Helper()
	var s hosttest.Sink
	if err := Collector(o).Collect(context.Background(), h, &s); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[FileRow](s.Body(FilesTable))
	if err != nil {
		t.Fatal(err)
	}
	byPath := map[string]FileRow{}
	for _, r := range rows {
		byPath[string(r.Path)] = r
	}
	return &s, byPath
}

func TestRows(t *testing.T) {
	o := Options{Formats: []Format{lines(nil)}}
	o.Found = NewFound(o.Formats...)
	h := host(t, o.Found, map[string]string{"a.txt": "one\ntwo\n", "b.TXT": "one\nbad\nthree\n", "c.bin": "x", "c.log1": "log"})
	s, rows := collect(t, o, h)
	want := `{"path":"/a.txt","item":"disk/files/a.txt","n":1,"text":"one"}
{"path":"/a.txt","item":"disk/files/a.txt","n":2,"text":"two"}
{"path":"/b.TXT","item":"disk/files/b.TXT","n":1,"text":"one"}
{"path":"/b.TXT","item":"disk/files/b.TXT","n":3,"text":"three"}
`
	if got := string(s.Body(Table("lines"))); got != want {
		t.Errorf("%s", got)
	}
	a, b := rows["/a.txt"], rows["/b.TXT"]
	if len(rows) != 2 || a.Outcome != evidence.Collected || a.Rows != 2 || a.SHA256 != fmt.Sprintf("%x", sha256.Sum256([]byte("one\ntwo\n"))) || a.Bytes != 8 {
		t.Errorf("%+v", a)
	}
	if b.Outcome != evidence.Partial || b.Damage != 1 || b.Damaged[0] != "line 2 is bad" {
		t.Errorf("%+v", b)
	}
	if r, _ := s.Record(Table("lines")); r.Outcome != evidence.Partial || r.Shortfall {
		t.Errorf("damage is a fact about the host: %+v", r)
	}
}

// Whatever a parser does, the table is there with what came before, and says why.
func TestParsersThatFail(t *testing.T) {
	var forever chan struct{}
	for _, c := range []struct {
		name, note string
		outcome    evidence.Outcome
		shortfall  bool
		limits     Limits
		then       func(context.Context, *Source, Emit) error
	}{
		{name: "panics", note: "panicked: runtime error", outcome: evidence.Partial, shortfall: true, then: func(context.Context, *Source, Emit) error { return errors.New(string([]byte{}[len(os.Args)+5:])) }},
		{name: "gives up", note: "not parsed: no magic", outcome: evidence.Partial, then: func(context.Context, *Source, Emit) error { return &Unparsable{errors.New("no magic")} }},
		{name: "goes wrong", note: "input/output", outcome: evidence.Partial, shortfall: true, then: func(context.Context, *Source, Emit) error { return errors.New("input/output") }},
		{name: "hangs", note: "left behind", outcome: evidence.Partial, shortfall: true, limits: Limits{FileTime: time.Minute}, then: func(context.Context, *Source, Emit) error { <-forever; return nil }},
		{name: "has no end", note: "limit of rows: 1000", outcome: evidence.Partial, shortfall: true, limits: Limits{FileRows: 1000}, then: endless},
		{name: "has no end in bytes", note: "limit of all rows", outcome: evidence.Partial, shortfall: true, limits: Limits{Bytes: 1 << 20}, then: endless},
		{name: "has no end in bytes of its own", note: "limit of the rows of one file", outcome: evidence.Partial, shortfall: true, limits: Limits{FileBytes: 1 << 20}, then: endless},
		{name: "is slow", note: "time is over", outcome: evidence.Partial, shortfall: true, limits: Limits{FileTime: time.Minute}, then: func(ctx context.Context, _ *Source, _ Emit) error { <-ctx.Done(); return context.Cause(ctx) }},
		{name: "eats", note: "limit of memory", outcome: evidence.Partial, shortfall: true, limits: Limits{Memory: 1 << 20}, then: eat},
	} {
		try := func(t *testing.T) {
			forever = make(chan struct{})
			t.Cleanup(func() { close(forever) })
			o := Options{Limits: c.limits, Formats: []Format{lines(func(ctx context.Context, src *Source, emit Emit) error {
				if err := emit(line{N: 1}); err != nil {
					return err
				}
				return c.then(ctx, src, emit)
			})}}
			o.Found = NewFound(o.Formats...)
			s, rows := collect(t, o, host(t, o.Found, map[string]string{"a.txt": "x"}))
			row := rows["/a.txt"]
			if row.Outcome != c.outcome || !strings.Contains(string(row.Reason), c.note) || row.Rows < 1 {
				t.Errorf("%+v", row)
			}
			if r, _ := s.Record(Table("lines")); r.Outcome != evidence.Partial || r.Shortfall != c.shortfall {
				t.Errorf("%+v", r)
			}
		}
		t.Run(c.name, func(t *testing.T) {
			if c.limits.FileTime == 0 {
				try(t)
				return
			}
			synctest.Test(t, try) // the time ends where all wait: after the first row
		})
	}
}

func endless(_ context.Context, _ *Source, emit Emit) error {
	for n := 2; ; n++ {
		if err := emit(line{N: n}); err != nil {
			return err
		}
	}
}

func eat(ctx context.Context, _ *Source, _ Emit) error {
	var eaten [][]byte
	for ctx.Err() == nil && len(eaten) < 1000 {
		eaten = append(eaten, make([]byte, 1<<20))
		time.Sleep(time.Millisecond)
	}
	select {
	case <-ctx.Done():
		runtime.KeepAlive(eaten)
		return context.Cause(ctx)
	case <-time.After(time.Minute):
		return errors.New("nobody stopped it")
	}
}

func TestLimitOfTheFormat(t *testing.T) {
	f := lines(nil)
	f.MaxFile = 4
	o := Options{Formats: []Format{f}}
	o.Found = NewFound(f)
	s, rows := collect(t, o, host(t, o.Found, map[string]string{"a.txt": "one\ntwo\n"}))
	if row := rows["/a.txt"]; row.Rows != 1 || row.Bytes != 4 || row.Outcome != evidence.Partial {
		t.Errorf("%+v", row)
	}
	if r, _ := s.Record(Table("lines")); !r.Shortfall {
		t.Errorf("%+v", r)
	}
}

// A sparse file's holes are not read; what belongs to a file is read with it.
func TestHolesAndFilesBeside(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("kernel has no way to say where holes are that we ask it for")
	}
	var parts []int64
	f := lines(func(_ context.Context, src *Source, emit Emit) error {
		if log := src.Beside("A.txt.LOG1"); log != nil {
			b, err := log.Bytes()
			if err != nil || string(b) != "log" {
				t.Errorf("%q, %v", b, err)
			}
		}
		if src.Beside("none") != nil {
			t.Error("what was not found is there")
		}
		return src.Data(func(at int64, r io.Reader) error {
			n, err := io.Copy(io.Discard, r)
			parts = append(parts, at, n)
			return err
		})
	})
	f.MaxFile = 1 << 40
	o := Options{Formats: []Format{f}}
	o.Found = NewFound(f)
	h := host(t, o.Found, map[string]string{"a.txt": "", "a.txt.log1": "log"})
	big, err := os.Create(filepath.Join(h.Root, "a.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if _, err := big.WriteAt([]byte("end"), 1<<33); err != nil {
		t.Skip("kernel has no sparse file here: ", err)
	}
	_, rows := collect(t, o, h)
	if row := rows["/a.txt"]; len(row.Beside) != 1 || row.Beside[0].Bytes != 3 || row.Bytes > 1<<20 || row.Size != 1<<33+3 {
		t.Errorf("%+v, parts %v", row, parts)
	}
}

func TestNothingFound(t *testing.T) {
	s, _ := collect(t, Options{Formats: []Format{lines(nil)}}, &collector.Host{Root: t.TempDir()})
	if r, ok := s.Record(FilesTable); !ok || r.Outcome != evidence.Absent {
		t.Errorf("%+v", r)
	}
}

func TestConform(t *testing.T) {
	o := Options{Formats: []Format{lines(nil)}}
	o.Found = NewFound(o.Formats...)
	hosttest.Conform(t, Collector(o), host(t, o.Found, map[string]string{"a.txt": "one", "b.txt": "two"}))
}

// On a live Windows rows have the names that people see; parsers have the host's.
func TestShownNames(t *testing.T) {
	o := Options{Formats: []Format{lines(func(_ context.Context, src *Source, emit Emit) error {
		return emit(line{Text: src.Path + " " + src.Name()})
	})}}
	o.Found = NewFound(o.Formats...)
	h := &collector.Host{Image: oneFile{}, Drives: []string{"/C:"}}
	o.Found.Add("/C:/a.txt", "disk/files/C:/a.txt", nil, &evidence.FileMeta{})
	s, rows := collect(t, o, h)
	want := `{"path":"C:\\a.txt","item":"disk/files/C:/a.txt","n":0,"text":"/C:/a.txt C:\\a.txt"}` + "\n"
	if got := string(s.Body(Table("lines"))); got != want || len(rows) != 1 {
		t.Errorf("%s, %v", got, rows)
	}
}

// oneFile is a file system in which every name is an empty file.
type oneFile struct{}

func (oneFile) Lstat(name string) (*evidence.FileMeta, error) {
	if strings.HasSuffix(name, ".txt") {
		return &evidence.FileMeta{Mode: evidence.ModeRegular}, nil
	}
	return &evidence.FileMeta{Mode: evidence.ModeDir}, nil
}

func (oneFile) Names(string) ([]string, error) { return nil, nil }

func (oneFile) Open(string) (collector.Reader, error) { return emptyFile{strings.NewReader("")}, nil }

type emptyFile struct{ *strings.Reader }

func (emptyFile) Close() error { return nil }
