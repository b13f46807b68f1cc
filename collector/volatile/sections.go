package volatile

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// writeSection writes one of several raw texts that share an item:
//
//	==> /proc/net/tcp 1432 bytes <==
//	(1432 bytes, exactly as read)
//	(a newline)
//
// The length, not the look of a line, says where a section ends, so that no
// content can pass for a header. A name with control characters or bytes that
// are not UTF-8 is written as a quoted Go string (strconv.Quote).
func writeSection(w io.Writer, name string, body []byte) error {
	if err := writeSectionHeader(w, name, len(body)); err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func writeSectionHeader(w io.Writer, name string, n int) error {
	plain := utf8.ValidString(name) && !strings.HasPrefix(name, `"`) &&
		strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
	if !plain {
		name = strconv.Quote(name)
	}
	_, err := fmt.Fprintf(w, "==> %s %d bytes <==\n", name, n)
	return err
}

// nextSection cuts the first section from what writeSection wrote. ok is false
// at the end and where the form is broken.
func nextSection(b []byte) (name string, body, rest []byte, ok bool) {
	line, after, found := bytes.Cut(b, []byte{'\n'})
	head, isHead := strings.CutPrefix(string(line), "==> ")
	head, isTail := strings.CutSuffix(head, " bytes <==")
	at := strings.LastIndexByte(head, ' ')
	if !found || !isHead || !isTail || at < 0 {
		return "", nil, nil, false
	}
	n, good := digits([]byte(head[at+1:]))
	if !good || n >= uint64(len(after)) || after[n] != '\n' {
		return "", nil, nil, false
	}
	name = head[:at]
	if strings.HasPrefix(name, `"`) {
		var err error
		if name, err = strconv.Unquote(name); err != nil {
			return "", nil, nil, false
		}
	}
	return name, after[:n], after[n+1:], true
}
