package volatile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hozen/packager/evidence"
)

// The raw item of a process is a text of sections, one for each thing that was
// read, in the order of reading:
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
// is nothing: a word of evidence.Outcome, ": ", and the reason. Names have no
// space or newline in them. Lengths make the form safe: nothing that a process
// writes can be taken for a header by a reader that counts.

// A Section is one part of a raw item.
type Section struct {
	Name string // "/proc/12/status"
	Link bool   // Data is the target of a symbolic link
	Data string
	Err  string // why Data is incomplete or not there: "denied: permission denied"
}

// outcome gives the outcome's word in Err; "" where there is no error.
func (s *Section) outcome() string {
	word, _, _ := strings.Cut(s.Err, ":")
	return word
}

// appendSection writes one section. Data is written where there is some, or
// where there was no error.
func appendSection(dst []byte, name string, link bool, data []byte, err error) []byte {
	dst = append(append(dst, "==> "...), name...)
	dst = append(dst, ' ')
	if err == nil || len(data) > 0 {
		if link {
			dst = append(dst, "link "...)
		}
		dst = append(strconv.AppendInt(dst, int64(len(data)), 10), " bytes"...)
		if err != nil {
			dst = append(dst, ", "...)
		}
	}
	if err != nil {
		dst = append(dst, because(err)...)
	}
	dst = append(dst, " <==\n"...)
	if err == nil || len(data) > 0 {
		dst = append(append(dst, data...), '\n')
	}
	return dst
}

// because gives the outcome's word and the reason, on one line.
func because(err error) string {
	outcome, note, _ := evidence.Classify(err, 0)
	return strings.ReplaceAll(outcome.String()+": "+note, "\n", " ")
}

// errSections is wrapped by errors of cutProcSection.
var errSections = errors.New("not a text of sections")

// cutProcSection reads the first section of text and gives what follows it.
func cutProcSection(text string) (s Section, rest string, err error) {
	head, rest, ok := strings.Cut(text, "\n")
	if !ok || !strings.HasPrefix(head, "==> ") || !strings.HasSuffix(head, " <==") || len(head) < 8 {
		return s, "", fmt.Errorf("%w: header %.80q", errSections, head)
	}
	name, what, ok := strings.Cut(head[4:len(head)-4], " ")
	if !ok {
		return s, "", fmt.Errorf("%w: header %.80q", errSections, head)
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
		return s, "", fmt.Errorf("%w: %s says %d bytes", errSections, name, n)
	}
	s.Link, s.Data, s.Err = isLink, rest[:n], strings.TrimPrefix(why, ", ")
	return s, rest[n+1:], nil
}

// ParseSections reads a raw item of the processes collector. Sections before a
// damaged one are given with the error.
func ParseSections(text string) ([]Section, error) {
	var out []Section
	for text != "" {
		s, rest, err := cutProcSection(text)
		if err != nil {
			return out, fmt.Errorf("section %d: %w", len(out)+1, err)
		}
		out = append(out, s)
		text = rest
	}
	return out, nil
}
