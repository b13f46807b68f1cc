package persistence

import (
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/command"
)

// Bounds of what one row says of a command.
const (
	maxText  = 64 << 10
	maxFiles = 32
)

// A CommandRow is a command line or the path of a DLL or driver, as Windows reads it.
type CommandRow struct {
	Expanded  jsonl.Text `json:"expanded,omitempty"` // with the values of %NAME%, where that differs from what is written
	Arguments jsonl.Text `json:"arguments,omitempty"`
	// Candidates are the programs that Windows would try in turn, where a path with a
	// blank in it has no quotes.
	Candidates []jsonl.Text `json:"candidates,omitempty"`
	// Files are those that are run or loaded: the program first, then what it is told to run.
	Files []FileRow `json:"files,omitempty"`
}

// cut bounds a text of the host, and says so in it.
func cut(s string) jsonl.Text {
	if len(s) > maxText {
		return jsonl.Text(s[:maxText] + "…")
	}
	return jsonl.Text(s)
}

// program reads a command line that CreateProcess is given.
func (j *job) program(text string, env command.Env, wow bool) *CommandRow {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if len(text) > maxText {
		text = text[:maxText]
	}
	expanded := env.Expand(text)
	line := command.Parse(command.Plain(expanded, env["SYSTEMROOT"]))
	c := &CommandRow{}
	if expanded != text {
		c.Expanded = cut(expanded)
	}
	if len(line.Images) == 0 {
		return c
	}
	at, image := 0, ""
	for i, candidate := range line.Images {
		if found, ok := j.files.first(env.Paths(candidate, ".exe", wow)); ok {
			at, image = i, found
			break
		}
	}
	if image == "" { // none is there: the one that ends like a program is meant
		at = likely(line.Images)
		image = line.Images[at]
		if paths := env.Paths(image, ".exe", wow); len(paths) > 0 {
			image = paths[0]
		}
	}
	c.Arguments = cut(line.Arguments[at])
	if !line.Quoted && strings.ContainsAny(line.Images[at], " \t") {
		for _, candidate := range line.Images[:at+1] {
			c.Candidates = append(c.Candidates, cut(candidate))
		}
	}
	c.Files = append(c.Files, j.files.row(image))
	for _, name := range command.Payloads(image, line.Arguments[at]) {
		c.add(j, name, ".dll", env, wow)
	}
	return c
}

// likely gives the first candidate that ends like a program, else the first.
func likely(images []string) int {
	for i, image := range images {
		lower := strings.ToLower(image)
		for _, end := range []string{".exe", ".com", ".bat", ".cmd", ".scr", ".sys", ".dll"} {
			if strings.HasSuffix(lower, end) {
				return i
			}
		}
	}
	return 0
}

// library reads the name of a DLL, or of several with commas or blanks between them.
func (j *job) library(text string, list bool, env command.Env, wow bool) *CommandRow {
	if len(text) > maxText {
		text = text[:maxText]
	}
	c := &CommandRow{}
	if expanded := env.Expand(text); expanded != text {
		c.Expanded = cut(expanded)
	}
	names := []string{text}
	if list {
		names = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == 0 })
	}
	for _, name := range names {
		c.add(j, name, ".dll", env, wow)
	}
	if len(c.Files) == 0 {
		return nil
	}
	return c
}

// add adds a file by its name as it is written.
func (c *CommandRow) add(j *job, name, ending string, env command.Env, wow bool) {
	paths := env.Paths(name, ending, wow)
	if len(paths) == 0 || len(c.Files) >= maxFiles {
		return
	}
	path, ok := j.files.first(paths)
	if !ok {
		path = paths[0]
	}
	row := j.files.row(path)
	for _, f := range c.Files {
		if f.Path == row.Path {
			return
		}
	}
	c.Files = append(c.Files, row)
}

// driver reads the ImagePath of a driver.
func (j *job) driver(text, name string) *CommandRow {
	path := j.env.Driver(text, name)
	c := &CommandRow{}
	if path != text {
		c.Expanded = cut(path)
	}
	c.Files = []FileRow{j.files.row(path)}
	return c
}
