package artifact

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of one file of definitions. The largest published one has 200 KB, 400 definitions.
const (
	maxFile        = 4 << 20 // bytes
	maxDefinitions = 10_000
	maxDepth       = 16       // of lists and maps within each other; the format needs 6
	maxText        = 64 << 10 // bytes of one string
	maxList        = 10_000   // entries of one list
)

// Parse reads one file of definitions, YAML documents one after another. It is
// strict: a field that the format does not have, a missing one, an unknown type or
// system, a field given twice is an error, and says file, line, definition and what
// is allowed. YAML's anchors and aliases are not part of the format and are refused.
// file is only for messages. Definitions before the first error are not given.
func Parse(file string, b []byte) (all []Definition, err error) {
	defer func() {
		if p := recover(); p != nil { // a fault of the YAML library is a fault of this file
			all, err = nil, fmt.Errorf("%s: %v", file, p)
		}
	}()
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: %d bytes: at most %d", file, len(b), maxFile)
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return nil, fmt.Errorf("%s: a NUL byte: not text", file)
	}
	documents := yaml.NewDecoder(bytes.NewReader(spaced(b)))
	for {
		var doc yaml.Node
		if err := documents.Decode(&doc); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
			continue // nothing but comments
		}
		if len(all) == maxDefinitions {
			return nil, fmt.Errorf("%s:%d: more than %d definitions", file, doc.Line, maxDefinitions)
		}
		r := &reader{file: file}
		d := r.definition(doc.Content[0])
		if r.err != nil {
			return nil, r.err
		}
		all = append(all, d)
	}
}

// spaced puts the blank into "attributes: {paths:['…']}" that YAML 1.2 does not ask
// for (section 7.3.3: a plain key in a flow map ends before a bracket), but the
// library does. One of the published definitions is written so. No line moves.
func spaced(b []byte) []byte {
	tight := regexp.MustCompile(`(?m)^([ \t]*(?:- )?attributes:[ \t]*\{[ \t]*[a-z_]+:)([\[{])`)
	return tight.ReplaceAll(b, []byte("$1 $2"))
}

// A reader turns the nodes of one document into a definition; it keeps the first error.
type reader struct {
	file, name string // name of the definition, once known
	err        error
}

func (r *reader) fail(n *yaml.Node, format string, a ...any) {
	if r.err != nil {
		return
	}
	where := fmt.Sprintf("%s:%d: ", r.file, n.Line)
	if r.name != "" {
		where += r.name + ": "
	}
	r.err = errors.New(where + fmt.Sprintf(format, a...))
}

// A field reads the value of one field.
type field func(*yaml.Node)

// fields reads a map strictly: what it holds must be among known, and what is
// required must be there. what names the map in messages.
func (r *reader) fields(n *yaml.Node, what string, known map[string]field, required ...string) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s: %s, but fields are needed: %s", what, kind(n), allowed(known))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && r.err == nil; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || read == nil:
			r.fail(key, "%s: unknown field %q; allowed: %s", what, clip(key.Value), allowed(known))
		case seen[key.Value]:
			r.fail(key, "%s: %s is given twice", what, key.Value)
		default:
			seen[key.Value] = true
			read(value)
		}
	}
	for _, name := range required {
		if !seen[name] {
			r.fail(n, "%s: no %s", what, name)
		}
	}
}

func allowed(known map[string]field) string {
	var names []string
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// text reads a string into to.
func (r *reader) text(what string, to *string) field {
	return func(n *yaml.Node) { *to = r.scalar(n, what) }
}

// scalar gives a string as it is written: numbers, too, are text ("args: [10]").
func (r *reader) scalar(n *yaml.Node, what string) string {
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		r.fail(n, "%s: %s, but text is needed", what, kind(n))
	case len(n.Value) > maxText:
		r.fail(n, "%s: %d bytes: at most %d", what, len(n.Value), maxText)
	case strings.ContainsRune(n.Value, 0):
		r.fail(n, "%s: a NUL byte in %q", what, clip(n.Value))
	}
	return n.Value
}

// list reads a list of strings into to.
func (r *reader) list(what string, to *[]string) field {
	return func(n *yaml.Node) {
		for _, e := range r.entries(n, what) {
			s := r.scalar(e, what)
			if s == "" {
				r.fail(e, "%s: an empty entry", what)
			}
			*to = append(*to, s)
		}
	}
}

// entries gives the nodes of a list that has at least one.
func (r *reader) entries(n *yaml.Node, what string) []*yaml.Node {
	switch {
	case n.Kind != yaml.SequenceNode:
		r.fail(n, "%s: %s, but a list is needed", what, kind(n))
	case len(n.Content) == 0:
		r.fail(n, "%s: an empty list", what)
	case len(n.Content) > maxList:
		r.fail(n, "%s: %d entries: at most %d", what, len(n.Content), maxList)
	default:
		return n.Content
	}
	return nil
}

// shape refuses what no definition has: aliases (which may multiply without
// bound) and depth.
func (r *reader) shape(n *yaml.Node, depth int) {
	switch {
	case r.err != nil:
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.fail(n, "an anchor or alias of YAML: not part of the format; write it out")
	case depth > maxDepth:
		r.fail(n, "more than %d levels", maxDepth)
	default:
		for _, c := range n.Content {
			r.shape(c, depth+1)
		}
	}
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(n.Value))
}

// clip keeps messages short.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
