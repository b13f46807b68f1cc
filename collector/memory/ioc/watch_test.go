package ioc

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// keeper is a Sink that remembers, with checkpoints.
type keeper struct {
	hosttest.Sink
	checkpoints int
}

func (k *keeper) Checkpoint() (int, error) { k.checkpoints++; return k.checkpoints, nil }

// hider has keys, too.
type hider struct{ keeper }

func (k *hider) Blackout(_ context.Context, during func() error) error { return during() }

func searchFor(t testing.TB, list string) *Search {
	t.Helper()
	l, err := Parse("given.txt", []byte(list), 0)
	if err != nil {
		t.Fatal(err)
	}
	return New([]*List{l}, true)
}

func put(t *testing.T, to evidence.Sink, it evidence.Item, pieces ...string) {
	t.Helper()
	if err := to.Put(context.Background(), it, func(w io.Writer) error {
		for _, p := range pieces {
			if _, err := io.WriteString(w, p); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func hitsOf(t *testing.T, s *Search) []Hit {
	t.Helper()
	var sink hosttest.Sink
	if err := s.PutHits(context.Background(), &sink); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[Hit](sink.Body("memory/ioc.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestWatchSeesWhatPassesAndChangesNothing(t *testing.T) {
	file := "a file with\x00 bytes"
	s := searchFor(t, fmt.Sprintf("203.0.113.7\nevil.example\n%x\ntext:back\\slash\nutf16:wide one\n{ff fe fd fc}\n", md5.Sum([]byte(file))))
	var k keeper
	to := s.Watch(&k)
	table := `{"pid":7,"start_ticks":5,"comm":"nc","remote_addr":"203.0.113.7","n":1}` + "\n" +
		`{"a":[{"b":"back\\slash"},{"c":{"b64":"` + base64.StdEncoding.EncodeToString([]byte("\xff\xfe\xfd\xfc")) + `"}}]}` + "\n" + `{"name":"www.evil.example"}`
	put(t, to, evidence.Item{Path: "volatile/x.jsonl", Source: "x"}, table[:20], table[20:90], table[90:])
	wide := string(wideBytes("the wide one is here"))
	put(t, to, evidence.Item{Path: "volatile/raw", Source: "/etc/hosts"}, "203.0.1", "13.7 evil.exa", "mple\n", wide)
	put(t, to, evidence.Item{Path: "temporary/f", Source: "/tmp/f", File: &evidence.FileMeta{Mode: evidence.ModeRegular}}, file[:4], file[4:])
	put(t, to, evidence.Item{Path: "memory/ram.lime", Source: "/proc/kcore", Collector: "ram"}, "evil.example")
	if got := string(k.Body("volatile/x.jsonl")); got != table {
		t.Errorf("the table was changed: %q", got)
	}
	if n, err := to.Checkpoint(); n != 1 || err != nil {
		t.Errorf("checkpoint %d %v", n, err)
	}
	var got []string
	for _, h := range hitsOf(t, s) {
		at := fmt.Sprint(h.Line, " ", h.In, " ", h.Member, " ", h.Row, " ", h.Field)
		if h.Offset != nil {
			at += fmt.Sprint(" ", *h.Offset)
		}
		if h.Process != nil {
			at += fmt.Sprint(" ", h.Process.PID, " ", h.Process.StartTicks, " ", h.Process.Comm)
		}
		got = append(got, at+" "+h.Form+" "+h.Printed)
	}
	want := []string{
		"3 file temporary/f 0   ",
		"1 item volatile/raw 0  0 text 203.0.113.7 evil.example.t.h.e. .w.i.d.e.",
		"2 item volatile/raw 0  12 text 203.0.113.7 evil.example.t",
		"5 item volatile/raw 0  33 utf16le 03.0.113.7 evil.example.t.h.e. .w.i.d.e. .o.n.e.",
		"1 table volatile/x.jsonl 1 remote_addr 0 7 5 nc text 203.0.113.7",
		"4 table volatile/x.jsonl 2 a.b 0 text back\\slash",
		"6 table volatile/x.jsonl 2 a.c 0 text ....",
		"2 table volatile/x.jsonl 3 name 4 text www.evil.example",
	}
	if len(got) != len(want) {
		t.Errorf("%d hits, want %d", len(got), len(want))
	}
	for _, w := range want {
		found := slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) })
		if !found {
			t.Errorf("no hit %q in\n%s", w, strings.Join(got, "\n"))
		}
	}
}

func TestWatchPassesOnWhatTheKeeperCan(t *testing.T) {
	s := searchFor(t, "evil.example\n")
	if _, ok := s.Watch(&keeper{}).(interface {
		Blackout(context.Context, func() error) error
	}); ok {
		t.Error("a keeper without keys became one with keys")
	}
	dark, ok := s.Watch(&hider{}).(interface {
		Blackout(context.Context, func() error) error
	})
	if want := errors.New("x"); !ok || dark.Blackout(context.Background(), func() error { return want }) != want {
		t.Error("the blackout does not get through")
	}
	var broken keeper
	broken.BreakAt = 1
	if err := s.Watch(&broken).Put(context.Background(), evidence.Item{Path: "a"}, func(io.Writer) error { return nil }); !errors.Is(err, hosttest.ErrBroken) {
		t.Errorf("%v: the keeper's error is lost", err)
	}
}

func TestHitsHaveBounds(t *testing.T) {
	s := searchFor(t, "evil.example\n")
	var k keeper
	put(t, s.Watch(&k), evidence.Item{Path: "volatile/raw"}, strings.Repeat("evil.example ", 100))
	rows := hitsOf(t, s)
	if len(rows) != hitsEach || rows[len(rows)-1].More != 100-hitsEach || s.Hits() != 100 {
		t.Errorf("%d rows, %d more, %d hits", len(rows), rows[len(rows)-1].More, s.Hits())
	}
}

func FuzzWalk(f *testing.F) {
	f.Add([]byte(`{"a":{"b":["x\n",1,true,null,{"b64":"AAE="}],"c":"\u00e9"},"d":-1e5}`))
	f.Fuzz(func(t *testing.T, row []byte) {
		var texts []string
		w := walker{visit: func(_, value []byte, text bool) {
			if text {
				texts = append(texts, string(value))
			}
		}}
		err := w.walk(row)
		var v any
		if json.Unmarshal(row, &v) != nil || strings.Count(string(row), "{")+strings.Count(string(row), "[") > deepest {
			return
		}
		if n := count(v); err != nil || len(texts) < n { // more, where a name is there twice
			t.Fatalf("%q: %v, %d texts, want %d", row, err, len(texts), n)
		}
	})
}

// count counts the strings in a value, but not names.
func count(v any) (n int) {
	switch v := v.(type) {
	case string:
		return 1
	case []any:
		for _, e := range v {
			n += count(e)
		}
	case map[string]any:
		for _, e := range v {
			n += count(e)
		}
	}
	return n
}

// TestWalkUnderstandsWhatIsJSON holds the walker to encoding/json.
func TestWalkUnderstandsWhatIsJSON(t *testing.T) {
	for _, row := range []string{`{}`, `[]`, ` {"a" : [ ] , "b":"\"\\\u0041" } `, `"x"`, `1`, `{"a":{"b":{"c":"d"}}}`} {
		w := walker{visit: func(path, value []byte, text bool) {}}
		if err := w.walk([]byte(row)); err != nil {
			t.Errorf("%s: %v", row, err)
		}
	}
	for _, row := range []string{``, `{`, `{"a"}`, `{"a":}`, `[1,]x`, `{"a":1}}`, `"x`, strings.Repeat("[", 100), `{"a":"\x"}`} {
		w := walker{visit: func(path, value []byte, text bool) {}}
		if err := w.walk([]byte(row)); err == nil {
			t.Errorf("%s: passes", row)
		}
	}
}

// FuzzRows passes any bytes, in pieces, as a table and as another item: nothing is
// changed, and the search has no fault.
func FuzzRows(f *testing.F) {
	f.Add([]byte("{\"pid\":7,\"a\":\"203.0.113.7\"}\n{\"b64\":\"//79/A==\"}\nwww.evil.example"), uint8(5))
	f.Add([]byte("2001:db8::1.2.3.4:::. d41d8cd98f00b204e9800998ecf8427e"), uint8(1))
	s := searchFor(f, "203.0.113.0/24\n2001:db8::/32\nevil.example\nd41d8cd98f00b204e9800998ecf8427e\na.x\n{ff fe fd fc}\n")
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		var k keeper
		for _, path := range []string{"volatile/x.jsonl", "volatile/raw"} {
			if err := s.Watch(&k).Put(context.Background(), evidence.Item{Path: path}, func(w io.Writer) error {
				for piece := range slices.Chunk(b, int(size)+1) {
					if _, err := w.Write(piece); err != nil {
						return err
					}
				}
				return nil
			}); err != nil || string(k.Body(path)) != string(b) {
				t.Fatalf("%s: %q became %q, %v", path, b, k.Body(path), err)
			}
		}
		if _, err := s.hits.sorted(); err != nil && strings.Contains(err.Error(), "panic") {
			t.Fatal(err)
		}
	})
}
