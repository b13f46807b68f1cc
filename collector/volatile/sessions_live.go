package volatile

import (
	"strings"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// LogindRow is one state file of systemd-logind (sd-login(3); systemd
// src/login/logind-session.c and its neighbours write them).
type LogindRow struct {
	Kind   string        `json:"kind"`  // logind
	Class  string        `json:"class"` // session, user, seat, inhibitor
	Source jsonl.Text    `json:"source"`
	Name   jsonl.Text    `json:"name"`
	Values []NamedString `json:"values"`        // in the order of the file, as they are written there
	Cut    []string      `json:"cut,omitempty"` // "values" if only the first are here, or their beginnings; the file is taken whole
}

// NamedString is one assignment, in a table where the host chooses the names.
type NamedString struct {
	Name  jsonl.Text `json:"name"`
	Value jsonl.Text `json:"value"`
}

// SessionFile is a socket, lock or record file that tells of a session by being there.
type SessionFile struct {
	Kind    string     `json:"kind"` // ssh, multiplexer, remote, display, sudo, database
	From    string     `json:"from"` // file
	Program string     `json:"program"`
	Path    jsonl.Text `json:"path"`
	Type    string     `json:"type"` // socket, regular, directory …
	Mode    uint32     `json:"mode"`
	UID     uint32     `json:"uid"`
	Owner   jsonl.Text `json:"owner,omitempty"`
	Size    int64      `json:"size"`
	Atime   string     `json:"atime,omitempty"`
	Mtime   string     `json:"mtime,omitempty"`
	Ctime   string     `json:"ctime,omitempty"`
	Target  jsonl.Text `json:"link_target,omitempty"`
	Text    jsonl.Text `json:"text,omitempty"` // of an X lock file: the server's pid
	Error   jsonl.Text `json:"error,omitempty"`
}

// TTYRow is a terminal: a pseudo-terminal of /dev/pts, or one that is the
// controlling terminal of a process. The times of a terminal are those of its
// last input (atime) and output (mtime).
type TTYRow struct {
	Kind      string     `json:"kind"` // tty
	Path      jsonl.Text `json:"path"`
	UID       uint32     `json:"uid"`
	Owner     jsonl.Text `json:"owner,omitempty"`
	Mode      uint32     `json:"mode"`
	Rdev      uint64     `json:"rdev,omitempty"`
	Atime     string     `json:"atime,omitempty"`
	Mtime     string     `json:"mtime,omitempty"`
	Ctime     string     `json:"ctime,omitempty"`
	Processes []int      `json:"processes,omitempty"` // whose controlling terminal it is, at most 256
	Count     int        `json:"process_count"`
	Error     jsonl.Text `json:"error,omitempty"`
}

func (t *sessionTable) logind(f loginFile) error {
	if strings.HasSuffix(f.name, ".ref") { // a FIFO that is open as long as the session lives
		return nil
	}
	b, err := t.h.ReadFile(f.name, 1<<20)
	if err != nil {
		return err
	}
	parts := strings.Split(f.name, "/")
	class := strings.TrimSuffix(strings.Replace(parts[len(parts)-2], "inhibit", "inhibitors", 1), "s")
	row := LogindRow{Kind: "logind", Class: class, Source: jsonl.Text(f.name), Name: jsonl.Text(parts[len(parts)-1]), Values: parseAssignments(string(b))}
	row.Cut = clipRow(&row)
	t.row(&row)
	return nil
}

// parseAssignments reads NAME=VALUE lines as they are; a comment is left out.
func parseAssignments(text string) (out []NamedString) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		name, value, ok := strings.Cut(line, "=")
		if ok && !strings.HasPrefix(line, "#") {
			out = append(out, NamedString{jsonl.Text(name), jsonl.Text(value)})
		}
	}
	return out
}

func (t *sessionTable) database(f loginFile) error {
	if _, err := t.h.Lstat(f.name); err != nil {
		return err
	}
	t.look("database", "sqlite: taken as it is, not read into rows", f.name)
	return nil
}

