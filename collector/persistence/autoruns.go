package persistence

import (
	"fmt"
	"slices"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/command"
	"hozen/collector/registry"
	"hozen/packager/evidence"
)

// An AutorunRow is one value of the registry, or one file, that makes Windows or a
// program of it start something.
type AutorunRow struct {
	Category  string     `json:"category"`            // the place's name in THE table: run, winlogon, com_hijack, …
	Technique string     `json:"technique,omitempty"` // of MITRE ATT&CK, where it has a number
	Meaning   string     `json:"meaning"`             // when what is named is run
	Key       jsonl.Text `json:"key,omitempty"`
	ValueName jsonl.Text `json:"value_name,omitempty"` // "" is the default value
	Type      string     `json:"type,omitempty"`
	Data      jsonl.Text `json:"data,omitempty"`
	Raw       string     `json:"raw,omitempty"` // the data in base64, where Data does not say all
	Size      int64      `json:"size,omitempty"`
	Odd       string     `json:"odd,omitempty"`
	// HiddenName says that a NUL is in the name of the key or value: Windows' own tools do not show it.
	HiddenName bool        `json:"hidden_name,omitempty"`
	Written    string      `json:"written,omitempty"`  // when the key was last changed; of a file, its mtime
	User       jsonl.Text  `json:"user,omitempty"`     // SID of whose registry or folder it is in
	Usual      bool        `json:"usual,omitempty"`    // it is what Windows itself has there
	ClassID    jsonl.Text  `json:"class_id,omitempty"` // of a COM class that is meant
	Shadows    jsonl.Text  `json:"shadows,omitempty"`  // what the machine has for the class that a user has replaced
	File       *FileRow    `json:"file,omitempty"`     // the file itself, where the row is one
	SameAs     jsonl.Text  `json:"same_as,omitempty"`  // a tool whose contents are those of another program
	Command    *CommandRow `json:"command,omitempty"`
	Reason     jsonl.Text  `json:"reason,omitempty"`
}

// Limits of the table.
const (
	maxAutoruns = 1 << 18 // rows
	maxPlace    = 1 << 15 // of one place and user
)

// autoruns puts one row for each value of each place, then folders, scripts and tools.
func (j *job) autoruns() error {
	return j.put("autoruns", "registry; startup folders; scripts of group policy", func(t *table) {
		w := &walker{job: j, table: t}
		for _, p := range places() {
			w.place(p)
		}
		w.hiddenNames()
		j.startup(w)
	})
}

// value makes the row of one value.
func (w *walker) value(p place, at scope, k *registry.Key, v registry.Value) {
	text, isText := valueText(v)
	row := w.row(p, at, k)
	shown := valueRow(v)
	row.ValueName, row.Type, row.Data, row.Raw, row.Size, row.Odd, row.Reason = shown.Name, shown.Type, shown.Data, shown.Raw, shown.Size, shown.Odd, shown.Reason
	row.HiddenName = row.HiddenName || hidden(v.Name)
	row.Usual = slices.ContainsFunc(p.usual, func(u string) bool { return strings.EqualFold(strings.TrimRight(text, ", \n"), u) })
	if p.kind == nothing && !isText && v.Type != registry.Binary {
		row.Data = ""
	}
	w.resolve(row, p, at, v, text)
	w.write(row)
}

