// Package ja says in Japanese what package packager, and the readers below it, say in
// English of an archive, a custody log or a key. What they say is English wherever it is
// kept (in JSON, in events, in the hub's store), because it must be the same for everybody;
// only who shows it to people asks here.
//
// Begin with Table.Of. The sentences are in sentences.txt: each English form, the same that
// packager fills with fmt, and its Japanese. The program has them compressed
// (sentences.flate), because it must be small. The test reads packager's source and fails
// where a form has no Japanese, or where the two files differ.
package ja

import (
	"compress/flate"
	_ "embed"
	"io"
	"slices"
	"strconv"
	"strings"
)

//go:embed sentences.flate
var compressed string

// A Table has all sentences; one that is nil has none.
type Table struct{ all []sentence }

// A sentence is a form of fmt and its Japanese, in which %1 to %9 stand for what filled it.
type sentence struct{ english, japanese string }

const (
	maxDepth  = 6       // of sentences in sentences
	maxPieces = 16      // of a text divided at its colons or commas
	maxText   = 4 << 10 // longer texts are no sentences
)

// New opens the table. It costs less than a millisecond.
func New() *Table {
	b, err := io.ReadAll(flate.NewReader(strings.NewReader(compressed)))
	if err != nil {
		return &Table{} // the test would have told
	}
	return &Table{read(string(b))}
}

// read takes lines in pairs; empty ones and those that begin with "# " are for people.
func read(text string) (all []sentence) {
	english := ""
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "", strings.HasPrefix(line, "# "):
		case english == "":
			english = line
		default:
			all = append(all, sentence{english, line})
			english = ""
		}
	}
	return all
}

// Of gives the Japanese of a text; what is not known here stays as it is, also within a
// sentence that is known. A text of a hostile host that looks like a sentence is given as
// that sentence: nothing of it is left out, but for what the sentence says itself.
func (t *Table) Of(text string) string {
	if t == nil || len(text) > maxText {
		return text
	}
	text, _ = t.of(text, 0)
	return text
}

// of gives false where nothing of the text is known.
func (t *Table) of(text string, depth int) (string, bool) {
	if depth > maxDepth || text == "" {
		return text, false
	}
	if i := index(text, "); "); i >= 0 { // a tally: so many denied (…); so many cut (…)
		first, known := t.of(text[:i+1], depth+1)
		rest, more := t.of(text[i+3:], depth+1)
		return first + "; " + rest, known || more
	}
	if said, _, ok := t.whole(text, depth); ok {
		return said, true
	}
	return t.divided(text, depth)
}

// whole takes a text as one sentence: of those that fit, the one that says most itself. It
// gives that one's form too. Names of the host are left as they are.
func (t *Table) whole(text string, depth int) (said, form string, ok bool) {
	most, filled := 0, []argument(nil)
	for _, s := range t.all {
		if args, own, ok := match(s.english, text); ok && own > most {
			said, form, most, filled = s.japanese, s.english, own, args
		}
	}
	if form == "" {
		return text, "", false
	}
	for i, a := range filled {
		filled[i].text = t.said(a, depth+1)
	}
	return fill(said, filled), form, true
}

// said gives the Japanese of what filled a verb, as far as the verb allows.
func (t *Table) said(a argument, depth int) string {
	switch a.verb {
	case "v", "w":
		said, _ := t.of(a.text, depth)
		return said
	case "1v":
		for _, s := range t.all {
			if s.english == a.text && !strings.Contains(a.text, "%") {
				return s.japanese
			}
		}
	case "2v":
		if i := strings.LastIndex(a.text, ": "); i >= 0 && !quoted(a.text, i) {
			if said, form, ok := t.whole(a.text[i+2:], depth); ok && behind(form) {
				return a.text[:i+2] + said
			}
		}
	}
	return a.text
}

// divided takes a text as errors do: what failed, a colon, why. What it begins with and what
// it ends with are said in Japanese if they are known; what stands between the first that is
// not known and the end may be a name of the host.
func (t *Table) divided(text string, depth int) (string, bool) {
	pieces, known := split(text, ": "), false
	if len(pieces) == 1 {
		return t.list(text, depth)
	}
	done := 0
head:
	for done < len(pieces) {
		for n := len(pieces); n > done; n-- {
			said, form, ok := t.whole(strings.Join(pieces[done:n], ": "), depth+1)
			if ok && !slices.Contains(axes, form) {
				pieces, known = append(append(pieces[:done:done], said), pieces[n:]...), true
				done++
				continue head
			}
		}
		break
	}
	for i := done + 1; i < len(pieces); i++ {
		if said, form, ok := t.whole(strings.Join(pieces[i:], ": "), depth+1); ok && behind(form) {
			pieces, known = append(pieces[:i:i], said), true
			break
		}
	}
	return strings.Join(pieces, ": "), known
}