// sessionPlaces are where programs leave a socket, a lock or a record for each session.
func sessionPlaces() [][3]string {
	return [][3]string{ // kind, program, pattern
		{"multiplexer", "tmux", "/tmp/tmux-*/*"}, {"multiplexer", "tmux", "/run/tmux/*/*"}, {"multiplexer", "tmux", "/run/user/*/tmux-*/*"},
		{"multiplexer", "screen", "/run/screen/S-*/*"}, {"multiplexer", "screen", "/tmp/screens/S-*/*"}, {"multiplexer", "screen", "/tmp/uscreens/S-*/*"},
		{"multiplexer", "zellij", "/run/user/*/zellij/*/*"}, {"multiplexer", "zellij", "/tmp/zellij-*/*/*"},
		{"multiplexer", "dtach or abduco", "/tmp/abduco/*/*"}, {"multiplexer", "tmate", "/tmp/tmate-*/*"},
		{"display", "X11", "/tmp/.X11-unix/*"}, {"display", "X11", "/tmp/.X*-lock"}, {"display", "Wayland", "/run/user/*/wayland-*"},
		{"display", "Xauthority", "/run/user/*/xauth_*"}, {"display", "Xauthority", "/run/user/*/gdm/Xauthority"},
		{"ssh", "agent", "/tmp/ssh-*/agent.*"}, {"ssh", "agent", "/run/user/*/openssh_agent"}, {"ssh", "agent", "/run/user/*/ssh-agent*"},
		{"ssh", "agent", "/run/user/*/keyring/ssh"}, {"ssh", "agent", "/run/user/*/gcr/ssh"}, {"ssh", "agent", "/run/user/*/gnupg/S.gpg-agent.ssh"},
		{"remote", "xrdp", "/tmp/.xrdp/*"}, {"remote", "xrdp", "/run/xrdp/*/*"}, {"remote", "x2go", "/tmp/.x2go-*/*"},
		{"sudo", "sudo", "/run/sudo/ts/*"}, {"sudo", "sudo", "/var/lib/sudo/ts/*"}, {"sudo", "sudo", "/var/db/sudo/ts/*"}, {"sudo", "sudo (lectured)", "/var/lib/sudo/lectured/*"},
	}
}

// live writes the rows that come from /run, /tmp, /dev/pts and /proc.
func (t *sessionTable) live() {
	hung := newHangGuard(t.h)
	for _, p := range sessionPlaces() {
		t.places(hung, p[0], p[1], p[2], false)
	}
	for _, home := range homeDirs(t.h) {
		t.places(hung, "ssh", "ControlMaster or agent", home+"/.ssh/*", true)
	}
	procs := t.processes()
	t.ttys(procs)
}

func (t *sessionTable) places(hung *hangGuard, kind, program, pattern string, socketsOnly bool) {
	fixed, _, _ := strings.Cut(pattern, "*")
	if why := hung.refuse(fixed); why != "" {
		if t.broken == nil {
			t.note(pattern, evidence.Cut("%s", why))
		}
		return
	}
	for _, name := range hostGlob(t.h, pattern, 4096, t.note) {
		if t.broken != nil {
			return
		}
		if why := hung.refuse(name); why != "" {
			t.row(&SessionFile{Kind: kind, From: "file", Program: program, Path: jsonl.Text(name), Error: jsonl.Text(why)})
			continue
		}
		if socketsOnly {
			if m, err := t.h.Lstat(name); err != nil || m.Mode&evidence.ModeType != evidence.ModeSocket {
				continue
			}
		}
		t.look(kind, program, name)
	}
}

// look writes the row of one file, which is not opened, but for X lock files.
func (t *sessionTable) look(kind, program, name string) {
	row := SessionFile{Kind: kind, From: "file", Program: program, Path: jsonl.Text(name)}
	m, err := t.h.Lstat(name)
	if err != nil {
		row.Error = jsonl.Text(err.Error())
		t.note(name, err)
		t.row(&row)
		return
	}
	row.Type, row.Mode, row.UID, row.Owner, row.Size = evidence.KindOf(m.Mode), m.Mode, m.UID, t.names.users[m.UID], m.Size
	row.Atime, row.Mtime, row.Ctime, row.Target = stamp(m.Atime), stamp(m.Mtime), stamp(m.Ctime), jsonl.Text(m.LinkTarget)
	if strings.HasSuffix(name, "-lock") && m.Regular() {
		if f, err := t.h.Open(name); err == nil {
			b := make([]byte, 64)
			n, _ := f.Read(b)
			f.Close()
			row.Text = jsonl.Text(strings.TrimSpace(string(b[:n])))
		}
	}
	t.row(&row)
}

// ttys writes a row for every terminal in /dev/pts, and for every other one
// that a process has as its controlling terminal.
func (t *sessionTable) ttys(held map[string][]int) {
	names, err := t.h.Names("/dev/pts")
	t.note("/dev/pts", err)
	var paths []string
	for _, n := range names {
		if n != "ptmx" { // the multiplexer, by which terminals are made (pts(4))
			paths = append(paths, "/dev/pts/"+n)
		}
	}
	for _, p := range sortedKeys(held) {
		if !strings.HasPrefix(p, "/dev/pts/") || !contains(names, p[len("/dev/pts/"):]) {
			paths = append(paths, p)
		}
	}
	for _, p := range paths {
		if t.broken != nil {
			return
		}
		pids := held[p]
		row := TTYRow{Kind: "tty", Path: jsonl.Text(p), Count: len(pids), Processes: pids[:min(len(pids), 256)]}
		if m, err := t.h.Lstat(p); err != nil {
			row.Error = jsonl.Text(err.Error())
		} else {
			row.UID, row.Owner, row.Mode, row.Rdev = m.UID, t.names.users[m.UID], m.Mode, m.Rdev
			row.Atime, row.Mtime, row.Ctime = stamp(m.Atime), stamp(m.Mtime), stamp(m.Ctime)
		}
		t.row(&row)
	}
}
