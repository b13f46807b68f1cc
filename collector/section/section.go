package section

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"hozen/packager/evidence"
)

// Several raw texts that share an item are written as sections, one for each
// thing that was read, in the order of reading:
//
//	==> /proc/12/status 1432 bytes <==
//	(1432 bytes and a newline that is not part of them)
//	==> /proc/12/exe link 13 bytes <==
//	(the link's target, likewise)
//	==> /proc/12/maps 4096 bytes, failed: input/output error <==
//	(what came before the error, likewise)
//	==> /proc/12/environ denied: permission denied <==
//
// A header is "==> ", the name, a space, the rest, " <==" and a newline. The
// rest is the length in bytes, after "link " for the target of a symbolic link,
// and followed by ", " and why it is incomplete where it is; or only why there
// is nothing: a word of evidence.Outcome, ": ", and the reason. A name that is
// empty, begins with a quotation mark, or has a blank, a control character or
// bytes that are not UTF-8 in it is written as a quoted Go string
// (strconv.Quote). Lengths make the form safe: nothing that a host writes can be
// taken for a header by a reader that counts.

// A Section is one part of such an item.
type Section struct {
	Name string // "/proc/12/status"
	Link bool   // Data is the target of a symbolic link
	Data string
	Err  string // why Data is incomplete or not there: "denied: permission denied"
}

// Outcome gives the outcome's word in Err; "" where there is no error.
func (s *Section) Outcome() string {
	word, _, _ := strings.Cut(s.Err, ":")
	return word
}

// Append writes one section. Data is written where there is some, or
// where there was no error.
func Append(dst []byte, name string, link bool, data []byte, err error) []byte {
	dst = appendHeader(dst, name, link, len(data), err)
	if err == nil || len(data) > 0 {
		dst = append(append(dst, data...), '\n')
	}
	return dst
}

// Write is Append to a writer, for what is large.
func Write(w io.Writer, name string, data []byte, err error) error {
	if _, werr := w.Write(appendHeader(nil, name, false, len(data), err)); werr != nil {
		return werr
	}
	if err != nil && len(data) == 0 {
		return nil
	}
	if _, werr := w.Write(data); werr != nil {
		return werr
	}
	_, werr := io.WriteString(w, "\n")
	return werr
}

func appendHeader(dst []byte, name string, link bool, n int, err error) []byte {
	dst = append(appendName(append(dst, "==> "...), name), ' ')
	if err == nil || n > 0 {
		if link {
			dst = append(dst, "link "...)
		}
		dst = append(strconv.AppendInt(dst, int64(n), 10), " bytes"...)
		if err != nil {
			dst = append(dst, ", "...)
		}
	}
	if err != nil {
		dst = append(dst, Because(err)...)
	}
	return append(dst, " <==\n"...)
}

func appendName(dst []byte, name string) []byte {
	plain := name != "" && name[0] != '"'
	for i := 0; plain && i < len(name); i++ {
		plain = name[i] > ' ' && name[i] != 0x7f
	}
	if plain && utf8.ValidString(name) {
		return append(dst, name...)
	}
	return strconv.AppendQuote(dst, name)
}

// Because gives the outcome's word and the reason, on one line.
func Because(err error) string {
	outcome, note, _ := evidence.Classify(err, 0)
	return strings.ReplaceAll(outcome.String()+": "+note, "\n", " ")
}

// errNoSections is wrapped by errors of Cut.
var errNoSections = errors.New("not a text of sections")

// Cut reads the first section of text and gives what follows it.
func Cut(text string) (s Section, rest string, err error) {
	head, rest, ok := strings.Cut(text, "\n")
	if !ok || !strings.HasPrefix(head, "==> ") || !strings.HasSuffix(head, " <==") || len(head) < 8 {
		return s, "", fmt.Errorf("%w: header %.80q", errNoSections, head)
	}
	name, what, ok := cutName(head[4 : len(head)-4])
	if !ok {
		return s, "", fmt.Errorf("%w: header %.80q", errNoSections, head)
	}
	s.Name = name
	counted, isLink := strings.CutPrefix(what, "link ")
	number, why, ok := strings.Cut(counted, " bytes")
	n, bad := strconv.ParseUint(number, 10, 31)
	if !ok || bad != nil {
		s.Err = what
		return s, rest, nil
	}
	if int(n) >= len(rest) || rest[n] != '\n' {
		return s, "", fmt.Errorf("%w: %s says %d bytes", errNoSections, name, n)
	}
	s.Link, s.Data, s.Err = isLink, rest[:n], strings.TrimPrefix(why, ", ")
	return s, rest[n+1:], nil
}

func cutName(head string) (name, what string, ok bool) {
	if !strings.HasPrefix(head, `"`) {
		return strings.Cut(head, " ")
	}
	quoted, err := strconv.QuotedPrefix(head)
	if err != nil {
		return "", "", false
	}
	name, err = strconv.Unquote(quoted)
	what, ok = strings.CutPrefix(head[len(quoted):], " ")
	return name, what, ok && err == nil
}

// Parse reads a raw item that is a text of sections. Sections before a
// damaged one are given with the error.
func Parse(text string) ([]Section, error) {
	var out []Section
	for text != "" {
		s, rest, err := Cut(text)
		if err != nil {
			return out, fmt.Errorf("section %d: %w", len(out)+1, err)
		}
		out = append(out, s)
		text = rest
	}
	return out, nil
}