// axes are what an axis of a report says as a whole: never a piece of another text.
var axes = []string{
	"verified", "contradicted", "none", "sealed", "trusted", "trusted by fingerprint", "untrusted",
	"by the host's own clock", "roots not given", "no log", "not encrypted",
}

// behind says whether a form can be why something failed that is not known here: not a word
// alone, which may as well be of a name.
func behind(form string) bool {
	first, _, _ := strings.Cut(form, ": ")
	return form == "revoked" || strings.Contains(first, " ") && !slices.Contains(axes, form)
}

// list takes a text as words with commas between them, of which each is known.
func (t *Table) list(text string, depth int) (string, bool) {
	words := split(text, ", ")
	if len(words) == 1 {
		return text, false
	}
	for i, w := range words {
		said, _, ok := t.whole(w, depth+1)
		if !ok {
			return text, false
		}
		words[i] = said
	}
	return strings.Join(words, "、"), true
}

// index is strings.Index, but what stands between quotes is not looked at; nor is what
// stands behind one that nothing closes.
func index(text, what string) int {
	for at := 0; ; {
		i := strings.Index(text[at:], what)
		q := strings.IndexByte(text[at:], '"')
		if i < 0 || q < 0 || i <= q {
			if i >= 0 {
				i += at
			}
			return i
		}
		name, err := strconv.QuotedPrefix(text[at+q:])
		if err != nil {
			return -1
		}
		at += q + len(name)
	}
}

// quoted says whether the byte at i stands between quotes.
func quoted(text string, i int) bool {
	for at := 0; ; {
		q := strings.IndexByte(text[at:], '"')
		if q < 0 || at+q > i {
			return false
		}
		name, err := strconv.QuotedPrefix(text[at+q:])
		if err != nil {
			return true
		}
		if at += q + len(name); at > i {
			return true
		}
	}
}

// split is strings.SplitN, but not between quotes.
func split(text, by string) (pieces []string) {
	for len(pieces) < maxPieces-1 {
		i := index(text, by)
		if i < 0 {
			break
		}
		pieces, text = append(pieces, text[:i]), text[i+len(by):]
	}
	return append(pieces, text)
}

// An argument is what filled a verb of a form.
type argument struct{ verb, text string }

// match says whether a text is a form that was filled, with what, and how many bytes of it
// are the form's own.
func match(form, text string) (args []argument, own int, ok bool) {
	for {
		i := strings.IndexByte(form, '%')
		if i < 0 {
			return args, own + len(form), form == text
		}
		if !strings.HasPrefix(text, form[:i]) {
			return nil, 0, false
		}
		own += i
		text, form = text[i:], form[i+1:]
		v := strings.IndexAny(form, "sdvqxwT")
		if v < 0 {
			return nil, 0, false
		}
		verb := form[:v+1]
		form = form[v+1:]
		n := length(verb[v], form, text)
		if n < 0 {
			return nil, 0, false
		}
		args, text = append(args, argument{verb, text[:n]}), text[n:]
	}
}

// length gives how many bytes at the begin of a text filled a verb; negative if none can.
func length(verb byte, form, text string) int {
	switch verb {
	case 'd':
		n := len(text) - len(strings.TrimLeft(text, "-0123456789"))
		if n == 0 {
			return -1
		}
		return n
	case 'q':
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return -1
		}
		return len(quoted)
	}
	next, _, more := strings.Cut(form, "%")
	switch {
	case more:
		return index(text, next)
	case strings.HasSuffix(text, next) && (next == "" || !quoted(text, len(text)-len(next))):
		return len(text) - len(next)
	}
	return -1
}

func fill(form string, args []argument) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(form, '%')
		if i < 0 || i+1 == len(form) {
			b.WriteString(form)
			return b.String()
		}
		b.WriteString(form[:i])
		if n := int(form[i+1]) - '1'; n >= 0 && n < len(args) {
			b.WriteString(args[n].text)
		}
		form = form[i+2:]
	}
}
