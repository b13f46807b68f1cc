package report

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/report/model"
)

// wellFormed holds a page against what may stand in one: every element is closed where it
// should be, nothing runs or is fetched but what is ours, and no attribute was made up.
func wellFormed(t testing.TB, b []byte) {
	t.Helper()
	void := []string{"meta", "input", "br"}
	attrs := []string{"class", "id", "lang", "for", "href", "type", "name", "checked", "charset", "http-equiv", "content", "scope", "role", "aria-label", "placeholder", "tabindex", "data-k",
		"viewbox", "d", "x", "y", "x1", "x2", "y1", "y2", "dx", "width", "height"}
	var open []string
	scripts, styles := 0, 0
	ids := map[string]bool{}
	z := html.NewTokenizer(bytes.NewReader(b))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if z.Err() != io.EOF {
				t.Fatal(z.Err())
			}
			break
		}
		k := z.Token()
		switch kind {
		case html.StartTagToken:
			switch k.Data {
			case "script":
				scripts++
			case "style":
				styles++
			case "iframe", "img", "object", "embed", "link", "base", "form", "video", "audio":
				t.Fatalf("an element %s", k.Data)
			}
			for _, a := range k.Attr {
				if !slices.Contains(attrs, a.Key) || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
					t.Fatalf("<%s %s=%q>", k.Data, a.Key, a.Val)
				}
				if a.Key == "id" {
					if ids[a.Val] {
						t.Fatalf("two have the id %q", a.Val)
					}
					ids[a.Val] = true
				}
			}
			if !slices.Contains(void, k.Data) {
				open = append(open, k.Data)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != k.Data {
				t.Fatalf("</%s> closes %v", k.Data, open)
			}
			open = open[:len(open)-1]
		case html.TextToken:
			if i := strings.IndexFunc(k.Data, unseen); i >= 0 && open[len(open)-1] != "script" && open[len(open)-1] != "style" {
				t.Fatalf("text that is not seen: %q", k.Data[i:])
			}
		case html.CommentToken:
			t.Fatalf("a comment: %q", k.Data)
		}
	}
	if len(open) > 0 || scripts != 1 || styles != 1 {
		t.Fatalf("left open: %v; %d scripts, %d styles", open, scripts, styles)
	}
}

// unseen are characters that must never reach a reader as they are.
func unseen(r rune) bool {
	return r < ' ' && r != '\n' || r == 0x7f || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff
}

func TestHostilePage(t *testing.T) {
	c := scene(t, 300, 2000)
	page := written(t, c)
	wellFormed(t, page)
	c.Verified, c.Japanese = nil, true
	wellFormed(t, written(t, c))
	wellFormed(t, written(t, Case{Model: model.New(began)}))
	for _, want := range []string{"INVALID: it was changed", "INVALID: 改変されています", "&lt;script&gt;window.hacked=1", `<i class="x">U+202E</i>`, "2026-11-21 18:05:00 (UTC+09:00)"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// TestSize is of the largest page that is promised to open at once.
func TestSize(t *testing.T) {
	if b := written(t, scene(t, 1000, 20000)); len(b) > 10<<20 || len(b) < 1<<18 {
		t.Errorf("%d bytes", len(b))
	} else {
		t.Logf("%d bytes", len(b))
	}
	if b := written(t, scene(t, 40000, 100000)); len(b) > 10<<20 || !bytes.Contains(b, []byte("volatile/processes.jsonl")) || !bytes.Contains(b, []byte("more rows are not in this report")) {
		t.Errorf("%d bytes of a huge machine, or what was cut is not said", len(b))
	}
}

// TestBothLanguages is of every text: none may be left out in one language.
func TestBothLanguages(t *testing.T) {
	page := written(t, scene(t, 50, 100))
	if en, ja := bytes.Count(page, []byte(`<span class="en"`)), bytes.Count(page, []byte(`<span class="ja"`)); en != ja || en < 300 {
		t.Errorf("%d English and %d Japanese texts", en, ja)
	}
	for _, empty := range []string{`lang="en"></span>`, `lang="ja"></span>`} {
		if bytes.Contains(page, []byte(empty)) {
			t.Errorf("an empty text: %s", empty)
		}
	}
}

// TestVerdicts is of the words of every verdict, on an archive of which nothing is known.
func TestVerdicts(t *testing.T) {
	for _, v := range []packager.Verdict{packager.Valid, packager.Invalid, packager.ValidPartial, packager.UntrustedSigner, packager.ValidOuter, packager.NotEvidence} {
		m := model.New(began)
		m.Finish()
		page := written(t, Case{Model: m, Verified: &packager.Report{Verdict: v}})
		wellFormed(t, page)
		if !bytes.Contains(page, []byte(string(v)+": ")) {
			t.Errorf("%s is not said", v)
		}
	}
}

func FuzzPage(f *testing.F) {
	for _, item := range tables() {
		for _, e := range attacks() {
			f.Add(item, []byte(`{"kind":"wtmp","pid":1,"ppid":1,"comm":"`+e+`","level":"high","family":"inet","remote_addr":"1.2.3.4","path":"/x","ctime":"2026-11-21T08:00:00Z"}`+"\n"), e)
		}
		f.Add(item, []byte(`{"pid":"7","ppid":{},"comm":[1],"argv":{"b64":"/w=="},"exe":[],"uid":3,"holders":{},"level":[]}`+"\n"+`{"pid":1,"ppid":2}`+"\n"+`{"pid":2,"ppid":1}`), "\xff")
	}
	f.Fuzz(func(t *testing.T, item string, table []byte, word string) {
		m := model.New(began)
		m.Give(item, table)
		m.Observe(evidence.Record{Item: evidence.Item{Path: item, Source: word, Collector: word}, Outcome: evidence.Partial, Shortfall: true, Note: word})
		m.Finish()
		g := packager.Genesis{Collection: word, Operator: word, Host: packager.HostID{Name: word, Zone: word}, Time: packager.Stamp{Wall: word}}
		wellFormed(t, written(t, Case{Model: m, Genesis: g, Archive: word, Events: []packager.Event{{Event: word, Actor: word, Time: packager.EventTime{Wall: word}}}}))
	})
}

// tables are the items that a model reads.
func tables() []string {
	return []string{"plan.json", "footprint.json", "volatile/host.jsonl", "volatile/host/clock-start.jsonl", "volatile/processes.jsonl", "volatile/sockets.jsonl", "volatile/sessions.jsonl", "volatile/kernel/block.jsonl",
		"memory/indicators.jsonl", "network/remotes.jsonl", "disk/notable.jsonl", "disk/timeline.jsonl", "disk/files.jsonl", "disk/mounts.jsonl",
		"persistence/services.jsonl", "persistence/tasks.jsonl", "persistence/wmi.jsonl", "persistence/autoruns.jsonl"}
}

func BenchmarkWrite(b *testing.B) {
	c := scene(b, 1000, 20000)
	for b.Loop() {
		n, err := Write(io.Discard, c)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
	}
}