// resolve finds the files that are meant.
func (w *walker) resolve(row *AutorunRow, p place, at scope, v registry.Value, text string) {
	j, env := w.job, at.env
	switch p.kind {
	case program:
		row.Command = w.each(text, func(s string) *CommandRow { return j.program(s, env, at.wow) })
	case nameOfProgram:
		row.Command = w.each(text, func(s string) *CommandRow { return j.program(`"`+strings.Trim(s, `"`)+`"`, env, at.wow) })
	case programList:
		row.Command = w.each(strings.ReplaceAll(text, ",", "\n"), func(s string) *CommandRow { return j.program(strings.TrimSpace(s), env, at.wow) })
	case native:
		row.Command = w.each(text, func(s string) *CommandRow {
			for _, word := range []string{"autocheck ", "async "} {
				s = strings.TrimPrefix(s, word)
			}
			return j.program(s, env, at.wow)
		})
	case library:
		row.Command = w.each(text, func(s string) *CommandRow { return j.library(s, false, env, at.wow) })
	case libraryList:
		row.Command = j.library(strings.ReplaceAll(text, "\n", ","), true, env, at.wow)
	case libraryName: // the name of the value is what is loaded
		row.Command = j.library(v.Name, false, env, at.wow)
	case driver:
		row.Command = w.each(text, func(s string) *CommandRow { return j.driver(s, "") })
	case classInData:
		row.ClassID, row.Command = jsonl.Text(text), j.comServer(text, at.user)
	case classInName:
		row.ClassID, row.Command = jsonl.Text(v.Name), j.comServer(v.Name, at.user)
	case classAnywhere: // a class, or a program
		if isGUID(text) {
			row.ClassID, row.Command = jsonl.Text(text), j.comServer(text, at.user)
		} else if isGUID(v.Name) {
			row.ClassID, row.Command = jsonl.Text(v.Name), j.comServer(v.Name, at.user)
		}
	case packed: // WSAPROTOCOL of a catalogue: the path in the ANSI code page, up to 260 bytes
		name, _, _ := strings.Cut(string(v.Data[:min(len(v.Data), 260)]), "\x00")
		row.Command = j.library(name, false, env, at.wow)
	}
}

// each reads each line of a list on its own, and joins what comes of them.
func (w *walker) each(text string, read func(string) *CommandRow) *CommandRow {
	lines := strings.Split(text, "\n")
	if len(lines) == 1 {
		return read(text)
	}
	all := &CommandRow{}
	for _, line := range lines[:min(len(lines), maxFiles)] {
		if c := read(line); c != nil {
			all.Files = append(all.Files, c.Files...)
		}
	}
	if len(all.Files) == 0 {
		return nil
	}
	return all
}

// write writes a row, up to the limit of the table.
func (w *walker) write(row *AutorunRow) {
	if w.rows++; w.rows > maxAutoruns {
		if w.rows == maxAutoruns+1 {
			w.table.tally.Add("autoruns", evidence.Cut("over %d rows", maxAutoruns))
		}
		return
	}
	w.table.row(row)
}

// comServer finds the DLL or program of a COM class: a user's own before the machine's.
func (j *job) comServer(class, user string) *CommandRow {
	class = strings.TrimSpace(class)
	if !isGUID(class) {
		return nil
	}
	var roots []string
	if user != "" {
		roots = append(roots, user+`\Software\Classes`)
	}
	roots = append(roots, `HKLM\SOFTWARE\Classes`, `HKLM\SOFTWARE\Classes\WOW6432Node`)
	for _, root := range roots {
		for _, server := range []string{"InprocServer32", "LocalServer32", "InprocHandler32"} {
			text := j.defaultText(fmt.Sprintf(`%s\CLSID\%s\%s`, root, class, server))
			if text == "" {
				continue
			}
			wow := strings.HasSuffix(root, "WOW6432Node")
			if server == "LocalServer32" {
				return j.program(text, j.env, wow)
			}
			return j.library(text, false, j.env, wow)
		}
	}
	return nil
}

// defaultText gives the default value of a key; "" if there is none.
func (j *job) defaultText(path string) string {
	k, err := j.reg.Key(path)
	if err != nil {
		return ""
	}
	defer k.Close()
	v, err := k.Value("")
	if err != nil {
		return ""
	}
	text, _ := valueText(v)
	return text
}

// isGUID says whether a text is {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}.
func isGUID(s string) bool {
	if len(s) != 38 || s[0] != '{' || s[37] != '}' {
		return false
	}
	for i, c := range []byte(s[1:37]) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return false
		}
	}
	return true
}

// envOf gives the variables of a user.
func (j *job) envOf(u registry.User) command.Env {
	profile := u.Profile
	if len(profile) < 3 || profile[1] != ':' {
		profile = j.profileOf(u)
	}
	return j.env.With(command.User(j.env.Expand(profile)))
}

// profileOf gives a user's directory as the list of profiles has it.
func (j *job) profileOf(u registry.User) string {
	k, err := j.reg.Key(`HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\` + u.SID)
	if err != nil || u.SID == "" {
		if at := strings.LastIndexByte(u.Profile, '/'); at >= 0 { // not in the list: a name on the host
			return j.env["SYSTEMDRIVE"] + `\Users\` + u.Profile[at+1:]
		}
		return ""
	}
	defer k.Close()
	v, err := k.Value("ProfileImagePath")
	if err != nil {
		return ""
	}
	text, _ := valueText(v)
	return text
}
