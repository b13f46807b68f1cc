package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// screen writes lines to stderr, and on a terminal keeps one live line below
// them that is drawn over and over.
type screen struct {
	mu    sync.Mutex
	w     io.Writer
	live  bool // a terminal
	quiet bool // of progress only
	mute  bool // nothing at all: programs read events
	width func() int
	drawn string // the live line that is on the terminal now
}

// line writes a line that stays.
func (s *screen) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.quiet {
		s.write(text)
	}
}

// loud writes a line that no --quiet silences.
func (s *screen) loud(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(text)
}

func (s *screen) write(text string) {
	if s.mute {
		return
	}
	if s.drawn != "" {
		io.WriteString(s.w, "\r\x1b[K"+text+"\n"+s.drawn)
		return
	}
	io.WriteString(s.w, text+"\n")
}

// draw replaces the live line; the empty one takes it away. The line never
// reaches the last column, so that no terminal breaks it.
func (s *screen) draw(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quiet || s.mute || !s.live {
		return
	}
	text = cutColumns(text, s.width()-1)
	if text == s.drawn {
		return
	}
	io.WriteString(s.w, "\r"+text+"\x1b[K")
	s.drawn = text
}

// fit joins a line out of a beginning, a middle that is shortened or left out on
// a narrow terminal, and an end.
func (s *screen) fit(begin, middle, end string) string {
	if !s.live {
		return begin + middle + end
	}
	room := s.width() - columns(begin) - columns(end) - 1
	if room < min(20, columns(middle)) {
		return begin + strings.TrimPrefix(end, separator)
	}
	return begin + cutColumns(middle, room) + end
}

// separator stands between the parts of a line.
const separator = " · "

// columns gives how wide a text is on a terminal.
func columns(s string) (n int) {
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// runeColumns follows Unicode Standard Annex 11: characters of the classes W and
// F, which East Asian text is made of, take two columns.
func runeColumns(r rune) int {
	switch {
	case r >= 0x1100 && r <= 0x115f, // Hangul initial consonants
		r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0xa4cf, // CJK, kana, Yi
		r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff, // Hangul, compatibility ideographs
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, // full-width forms
		r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// cutColumns shortens a text to at most n columns.
func cutColumns(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		if used+runeColumns(r) > n-1 {
			return s[:i] + "…"
		}
		used += runeColumns(r)
	}
	return s
}

// pad fills a text up to n columns.
func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-columns(s))) }

// bytesText writes a size for people.
func bytesText(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, u := float64(n)/1000, 0
	for v >= 999.95 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	return fmt.Sprintf("%.1f %cB", v, units[u])
}

// countText writes a number with commas between thousands.
func countText(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// secondsText writes how long something took.
func secondsText(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
}
