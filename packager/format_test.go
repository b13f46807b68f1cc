package packager

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hozen/packager/signed"
)

// dump writes bytes as FORMAT.md shows them: offset, bytes, ASCII; rows of zeros
// that repeat are one "*".
func dump(b []byte) string {
	var out strings.Builder
	star := false
	for i := 0; i < len(b); i += 16 {
		row := b[i:min(i+16, len(b))]
		if i > 0 && i+16 < len(b) && len(bytes.TrimLeft(row, "\x00")) == 0 {
			if !star {
				out.WriteString("*\n")
			}
			star = true
			continue
		}
		star = false
		fmt.Fprintf(&out, "%04x  %-47s  %s\n", i, fmt.Sprintf("% x", row), plainText(row))
	}
	return out.String()
}

// plainText shows bytes that are not printable ASCII as dots.
func plainText(b []byte) string {
	out := bytes.Clone(b)
	for i, c := range out {
		if c < ' ' || c > '~' {
			out[i] = '.'
		}
	}
	return string(out)
}

// The worked examples of FORMAT.md, out of a real archive (testdata/archives/v1).
func formatExamples(t *testing.T) map[string]string {
	b := readFile(t, filepath.Join(goldenDir, "untouched.tar.zst"))
	frames := framesOf(t, b)
	w := &world{frames: frames}
	first := frames[w.of(frameStored)[0]]
	genesis := forgedMembers(t, plainOf(t, frames[0]))
	list, _, err := storedMembers(first.plain, testEpoch(genesis), forgedID)
	if err != nil {
		t.Fatal(err)
	}
	seal, _, err := storedMembers(frames[w.of(frameHint)[0]-1].plain, testEpoch(genesis), forgedID)
	if err != nil {
		t.Fatal(err)
	}
	log := lines(readFile(t, filepath.Join(goldenDir, "untouched-with-its-log.custody.jsonl")))
	var line logLine
	if err := json.Unmarshal(log[1], &line); err != nil {
		t.Fatal(err)
	}
	var tr tree
	leaves := strings.Split(strings.TrimSuffix(manifestOf(t, frames[0]), "\n"), "\n")[:3]
	for _, l := range leaves {
		tr.add([]byte(l))
	}
	return map[string]string{
		"marker":      dump(frames[w.of(frameMarker)[0]].bytes),
		"pad":         dump(pad(65513)),
		"hint":        dump(frames[w.of(frameHint)[0]].bytes),
		"stored":      dump(storedFrame([]byte("hozen\n"))),
		"data":        dump(frames[0].bytes[:16]),
		"ustar":       dump(header(forgedID+"/bagit.txt", 55, testEpoch(genesis))),
		"pax":         dump(header(forgedID+"/"+longName, 5, testEpoch(genesis))),
		"genesis":     genesis,
		"checkpoint":  string(list[0].body),
		"armor":       string(list[1].body),
		"seal":        string(seal[0].body),
		"job":         jobIn(t),
		"seek-table":  dump(frames[w.of(frameSeekTable)[0]].bytes),
		"event":       line.Payload,
		"log-line":    string(log[1]),
		"record":      recordOf(t, frames[w.of(frameData)[1]]),
		"merkle-tree": strings.Join(leaves, "\n") + "\nroot " + head(&tr).Root + "\n",
	}
}

// jobIn gives the text of the job in an archive that has one.
func jobIn(t *testing.T) string {
	plain := plainOf(t, framesOf(t, readFile(t, filepath.Join(goldenDir, "job-of-trusted-people.tar.zst")))[0])
	job := regexp.MustCompile(`\{"type":"hozen/job/1"[^\n]*\n`).FindString(string(plain))
	if job == "" {
		t.Fatal("no job")
	}
	return job
}

// forgedMembers gives the genesis statement in tar bytes.
func forgedMembers(t *testing.T, plain []byte) string {
	i := bytes.Index(plain, []byte(`{"type":"`+typeGenesis))
	j := bytes.IndexByte(plain[max(i, 0):], '\n')
	if i < 0 || j < 0 {
		t.Fatal("no genesis statement")
	}
	return string(plain[i : i+j+1])
}

func testEpoch(genesis string) int64 {
	var g Genesis
	if err := signed.Decode([]byte(genesis), &g); err != nil {
		return -1
	}
	return g.Epoch
}

func manifestOf(t *testing.T, f *frame) string {
	m := regexp.MustCompile(`(?:[0-9a-f]{64}  [^\n\x00]+\n)+`).FindString(string(plainOf(t, f)))
	if m == "" {
		t.Fatal("no manifest")
	}
	return m
}

func recordOf(t *testing.T, f *frame) string {
	r := regexp.MustCompile(`\{"path":"data/[^\n]*"orig[^\n]*\n`).FindString(string(plainOf(t, f)))
	if r == "" {
		t.Fatal("no record")
	}
	return r
}

// Every example of FORMAT.md is what the code makes or reads.
func TestFormatExamples(t *testing.T) {
	text := string(readFile(t, "FORMAT.md"))
	want := formatExamples(t)
	if os.Getenv("HOZEN_FORMAT") == "write" {
		for name, body := range want {
			text = regexp.MustCompile("(?s)```"+name+"\n.*?```").ReplaceAllLiteralString(text, "```"+name+"\n"+body+"```")
		}
		if err := os.WriteFile("FORMAT.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile("(?s)```([a-z-]+)\n(.*?)```").FindAllStringSubmatch(text, -1) {
		name, body := m[1], m[2]
		if name == "sh" || name == "text" {
			continue
		}
		seen[name] = true
		if body != want[name] {
			t.Errorf("%s in FORMAT.md is\n%swant\n%s", name, body, want[name])
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("FORMAT.md has no example %q", name)
		}
	}
}

// The names table of FORMAT.md: a path as a Go string, and its encoded name.
func TestFormatNames(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `(\".*\")` \\| `([^`]+)` \\|").FindAllStringSubmatch(string(readFile(t, "FORMAT.md")), -1)
	for _, r := range rows {
		path, err := strconv.Unquote(r[1])
		if err != nil {
			t.Fatal(err)
		}
		if got := EncodePath(path); "data/"+got != r[2] {
			t.Errorf("%q: %s, FORMAT.md says %s", path, got, r[2])
		}
	}
	if len(rows) < 12 {
		t.Errorf("%d rows", len(rows))
	}
}

// The frames of FORMAT.md, read back from its text alone.
func TestFormatFramesParse(t *testing.T) {
	text := string(readFile(t, "FORMAT.md"))
	for name, kind := range map[string]frameKind{"marker": frameMarker, "hint": frameHint, "stored": frameStored, "seek-table": frameSeekTable} {
		m := regexp.MustCompile("(?s)```" + name + "\n(.*?)```").FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no %s", name)
		}
		var b []byte
		for _, row := range strings.Split(strings.TrimSpace(m[1]), "\n") {
			part, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(row[6:6+47]), " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			b = append(b, part...)
		}
		if f, err := nextFrame(bytes.NewReader(b), 0, nil); err != nil || f.kind != kind || len(f.bytes) != len(b) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}
