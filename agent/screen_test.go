package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"rsc.io/qr"

	"hozen/packager/evidence"
)

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "電源を切らない": 14, "ｱ": 1, "Ａ": 2, "é": 1} {
		if got := columns(s); got != want {
			t.Errorf("%q: %d columns, want %d", s, got, want)
		}
	}
	for n := range 16 {
		if got := cutColumns("電源 off を切る", n); columns(got) > max(n, 1) {
			t.Errorf("cut to %d: %q", n, got)
		}
	}
	if got := cutColumns("short", 5); got != "short" {
		t.Errorf("%q", got)
	}
}

// A terminal that is drawn on: what is on its last line after all that was written.
func TestLiveLineIsReplacedAndNeverBreaks(t *testing.T) {
	var b strings.Builder
	s := &screen{w: &b, live: true, width: func() int { return 20 }}
	s.draw(strings.Repeat("電", 30))
	s.line("a line that stays")
	s.draw("x")
	s.draw("x")
	s.draw("")
	for _, part := range strings.FieldsFunc(b.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
		if strings.Contains(part, "電") && columns(strings.TrimSuffix(part, "\x1b[K")) > 19 {
			t.Errorf("%q is wider than the terminal", part)
		}
	}
	if n := strings.Count(b.String(), "x"); n != 1 {
		t.Errorf("the same line was drawn %d times", n)
	}
	if !strings.HasSuffix(b.String(), "\r\x1b[K") {
		t.Errorf("the live line is left: %q", b.String())
	}
}

func TestNumbersForPeople(t *testing.T) {
	for got, want := range map[string]string{
		bytesText(0): "0 B", bytesText(999): "999 B", bytesText(1000): "1.0 kB", bytesText(999_950): "1.0 MB", bytesText(1 << 40): "1.1 TB",
		countText(0): "0", countText(999): "999", countText(1234567): "1,234,567", countText(-1000): "-1,000",
		secondsText(123 * time.Millisecond): "0.12 s", secondsText(75 * time.Second): "1:15 min", secondsText(59 * time.Second): "59 s",
		shellWord("/a/b-c.zst"): "/a/b-c.zst", shellWord("it's"): `'it'\''s'`,
		promptWord(`E:\a-b.zst`): `E:\a-b.zst`, promptWord(`C:\Users\佐藤 一\a.zst`): `"C:\Users\佐藤 一\a.zst"`, promptWord("a;b"): `"a;b"`, promptWord(""): `""`,
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// onlyDenied reads the note of a tally: this holds the two together.
func TestOnlyDenied(t *testing.T) {
	denied := fmt.Errorf("open /proc/1/maps: %w", fs.ErrPermission)
	failed := fmt.Errorf("input/output error, 3 denied (first: x)")
	for _, c := range []struct {
		errs []error
		want bool
	}{
		{[]error{denied}, true},
		{[]error{denied, denied}, true},
		{[]error{failed}, false},
		{[]error{denied, failed}, false},
		{[]error{denied, evidence.Cut("over the limit")}, false},
		{[]error{evidence.Cut("over the limit")}, false},
	} {
		var tally evidence.Tally
		for _, err := range c.errs {
			tally.Add("one", err)
		}
		r := evidence.Record{}
		r.Outcome, r.Note, r.Shortfall = evidence.Classify(tally.Err(), 10)
		if got := onlyDenied(r); got != c.want || !r.Shortfall {
			t.Errorf("%s %q: %v, want %v", r.Outcome, r.Note, got, c.want)
		}
	}
	if !onlyDenied(evidence.Record{Outcome: evidence.Denied}) || onlyDenied(evidence.Record{Outcome: evidence.Failed}) {
		t.Error("plain outcomes")
	}
}

// The drawn code, read back module by module, is the code.
func TestCodeIsDrawnAsItIs(t *testing.T) {
	code, err := qr.Encode("head 0123456789abcdef fingerprint SHA256:x", qr.L)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.NewReplacer("\x1b[97;40m", "", "\x1b[0m", "").Replace(drawCode(code)), "\n")
	for y := range code.Size {
		row := []rune(lines[(y+quietZone)/2])
		for x := range code.Size {
			c := row[x+quietZone]
			light := c == '█' || c == '▀' && (y+quietZone)%2 == 0 || c == '▄' && (y+quietZone)%2 == 1
			if light == code.Black(x, y) {
				t.Fatalf("module %d,%d is drawn wrong", x, y)
			}
		}
	}
}

// So is the one of spaces, for consoles that have nothing else.
func TestCodeOfSpaces(t *testing.T) {
	code, err := qr.Encode("head 0123456789abcdef fingerprint SHA256:x", qr.L)
	if err != nil {
		t.Fatal(err)
	}
	for y, line := range strings.Split(strings.TrimSuffix(drawSpaces(code), "\n"), "\n") {
		x, light := 0, false
		for line = strings.TrimSuffix(line, "\x1b[0m"); line != ""; {
			rest, found := strings.CutPrefix(line, "  ")
			if !found {
				light = strings.HasPrefix(line, "\x1b[107m")
				_, line, _ = strings.Cut(line, "m")
				continue
			}
			if light == code.Black(x-quietZone, y-quietZone) {
				t.Fatalf("module %d,%d is drawn wrong", x, y)
			}
			x, line = x+1, rest
		}
		if x != code.Size+2*quietZone {
			t.Fatalf("line %d has %d modules", y, x)
		}
	}
	for page, want := range map[uint32]bool{65001: true, 437: true, 850: true, 932: false, 936: false, 949: false, 950: false, 1252: false, 874: false} {
		if hasBlocks(page) != want {
			t.Errorf("code page %d: %v", page, !want)
		}
	}
}

// A quiet terminal shows nothing but what is loud; for programs there is nothing at all.
func TestQuietAndMute(t *testing.T) {
	for _, c := range []struct {
		quiet, mute bool
		want        string
	}{{true, false, "loud\n"}, {false, true, ""}, {true, true, ""}} {
		var b bytes.Buffer
		s := &screen{w: &b, live: true, quiet: c.quiet, mute: c.mute, width: func() int { return 60 }}
		s.draw("live")
		s.line("line")
		s.loud("loud")
		if b.String() != c.want {
			t.Errorf("%+v: %q", c, b.String())
		}
	}
}
