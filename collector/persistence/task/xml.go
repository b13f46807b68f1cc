package task

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// Bounds of one task's XML: Windows itself accepts far less.
const (
	maxXML      = 4 << 20
	maxDepth    = 32
	maxElements = 20000
)

// A Definition is a task as its XML says it ([MS-TSCH] section 2.5).
type Definition struct {
	Version     string
	Author      string
	Date        string // as it is written, which is local time mostly
	Description string
	URI         string // the path that it was registered by
	Source      string
	SDDL        string // its security descriptor
	Principals  []Principal
	Context     string // the id of the principal as which its actions are run
	Enabled     bool
	Hidden      bool
	Actions     []Action
	Triggers    []Trigger
	// Replaced says that some of it was no text, and is U+FFFD here.
	Replaced bool
}

// A Principal is as whom a task runs.
type Principal struct {
	ID         jsonl.Text `json:"id,omitempty"`
	User       jsonl.Text `json:"user,omitempty"` // a SID or a name
	Group      jsonl.Text `json:"group,omitempty"`
	LogonType  jsonl.Text `json:"logon_type,omitempty"`
	RunLevel   jsonl.Text `json:"run_level,omitempty"`
	Privileges jsonl.Text `json:"privileges,omitempty"`
}

// An element is a node of the tree that the XML is read into.
type element struct {
	name     string // without its namespace
	attrs    []xml.Attr
	text     strings.Builder
	children []*element
}

// ParseXML reads the XML of a task in UTF-16 or UTF-8. With an error it gives what
// came before.
func ParseXML(b []byte) (Definition, error) {
	if len(b) > maxXML {
		return Definition{Enabled: true}, fmt.Errorf("%d bytes of XML: more than %d", len(b), maxXML)
	}
	text, replaced := decode(b)
	root, err := parseTree(text)
	d := definition(root)
	d.Replaced = replaced
	if err == nil && root.child("Actions") == nil && root.child("Triggers") == nil && root.child("RegistrationInfo") == nil {
		err = errors.New("XML that is no task")
	}
	return d, err
}

// decode gives the text in UTF-8, and whether anything in it was none.
func decode(b []byte) (string, bool) {
	var s string
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		s = utf16.WTF8(b[2:])
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		swapped := make([]byte, len(b)&^1)
		for i := 0; i+1 < len(b); i += 2 {
			swapped[i], swapped[i+1] = b[i+1], b[i]
		}
		s = utf16.WTF8(swapped[2:])
	case len(b) > 1 && b[0] == '<' && b[1] == 0:
		s = utf16.WTF8(b)
	default:
		s = strings.TrimPrefix(string(b), "\ufeff")
	}
	replaced := false
	s = strings.Map(func(r rune) rune {
		// What XML 1.0 section 2.2 does not allow would end the reading.
		if r == utf8.RuneError || r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			replaced = true
			return utf8.RuneError
		}
		return r
	}, s)
	return s, replaced
}

// parseTree reads elements up to an error or a bound.
func parseTree(text string) (*element, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	top := &element{}
	path := []*element{top}
	for n := 0; ; {
		token, err := d.RawToken()
		if err != nil {
			if err == io.EOF {
				err = nil
				if len(path) > 1 {
					err = fmt.Errorf("the text ends within <%s>", path[len(path)-1].name)
				}
			}
			return top.first(), err
		}
		at := path[len(path)-1]
		switch token := token.(type) {
		case xml.StartElement:
			if n++; n > maxElements || len(path) > maxDepth {
				return top.first(), fmt.Errorf("more than %d elements, or more than %d deep", maxElements, maxDepth)
			}
			e := &element{name: token.Name.Local, attrs: token.Copy().Attr}
			at.children = append(at.children, e)
			path = append(path, e)
		case xml.EndElement:
			if len(path) == 1 || at.name != token.Name.Local {
				return top.first(), fmt.Errorf("</%s> ends what did not begin", token.Name.Local)
			}
			path = path[:len(path)-1]
		case xml.CharData:
			at.text.Write(token)
		}
	}
}

func (e *element) first() *element {
	if len(e.children) == 0 {
		return &element{}
	}
	return e.children[0]
}

// child gives the first child of a name; nil if there is none. All methods may be
// called on nil.
func (e *element) child(name string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// at gives the text of a descendant; "" if it is not there.
func (e *element) at(names ...string) string {
	for _, name := range names {
		e = e.child(name)
	}
	if e == nil {
		return ""
	}
	return strings.TrimSpace(e.text.String())
}

func (e *element) textAt(names ...string) jsonl.Text { return jsonl.Text(e.at(names...)) }

func (e *element) attr(name string) string {
	if e != nil {
		for _, a := range e.attrs {
			if a.Name.Local == name {
				return a.Value
			}
		}
	}
	return ""
}

func definition(root *element) Definition {
	info, settings := root.child("RegistrationInfo"), root.child("Settings")
	d := Definition{
		Version: root.attr("version"), Author: info.at("Author"), Date: info.at("Date"), Description: info.at("Description"),
		URI: info.at("URI"), Source: info.at("Source"), SDDL: info.at("SecurityDescriptor"),
		Enabled: !isFalse(settings.at("Enabled")), Hidden: isTrue(settings.at("Hidden")),
		Context: root.child("Actions").attr("Context"),
	}
	if principals := root.child("Principals"); principals != nil {
		for _, p := range principals.children {
			d.Principals = append(d.Principals, principal(p))
		}
	}
	if actions := root.child("Actions"); actions != nil {
		for _, a := range actions.children {
			d.Actions = append(d.Actions, xmlAction(a))
		}
	}
	if triggers := root.child("Triggers"); triggers != nil {
		for _, t := range triggers.children {
			d.Triggers = append(d.Triggers, xmlTrigger(t))
		}
	}
	return d
}

func isTrue(s string) bool  { return s == "true" || s == "1" }
func isFalse(s string) bool { return s == "false" || s == "0" }

func principal(e *element) Principal {
	p := Principal{
		ID: jsonl.Text(e.attr("id")), User: e.textAt("UserId"), Group: e.textAt("GroupId"),
		LogonType: e.textAt("LogonType"), RunLevel: e.textAt("RunLevel"),
	}
	if list := e.child("RequiredPrivileges"); list != nil {
		var names []string
		for _, c := range list.children {
			names = append(names, strings.TrimSpace(c.text.String()))
		}
		p.Privileges = jsonl.Text(strings.Join(names, " "))
	}
	return p
}
