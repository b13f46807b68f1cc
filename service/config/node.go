package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"hozen/packager/cipher"
)

// A Problem is one mistake, and where it stands.
type Problem struct {
	File         string
	Line, Column int // from 1; 0: of the file as a whole
	Text         string
	Hint         Hint
}

// Hint says what to do, in English and Japanese.
type Hint struct{ English, Japanese string }

func (p Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems are all that was found, in the order of the file.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// maxProblems bounds what one file is told.
const maxProblems = 50

// reader collects the mistakes of one file.
type reader struct {
	file  string
	found Problems
}

// wrong notes a mistake at a node.
func (r *reader) wrong(n *yaml.Node, h Hint, format string, a ...any) {
	if len(r.found) < maxProblems {
		r.found = append(r.found, Problem{File: r.file, Line: n.Line, Column: n.Column, Text: cipher.Hide(fmt.Sprintf(format, a...)), Hint: h})
	}
}

// field is one that a mapping may have, and what is done with its value.
type field struct {
	name string
	set  func(r *reader, n *yaml.Node)
}

// mapping reads a mapping with these fields and no others, each at most once. Nothing
// (a key without a value) is an empty mapping.
func (r *reader) mapping(n *yaml.Node, what string, fields []field) {
	r.pairs(n, what, func(key, value *yaml.Node) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if i < 0 {
			r.wrong(key, nearest(key.Value, fields), "%s has no field %.80q", what, key.Value)
			return
		}
		fields[i].set(r, value)
	})
}

// pairs calls f for each key of a mapping and its value.
func (r *reader) pairs(n *yaml.Node, what string, f func(key, value *yaml.Node)) {
	if null(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.wrong(n, hintMapping, "%s: want fields with values, not %s", what, kindOf(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			r.wrong(key, hintMapping, "%s: the name of a field must be a word, not %s", what, kindOf(key))
			continue
		}
		if line, twice := seen[key.Value]; twice {
			r.wrong(key, hintTwice, "%s: %.80q stands here a second time (first in line %d)", what, key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		f(key, value)
	}
}

// text gives the value of a scalar.
func (r *reader) text(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || null(n) {
		r.wrong(n, hintScalar, "want one value, not %s", kindOf(n))
		return "", false
	}
	return n.Value, true
}

// list calls f for each scalar of a sequence.
func (r *reader) list(n *yaml.Node, f func(n *yaml.Node, value string)) {
	if null(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, hintList, "want a list, not %s", kindOf(n))
		return
	}
	for _, item := range n.Content {
		if v, ok := r.text(item); ok {
			f(item, v)
		}
	}
}

// plainOnly refuses what makes YAML more than values: anchors, aliases (which can stand for
// gigabytes), merge keys and tags. It looks at no more than it must.
func (r *reader) plainOnly(n *yaml.Node, depth int) bool {
	const deepest = 8
	switch {
	case depth > deepest:
		r.wrong(n, hintPlain, "nested too deeply")
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.wrong(n, hintPlain, "anchors and aliases (& and *) are not wanted here")
	case n.Style&yaml.TaggedStyle != 0 || n.Tag == "!!merge":
		r.wrong(n, hintPlain, "tags and merge keys (! and <<) are not wanted here")
	default:
		for _, c := range n.Content {
			if !r.plainOnly(c, depth+1) {
				return false
			}
		}
		return true
	}
	return false
}

func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func kindOf(n *yaml.Node) string {
	switch {
	case null(n):
		return "nothing"
	case n.Kind == yaml.MappingNode:
		return "fields with values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("%.40q", n.Value)
}

// nearest names the field that was meant, if one is near, else all of them.
func nearest(word string, fields []field) Hint {
	names := make([]string, len(fields))
	best, at := 3, -1
	for i, f := range fields {
		names[i] = f.name
		if d := distance(word, f.name); d < best {
			best, at = d, i
		}
	}
	if at >= 0 {
		return Hint{"did you mean " + names[at] + "?", names[at] + " の書き誤りではありませんか"}
	}
	all := strings.Join(names, ", ")
	return Hint{"it has: " + all, "使える項目: " + all}
}

// distance is how many letters differ (Levenshtein), of short words.
func distance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := min(row[j+1]+1, row[j]+1, last+1)
			if a[i] == b[j] {
				next = min(next, last)
			}
			last, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
