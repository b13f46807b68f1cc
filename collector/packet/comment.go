package packet

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// comment is what is said of a process on the first packet of a flow:
//
//	hozen: pid=1234 exe=/usr/bin/curl container=docker:4f… end=source others=2
//
// end says which end of that packet the process is at. exe, container and others
// are left out where they are not known or 0.
func (p *owner) comment(end string) string {
	s := fmt.Sprintf("hozen: pid=%d", p.pid)
	if p.exe != "" {
		s += " exe=" + escape(p.exe)
	}
	if p.container != "" {
		s += " container=" + escape(p.container)
	}
	s += " end=" + end
	if p.others > 0 {
		s += fmt.Sprintf(" others=%d", p.others)
	}
	return s
}

// escape writes bytes that could end a word, or show as something else, as \xNN:
// blanks, what cannot be seen, the backslash itself, and what is not UTF-8.
func escape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r != utf8.RuneError && r != '\\' && unicode.IsGraphic(r) && !unicode.IsSpace(r) {
			b.WriteString(s[:n])
		} else {
			for i := range n {
				fmt.Fprintf(&b, `\x%02x`, s[i])
			}
		}
		s = s[n:]
	}
	return b.String()
}
