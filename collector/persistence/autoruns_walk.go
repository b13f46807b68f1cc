package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/command"
	"hozen/collector/registry"
	"hozen/collector/registry/hive"
	"hozen/packager/evidence"
)

// A walker goes through the places and writes their rows.
type walker struct {
	*job
	table   *table
	rows    int
	parents []parent // of keys that were asked for by name
	seen    map[string]bool
}

// A scope is where a place's pattern begins.
type scope struct {
	root string      // what stands for {…}
	user string      // the user's key; "" for the machine
	sid  string      // his SID
	env  command.Env // as the programs that run there have it
	wow  bool        // for 32-bit programs
}

type parent struct {
	path string
	at   scope
}

// scopes gives what a pattern's beginning stands for.
//
//	{M}    HKLM\SOFTWARE, and its 32-bit half
//	{U}    Software of each user, and its 32-bit half
//	{S}    both
//	{C}    HKLM\SYSTEM\CurrentControlSet
//	{H}    each user's registry
//	{K}    Software\Classes of the machine and of each user, and their 32-bit halves
//	{KU}   the same of each user alone
//	{L}    HKLM
func (w *walker) scopes(pattern string) (out []scope, rest string) {
	mark, rest, _ := strings.Cut(pattern, `}\`)
	machine := func(root string, wow bool) { out = append(out, scope{root: root, env: w.env, wow: wow}) }
	users := func(root func(registry.User) string, wow bool) { out = append(out, w.scopesOfUsers(root, wow)...) }
	software := func(u registry.User) string { return u.Path + `\Software` }
	software32 := func(u registry.User) string { return u.Path + `\Software\Wow6432Node` }
	if mark == "{M" || mark == "{S" {
		machine(`HKLM\SOFTWARE`, false)
		machine(`HKLM\SOFTWARE\Wow6432Node`, true)
	}
	if mark == "{U" || mark == "{S" {
		users(software, false)
		users(software32, true)
	}
	switch mark {
	case "{L":
		machine(`HKLM`, false)
	case "{C":
		machine(`HKLM\SYSTEM\CurrentControlSet`, false)
	case "{H":
		users(func(u registry.User) string { return u.Path }, false)
	case "{K":
		machine(`HKLM\SOFTWARE\Classes`, false)
		machine(`HKLM\SOFTWARE\Classes\WOW6432Node`, true)
	}
	if mark == "{K" || mark == "{KU" {
		users(w.classesOf, false)
		users(func(u registry.User) string { return w.classesOf(u) + `\WOW6432Node` }, true)
	}
	return out, rest
}

// scopesOfUsers gives each user's scope below a key of his.
// Not inlined, for the size of the program.
//
//go:noinline
func (w *walker) scopesOfUsers(root func(registry.User) string, wow bool) (out []scope) {
	for _, u := range w.reg.Users() {
		out = append(out, scope{root: root(u), user: u.Path, sid: u.SID, env: w.envOf(u), wow: wow})
	}
	return out
}

// classesOf gives the key of a user's classes: below his Software where they have no
// hive of their own.
func (w *walker) classesOf(u registry.User) string {
	if k, err := w.reg.Key(u.Classes); err == nil {
		k.Close()
		return u.Classes
	}
	return u.Path + `\Software\Classes`
}

// place goes through one place, of the machine and of each user.
func (w *walker) place(p place) {
	for _, pattern := range p.keys {
		scopes, rest := w.scopes(pattern)
		for _, at := range scopes {
			if w.ctx.Err() != nil {
				return
			}
			if at.root == "" || at.wow && p.no32 {
				continue
			}
			before := w.rows
			w.visit(p, at, at.root, strings.Split(rest, `\`), before)
		}
	}
}

// visit follows a pattern from a key: * stands for each key below.
func (w *walker) visit(p place, at scope, path string, parts []string, before int) {
	n := exactParts(parts)
	if n > 0 {
		exact := path + `\` + strings.ReplaceAll(strings.Join(parts[:n], `\`), star, "*")
		if n == len(parts) {
			w.remember(exact[:strings.LastIndexByte(exact, '\\')], at)
		}
		path = exact
	}
	k, err := w.reg.Key(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			w.table.tally.Add(path, err)
		}
		return
	}
	defer k.Close()
	w.below(p, at, k, parts[n:], before)
}

// exactParts counts the parts before the first *.
func exactParts(parts []string) (n int) {
	for n < len(parts) && parts[n] != "*" {
		n++
	}
	return n
}

// below takes a key whose pattern is at its end, or goes on with each key below it.
func (w *walker) below(p place, at scope, k *registry.Key, parts []string, before int) {
	if len(parts) == 0 {
		w.key(p, at, k)
		return
	}
	for child, err := range k.Each() {
		if err != nil {
			w.table.tally.Add(k.Path(), err)
			continue
		}
		if w.ctx.Err() != nil {
			return
		}
		if w.rows-before > maxPlace {
			w.table.tally.Add(k.Path(), evidence.Cut("over %d rows", maxPlace))
			return
		}
		rest := parts[1:]
		n := exactParts(rest)
		if n == 0 {
			w.below(p, at, child, rest, before)
			continue
		}
		next, err := child.Key(strings.Join(rest[:n], `\`))
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				w.table.tally.Add(child.Path(), err)
			}
			continue
		}
		w.below(p, at, next, rest[n:], before)
		next.Close()
	}
}

// key makes the rows of one key.
func (w *walker) key(p place, at scope, k *registry.Key) {
	if p.special != nil {
		p.special(w, p, at, k)
		return
	}
	if len(p.values) == 0 { // the key itself says it: its name is a class or a program
		row := w.row(p, at, k)
		name := k.Name()
		if p.kind == classInName {
			row.ClassID, row.Command = jsonl.Text(name), w.comServer(name, at.user)
		}
		w.write(row)
		return
	}
	values, err := k.Values()
	if err != nil {
		w.table.tally.Add(k.Path(), err)
	}
	for _, v := range values {
		if p.wants(v.Name) {
			w.value(p, at, k, v)
		}
	}
}

// wants says whether a value is one of the place's.
func (p place) wants(name string) bool {
	for _, pattern := range p.values {
		if pattern == "*" || hive.Fold(pattern) == hive.Fold(name) {
			return true
		}
		if prefix, ok := strings.CutSuffix(pattern, "*"); ok && strings.HasPrefix(hive.Fold(name), hive.Fold(prefix)) {
			return true
		}
	}
	return false
}

// row begins a row of a key.
func (w *walker) row(p place, at scope, k *registry.Key) *AutorunRow {
	row := &AutorunRow{Category: p.category, Technique: p.technique, Meaning: p.meaning, Key: jsonl.Text(k.Path()), User: jsonl.Text(at.sid), HiddenName: hidden(k.Path())}
	if info, err := k.Info(); err == nil {
		row.Written = stamp(info.Written)
	}
	return row
}

// remember keeps a key, to look for hidden names below it.
func (w *walker) remember(path string, at scope) {
	const most = 1 << 14
	folded := hive.Fold(path)
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	if !w.seen[folded] && len(w.parents) < most {
		w.seen[folded] = true
		w.parents = append(w.parents, parent{path, at})
	}
}

// hiddenNames looks beside the keys that have a fixed name for such with a NUL in their
// name: "Run\0" is not Run, but who looks with Windows' tools sees neither.
func (w *walker) hiddenNames() {
	p := place{category: "hidden_name", technique: "T1112", meaning: "nothing that is known; the NUL hides the key from Windows' tools"}
	for _, at := range w.parents {
		if w.ctx.Err() != nil {
			return
		}
		k, err := w.reg.Key(at.path)
		if err != nil {
			continue
		}
		names, _ := k.Subkeys()
		for _, name := range names {
			if hidden(name) {
				row := &AutorunRow{Category: p.category, Technique: p.technique, Meaning: p.meaning, Key: jsonl.Text(k.Path() + `\` + name), User: jsonl.Text(at.at.sid), HiddenName: true}
				w.hiddenValues(row, k, name)
				w.write(row)
			}
		}
		k.Close()
	}
}

// hiddenValues writes what is in a key with a hidden name into its row.
func (w *walker) hiddenValues(row *AutorunRow, k *registry.Key, name string) {
	below, err := k.Key(name)
	if err != nil {
		row.Reason = jsonl.Text(err.Error())
		return
	}
	defer below.Close()
	if info, err := below.Info(); err == nil {
		row.Written = stamp(info.Written)
	}
	values, _ := below.Values()
	var lines []string
	for _, v := range values[:min(len(values), maxFiles)] {
		text, _ := valueText(v)
		lines = append(lines, fmt.Sprintf("%s=%s", v.Name, text))
	}
	row.Data = cut(strings.Join(lines, "\n"))
}
