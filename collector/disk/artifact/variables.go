package artifact

import (
	"strings"

	"hozen/packager/evidence"
)

// values holds what variables stand for, by their names in lower case without %%.
// Paths in it are clean and have / between components, on Windows too, without a
// drive; so %%environ_systemdrive%% is "".
type values map[string][]string

// of gives a variable's values as pieces of a pattern; nil if it has none.
func (v values) of(name string) (all []piece) {
	for _, text := range v[name] {
		all = append(all, piece{text: text, value: name != "users.sid"})
	}
	return all
}

// A User is somebody whose files %%users.…%% may stand for.
type User struct {
	Name   string
	UID    string // in decimal; "" where there is none
	Home   string // as the host's list of users has it
	values values
}

// Users gives the users that were found, in the order in which they are looked at.
func (f *Finder) Users() []User { return append([]User(nil), f.users...) }

// Problems is what hindered the search for users; nil if nothing did.
func (f *Finder) Problems() error { return f.problems.Err() }

const (
	maxUsers  = 1000
	maxHome   = 1024    // bytes
	maxPasswd = 4 << 20 // bytes
)

// addUser adds somebody whose home is there and not known already.
func (f *Finder) addUser(u User) {
	home, ok := cleanHome(u.Home)
	if !ok {
		f.problems.Add(clip(u.Home), evidence.Skip("no place for a home"))
		return
	}
	u.Home = home
	for _, other := range f.users {
		if other.Home == home {
			return
		}
	}
	if real, err := f.enter(home); err != nil || real == "" {
		f.problems.Add(home, err)
		return
	}
	if len(f.users) == maxUsers {
		f.problems.Add(home, evidence.Cut("more than %d users: the rest is passed over", maxUsers))
		return
	}
	if u.values == nil {
		u.values = values{"users.homedir": {home}}
	}
	u.values["users.username"] = []string{u.Name}
	if u.UID != "" {
		u.values["users.uid"] = []string{u.UID}
	}
	f.users = append(f.users, u)
}

// cleanHome takes an absolute path that means a directory below the root.
func cleanHome(s string) (home string, ok bool) {
	if len(s) > maxHome || !strings.HasPrefix(s, "/") || strings.ContainsRune(s, 0) {
		return "", false
	}
	for _, part := range strings.Split(s, "/") {
		switch {
		case part == "..":
			return "", false
		case part != "" && part != ".":
			home += "/" + part
		}
	}
	switch top, _, _ := strings.Cut(strings.TrimPrefix(home, "/"), "/"); top {
	case "", "proc", "sys", "dev":
		return "", false
	}
	return home, true
}

// findUsers looks up the users and the environment.
func (f *Finder) findUsers() {
	if f.system == Windows {
		f.findProfiles()
		return
	}
	for _, u := range parsePasswd(f.passwd()) {
		f.addUser(u)
	}
	for _, home := range []string{"/root", "/var/root"} {
		f.addUser(User{Name: "root", UID: "0", Home: home})
	}
	// Users of a directory service are in no file of the host; their homes are.
	parent := "/home"
	if f.system == Darwin {
		parent = "/Users"
	}
	names, err := f.list(parent)
	f.problems.Add(parent, err)
	for _, name := range names {
		if name != "lost+found" {
			f.addUser(User{Name: name, Home: parent + "/" + name})
		}
	}
}

// passwd gives the host's list of users, through links where it is one.
func (f *Finder) passwd() string {
	const name = "/etc/passwd"
	real, _, err := f.follow("/", name)
	if notThere(err) || f.problems.Add(name, err) != nil {
		return ""
	}
	b, err := f.host.ReadFile(real, maxPasswd)
	f.problems.Add(name, err)
	return string(b)
}

// parsePasswd reads lines of passwd(5); what is no such line is passed over.
func parsePasswd(text string) (all []User) {
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(fields) != 7 || fields[0] == "" || len(fields[0]) > 256 || strings.Trim(fields[2], "0123456789") != "" {
			continue
		}
		all = append(all, User{Name: fields[0], UID: fields[2], Home: fields[5]})
	}
	return all
}
