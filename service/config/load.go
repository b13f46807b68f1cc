package config

import (
	"bytes"
	_ "embed" // of the text that install writes
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hozen/packager/evidence/sorting"
)

// maxFile bounds the file, in bytes.
const maxFile = 1 << 20

//go:embed default.yaml
var defaultText string

// home is where things lie on a system, and what its commands are called.
type home struct {
	config, state string            // folders
	trust, veto   string            // files
	words         *strings.Replacer // for the commented file
}

// DefaultFile is where the configuration lies unless somebody says otherwise.
// Not inlined, for the size of the program.
//
//go:noinline
func DefaultFile() string { return here().config + string(filepath.Separator) + "hozen.yaml" }

// Text is the commented file that install writes: the defaults, and examples.
func Text() string { return here().words.Replace(defaultText) }

// Default is what an empty file says.
func Default() *Config {
	h := here()
	return &Config{
		StateDir: h.state, Trust: h.trust, Veto: h.veto, Profile: "standard",
		Outbox: Outbox{MaxSize: 20 << 30}, Approvals: Approvals{Collect: 1, RAM: 2, Memory: 2, Isolate: 2, Cancel: 1},
		OnShutdown: ShutdownNothing, ShutdownLimit: time.Minute,
		Limits: Limits{Memory: 768 << 20, CPUWeight: 20, IOWeight: 20},
	}
}

// Load reads a configuration file. The error is Problems: each with its place and a hint.
// A file that is no plain file is not opened for longer than it takes to see that.
func Load(file string) (*Config, error) {
	text, err := readPlain(file)
	if err != nil {
		hint := hintFile
		if errors.Is(err, fs.ErrNotExist) {
			hint = hintMissing
		}
		return nil, Problems{{File: file, Text: reason(err), Hint: hint}}
	}
	return Parse(file, text)
}

// reason is an error without the name of the file, which stands before it.
func reason(err error) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// readPlain reads a regular file, itself and no link, of at most maxFile bytes.
func readPlain(file string) ([]byte, error) {
	f, err := openPlain(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("not a plain file: %v", st.Mode().Type())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("over %d bytes", maxFile)
	}
	return text, err
}

// Parse reads the text of a configuration file; file is for errors, which are Problems.
func Parse(file string, text []byte) (*Config, error) {
	r := &reader{file: file}
	c := Default()
	c.File = file
	if len(text) > maxFile {
		return nil, Problems{{File: file, Text: fmt.Sprintf("over %d bytes", maxFile), Hint: hintFile}}
	}
	top := r.document(text)
	if top != nil && r.plainOnly(top, 0) {
		r.mapping(top, "the configuration", c.root())
		c.agree(r, top)
	}
	if len(r.found) == 0 {
		return c, nil
	}
	sorting.By(r.found, func(a, b Problem) int { return a.Line - b.Line })
	return nil, r.found
}

// document gives the one document of a text; nil if it is empty or no YAML.
func (r *reader) document(text []byte) *yaml.Node {
	defer func() { // the library is not ours, and what it reads may be an attacker's
		if p := recover(); p != nil {
			r.found = append(r.found, Problem{File: r.file, Text: fmt.Sprintf("no YAML: %v", p), Hint: hintSyntax})
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		r.syntax(text, err)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			r.syntax(text, err)
		} else {
			r.wrong(&more, hintTwice, "a second document begins here")
		}
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// syntax notes what the library says of a text that is no YAML. It knows the line only.
func (r *reader) syntax(text []byte, err error) {
	p := Problem{File: r.file, Line: 1, Column: 1, Text: strings.TrimPrefix(err.Error(), "yaml: "), Hint: hintSyntax}
	if m := regexp.MustCompile(`^line (\d+): (.*)`).FindStringSubmatch(p.Text); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.Text = m[2]
	}
	if lines := bytes.Split(text, []byte("\n")); p.Line >= 1 && p.Line <= len(lines) {
		l := lines[p.Line-1]
		p.Column = 1 + len(l) - len(bytes.TrimLeft(l, " \t"))
	}
	r.found = append(r.found, p)
}

// TextFor is Text with the name of the device in it.
func TextFor(device string) string {
	return strings.Replace(Text(), "#device: pc-42\n", "device: "+device+"\n", 1)
}

// ReadPlain reads a plain file of at most 1 MiB: no link, no FIFO, no device.
func ReadPlain(file string) ([]byte, error) { return readPlain(file) }
