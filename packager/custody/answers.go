package custody

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"hozen/packager"
	"hozen/packager/text"
)

// Bounds of a filled form.
const (
	// MaxForm is how many bytes of a YAML file are read.
	MaxForm = 256 << 10
	// MaxAnswer is how many bytes one answer may have: it stands in one event.
	MaxAnswer = 4000
)

// ErrNotUTF8 says that a form is in a code page of its own, such as 932.
var ErrNotUTF8 = errors.New("not UTF-8: save it as that")

// Answers are what people wrote, by the ID of the field.
type Answers map[string]string

// ParseAnswers reads a filled form: a YAML mapping of fields to texts, each once, as
// Template writes it. What is unknown, of another type than text, or too long is an error
// that names the line. Fields without a text are left out.
func ParseAnswers(r io.Reader) (Answers, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxForm+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > MaxForm:
		return nil, fmt.Errorf("form: over %d bytes", MaxForm)
	}
	if b = text.UTF8(b); !utf8.Valid(b) {
		return nil, fmt.Errorf("form: %w", ErrNotUTF8)
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return Answers{}, nil
	case err != nil:
		return nil, fmt.Errorf("form: %w", err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("form: more than one document")
	}
	return answersOf(doc.Content[0])
}

func answersOf(m *yaml.Node) (Answers, error) {
	if m.Kind == yaml.ScalarNode && m.Tag == "!!null" {
		return Answers{}, nil
	}
	if m.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("form, line %d: want FIELD: text", m.Line)
	}
	known, given := fields(), Answers{}
	var seen []string
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || !slices.ContainsFunc(known, func(f Field) bool { return f.ID == k.Value }):
			return nil, fmt.Errorf("form, line %d: %q: no such field", k.Line, k.Value)
		case slices.Contains(seen, k.Value):
			return nil, fmt.Errorf("form, line %d: field %s: twice", k.Line, k.Value)
		case v.Kind != yaml.ScalarNode || v.Tag != "!!str" && v.Tag != "!!null":
			return nil, fmt.Errorf("form, line %d: field %s: want text; put it in quotes", v.Line, k.Value)
		case len(v.Value) > MaxAnswer:
			return nil, fmt.Errorf("form, line %d: field %s: %d bytes, at most %d", v.Line, k.Value, len(v.Value), MaxAnswer)
		}
		seen = append(seen, k.Value)
		if text := strings.TrimSpace(v.Value); text != "" && v.Tag == "!!str" {
			given[k.Value] = text
		}
	}
	return given, nil
}

// Template writes a form to be filled in: each field with its question, and what is known
// of it already, as comments. lang is "en" or "ja".
func Template(w io.Writer, form []Field, lang string) error {
	var b bytes.Buffer
	for _, f := range form {
		fmt.Fprintf(&b, "# [%s] %s\n", f.By.Say(lang), oneLine(f.Question(lang)))
		for _, a := range f.Answers {
			if a.Superseded == 0 {
				fmt.Fprintf(&b, "#   = %s (%s)\n", oneLine(a.Say(lang)), oneLine(a.From))
			}
		}
		fmt.Fprintf(&b, "%s: \"\"\n", f.ID)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Question is what a field asks for, in a language: "en" or "ja".
func (f *Field) Question(lang string) string {
	if lang == "ja" {
		return f.JA
	}
	return f.EN
}

// oneLine keeps text of a host from ending a comment: what no line can hold is a space.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == utf8.RuneError || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// Events are what a filled form becomes: described for what nobody had answered, corrected
// for what people had answered otherwise, with the events that it supersedes. What stands
// there already is left out. reason is that of the correction.
func (a Answers) Events(form []Field, reason string) (list []packager.Event) {
	fresh, anew := packager.Event{Event: "described"}, packager.Event{Event: "corrected", Reason: reason}
	for _, f := range form {
		text, given := a[f.ID]
		if !given {
			continue
		}
		to, same := &fresh, false
		for _, old := range f.Answers {
			if old.Superseded > 0 || old.Seq == 0 || !old.said {
				continue
			}
			if same = same || old.Text == text; old.Text != text {
				to = &anew
				if !slices.Contains(anew.Ref, old.Seq) {
					anew.Ref = append(anew.Ref, old.Seq)
				}
			}
		}
		if !same {
			to.Detail = append(to.Detail, packager.EventDetail{Name: DetailName(f.ID), Value: text})
		}
	}
	for _, d := range a.Differences(form) { // both are recorded
		to := &fresh
		if slices.ContainsFunc(anew.Detail, func(x packager.EventDetail) bool { return x.Name == DetailName(d.Field) }) {
			to = &anew
		}
		to.Detail = append(to.Detail, packager.EventDetail{Name: detailDiffers, Value: d.value()})
	}
	return append(inLines(fresh), inLines(anew)...)
}

// inLines makes as many events of one as its answers need: a line of a log is bounded.
// Not inlined, for the size of the program.
//
//go:noinline
func inLines(e packager.Event) (list []packager.Event) {
	size := 0
	for _, d := range e.Detail {
		if n := len(list); n == 0 || size+len(d.Value) > 6*MaxAnswer {
			next := e
			next.Detail, size = nil, 0
			list = append(list, next)
		}
		last := &list[len(list)-1]
		last.Detail, size = append(last.Detail, d), size+len(d.Value)
	}
	return list
}
