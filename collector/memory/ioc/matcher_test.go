package ioc

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func indicators(t testing.TB, text string) []Indicator {
	t.Helper()
	l, err := Parse("list", []byte(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	return l.Indicators
}

// found gives the hits as "start-end".
func found(m Matcher, b []byte) (out []string) {
	m.Match(b, func(f Found) { out = append(out, fmt.Sprintf("%d-%d", f.Start, f.End)) })
	slices.Sort(out)
	return out
}

func wideBytes(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func TestWhatIsFoundAndWhatIsNot(t *testing.T) {
	for _, c := range []struct {
		indicator string
		yes, no   []string
	}{
		{"evil.example", []string{"evil.example", "www.EVIL.Example", "http://evil.example/x", "evil.example.", "a@evil.example, b", "(evil.example:80)"},
			[]string{"notevil.example", "evil.example.org", "evil.examples", "evil-example", "my-evil.example", "evil.example-x"}},
		{"http://evil.example/a", []string{"http://evil.example/a", "x HTTP://Evil.example/a?q=1", "http://evil.example/a/b"},
			[]string{"http://evil.example/A", "http://evil.example/ab", "http://evil.example/a.php", "xhttp://evil.example/a"}},
		{"http://evil.example/", []string{"http://evil.example", "http://evil.example/x", "http://evil.example:81/"}, []string{"http://evil.example.org/"}},
		{"file_name:evil.sh", []string{"evil.sh", "/tmp/Evil.SH", "--run=evil.sh;", `c:\evil.sh`, "evil.sh (deleted)", "ran evil.sh."}, []string{"devil.sh", "evil.sh.bak", "evil.sha", ".evil.sh", "my-evil.sh"}},
		{"/tmp/.x/evil", []string{"/tmp/.x/evil", "/proc/1/root/tmp/.x/evil", "/tmp/.x/evil/a", "/tmp/.x/evil (deleted)"}, []string{"/tmp/.x/evil2", "/tmp/.x/evil.so", "/TMP/.x/evil"}},
		{"203.0.113.7", []string{"203.0.113.7", "203.0.113.7:443", "src=203.0.113.7,", "at 203.0.113.7."}, []string{"1203.0.113.7", "203.0.113.71", "203.0.113.7.1", "1.203.0.113.7"}},
		{"203.0.113.0/28", []string{"203.0.113.7", "203.0.113.15:80", "x 203.0.113.0."}, []string{"203.0.113.16", "203.0.113.7.9", "1203.0.113.7"}},
		{"2001:db8::7", []string{"2001:db8::7", "[2001:db8::7]:443"}, []string{"2001:db8::71", "12001:db8::7"}},
		{"{ 01 02 03 04 ?? 0a }", []string{"\x01\x02\x03\x04z\x0a", "a\x01\x02\x03\x04\x00\x0ab"}, []string{"\x01\x02\x03\x04\x0a"}},
		{"text:a marker", []string{"xa markery"}, []string{"A marker"}},
	} {
		in := indicators(t, c.indicator)
		for _, memory := range []bool{false, true} {
			m := newMatcher(in, memory)
			for _, s := range c.yes {
				if len(found(m, []byte(s))) != 1 {
					t.Errorf("%q in %q, memory %v: %q", c.indicator, s, memory, found(m, []byte(s)))
				}
				if memory && in[0].Kind != Bytes && len(found(m, wideBytes(s))) != 1 {
					t.Errorf("%q in %q as UTF-16: %q", c.indicator, s, found(m, wideBytes(s)))
				}
			}
			for _, s := range c.no {
				if len(found(m, []byte(s))) != 0 || memory && len(found(m, wideBytes(s))) != 0 {
					t.Errorf("%q in %q, memory %v: found", c.indicator, s, memory)
				}
			}
		}
	}
}

func TestTextAloneIsUnderstood(t *testing.T) {
	m := newMatcher(indicators(t, "2001:db8::/32\n::1\nd41d8cd98f00b204e9800998ecf8427e\na.x\n10.0.0.0/8\n"), false)
	for s, want := range map[string]int{
		"2001:0db8:0:0::1": 1, "0:0:0:0:0:0:0:1": 1, "2001:db9::1": 0, "D41D8CD98F00B204E9800998ECF8427E": 1,
		"d41d8cd98f00b204e9800998ecf8427e0": 0, "/tmp/a.x": 1, "/tmp/a.xy": 0, "::ffff:10.1.2.3": 1, "11.1.2.3": 0, "face:b00k": 0,
	} {
		if got := found(m, []byte(s)); len(got) != want {
			t.Errorf("%q: %q, want %d", s, got, want)
		}
	}
	if got := found(newMatcher(indicators(t, "evil.example"), true), []byte("\x03cdn\x04EVIL\x07example\x00\x00\x01")); len(got) != 1 {
		t.Errorf("in a DNS message: %q", got)
	}
}

// TestAStreamFindsWhatIsInOnePiece cuts bytes at any places.
func TestAStreamFindsWhatIsInOnePiece(t *testing.T) {
	in := indicators(t, "evil.example\n10.2.0.0/16\ntext:marker\n{ 01 02 03 04 ?? 06 }\nevil.sh\n")
	parts := rapid.SampledFrom([]string{"evil.example", ".org", "10.2.3.4", "7", ".", "marker", "\x01\x02\x03\x04", "\x05", "\x06", "x", " ", "evil.sh"})
	for _, memory := range []bool{false, true} {
		m := newMatcher(in, memory)
		rapid.Check(t, func(t *rapid.T) {
			var b []byte
			for _, p := range rapid.SliceOfN(parts, 0, 60).Draw(t, "parts") {
				b = append(b, p...)
			}
			var got []string
			s := &stream{m: m, buf: make([]byte, 0, 4*m.Reach())}
			s.hit = func(f Found, _ []byte, base int64) {
				got = append(got, fmt.Sprintf("%d-%d", base+int64(f.Start), base+int64(f.End)))
			}
			small := &smallStream{stream: s, room: m.Reach() + edgeReach + rapid.IntRange(1, 40).Draw(t, "room")}
			for rest := b; len(rest) > 0; {
				k := rapid.IntRange(1, min(len(rest), 50)).Draw(t, "piece")
				small.write(rest[:k])
				rest = rest[k:]
			}
			s.end()
			slices.Sort(got)
			if want := found(m, b); !slices.Equal(got, want) {
				t.Fatalf("%q: %q, want %q", b, got, want)
			}
		})
	}
}

// A smallStream has a buffer so small that it is full often.
type smallStream struct {
	*stream
	room int
}

func (s *smallStream) write(b []byte) { s.stream.fill(b, s.room) }

func TestPunycode(t *testing.T) { // RFC 3492, section 7.1 (A) and (I), and a common one
	for in, want := range map[string]string{
		"ليهمابتكلموشعربي؟":            "egbpdaj6bu4bxfgehfvwxn",
		"почемужеонинеговорятпорусски": "b1abfaaepdrnnbgefbadotcwatmq2g4l",
		"bücher": "bcher-kva",
	} {
		if got := punycode([]rune(in)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
