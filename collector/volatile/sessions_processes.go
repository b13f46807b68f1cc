package volatile

import (
	"path"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
)

// SessionProcess is a process by which somebody is at the machine: a server or
// client of a remote login, a terminal multiplexer, a display server, a login
// program. All else about it is in the tables of the collector processes.
type SessionProcess struct {
	Kind       string       `json:"kind"` // ssh, multiplexer, remote, display, login
	From       string       `json:"from"` // process
	Program    string       `json:"program"`
	PID        int          `json:"pid"`
	PPID       int          `json:"ppid"`
	Session    int          `json:"session"`
	UID        uint32       `json:"uid"`
	Owner      jsonl.Text   `json:"owner,omitempty"`
	TTY        string       `json:"tty,omitempty"`
	StartTicks uint64       `json:"start_ticks"` // since boot, proc_pid_stat(5)
	Comm       jsonl.Text   `json:"comm"`
	Argv       []jsonl.Text `json:"argv"` // as the process shows it: sshd writes user and terminal there
	Sockets    []SocketEnd  `json:"sockets,omitempty"`
	Cut        []string     `json:"cut,omitempty"` // fields of which only the beginning is here; processes.jsonl and sockets.jsonl have the whole
}

// SocketEnd is a socket that a process of a session holds.
type SocketEnd struct {
	Inode  uint64     `json:"inode"`
	Family string     `json:"family"` // tcp, tcp6, unix
	State  string     `json:"state,omitempty"`
	Local  jsonl.Text `json:"local"`
	Remote string     `json:"remote,omitempty"`
}

// SessionVariable is an environment variable that tells by which way processes
// came to be, and which processes have it with this value. Of a value of more
// than 4 KiB, which no program sets, the beginning is here, with the length and
// the SHA-256 of the whole; the processes' raw texts have it.
type SessionVariable struct {
	Kind      string     `json:"kind"` // ssh, multiplexer, display, login
	From      string     `json:"from"` // environment
	Name      string     `json:"name"`
	Value     jsonl.Text `json:"value"`
	Processes []int      `json:"processes"` // at most 256
	Count     int        `json:"process_count"`
	Cut       []string   `json:"cut,omitempty"` // "value" if it was cut
	Length    int        `json:"value_bytes,omitempty"`
	SHA256    string     `json:"value_sha256,omitempty"`
}

// sessionVariables are the variables and the kind of row that each makes:
// ssh(1), tmux(1), screen(1), zellij, sudo(8), pam_systemd(8).
func sessionVariables() map[string]string {
	return map[string]string{
		"SSH_CONNECTION": "ssh", "SSH_CLIENT": "ssh", "SSH_TTY": "ssh", "SSH_AUTH_SOCK": "ssh", "SSH_ORIGINAL_COMMAND": "ssh",
		"TMUX": "multiplexer", "STY": "multiplexer", "ZELLIJ_SESSION_NAME": "multiplexer",
		"DISPLAY": "display", "WAYLAND_DISPLAY": "display", "XRDP_SESSION": "remote", "X2GO_SESSION": "remote", "VNCDESKTOP": "remote",
		"SUDO_USER": "login", "SUDO_COMMAND": "login", "DOAS_USER": "login", "PKEXEC_UID": "login", "XDG_SESSION_ID": "login",
	}
}

// sessionPrograms are the names of programs by kind of row.
func sessionPrograms() map[string][]string {
	return map[string][]string{
		"ssh": {"sshd", "sshd-session", "sshd-auth", "ssh", "autossh", "ssh-agent", "scp", "sftp", "sftp-server", "internal-sftp", "sshfs",
			"dropbear", "dbclient", "mosh-server", "mosh-client"},
		"multiplexer": {"tmux", "screen", "zellij", "dtach", "abduco", "byobu", "dvtm", "tmate", "shpool"},
		"remote": {"xrdp", "xrdp-sesman", "xrdp-chansrv", "xvnc", "xtigervnc", "x0vncserver", "x0tigervncserver", "x11vnc", "vncserver", "vino-server", "krfb",
			"wayvnc", "gnome-remote-desktop-daemon", "gnome-remote-de", "x2goagent", "x2golistsession", "nxagent", "nxserver", "nxnode", "teamviewerd", "teamviewer",
			"anydesk", "rustdesk", "chrome-remote-desktop-host", "telnetd", "in.telnetd", "rlogind", "in.rlogind", "rshd", "in.rshd", "rexecd",
			"ttyd", "gotty", "shellinaboxd", "wetty", "sshx", "guacd", "dwagent", "cockpit-bridge", "cockpit-session"},
		"display": {"xorg", "x", "xwayland", "gnome-shell", "kwin_wayland", "kwin_x11", "weston", "sway", "hyprland", "labwc", "lightdm", "sddm", "gdm3", "gdm-x-session", "gdm-wayland-session"},
		"login":   {"login", "agetty", "getty", "su", "sudo", "doas", "runuser", "pkexec", "machinectl", "systemd-logind"},
	}
}

// programKinds turns sessionPrograms around.
func programKinds() map[string]string {
	out := map[string]string{}
	for kind, names := range sessionPrograms() {
		for _, n := range names {
			out[n] = kind
		}
	}
	return out
}

// programOf finds the program's name in what the process calls itself:
// "sshd: alice@pts/0" and "tmux: server" name it before the colon.
func programOf(kinds map[string]string, names ...string) (program, kind string) {
	for _, n := range names {
		n, _, _ = strings.Cut(n, ":")
		n = strings.ToLower(strings.TrimPrefix(path.Base(n), "-"))
		if k := kinds[n]; k != "" {
			return n, k
		}
	}
	return "", ""
}

// ttyName names a terminal by its device number as /proc/PID/stat gives it;
// majors from Documentation/admin-guide/devices.txt of the kernel. "" for none.
func ttyName(dev int) string {
	major, minor := dev>>8&0xfff, dev&0xff|dev>>12&0xfff00
	switch {
	case dev == 0:
		return ""
	case major >= 136 && major <= 143:
		return "/dev/pts/" + strconv.Itoa((major-136)<<20|minor)
	case major == 4 && minor < 64:
		return "/dev/tty" + strconv.Itoa(minor)
	case major == 4:
		return "/dev/ttyS" + strconv.Itoa(minor-64)
	case major == 5 && minor == 1:
		return "/dev/console"
	}
	return strconv.Itoa(major) + ":" + strconv.Itoa(minor)
}

// processes writes the rows of processes and of their environments, and gives
// who has which terminal.
func (t *sessionTable) processes() map[string][]int {
	ttys, vars := map[string][]int{}, variableSet{pids: map[variableValue][]int{}}
	kinds, wanted, ends := programKinds(), sessionVariables(), newSocketEnds(t.h)
	pids, err := proc.PIDs(t.h)
	t.note("/proc", err)
	for _, pid := range pids {
		if t.broken != nil {
			return ttys
		}
		dir := "/proc/" + strconv.Itoa(pid)
		b, err := t.h.ReadFile(dir+"/stat", 8<<10)
		t.note(dir+"/stat", err)
		s, err := proc.ParseStat(string(b))
		if err != nil {
			continue
		}
		tty := ttyName(int(s.Field[proc.StatTTY]))
		if tty != "" {
			ttys[tty] = append(ttys[tty], pid)
		}
		t.variables(dir, pid, wanted, &vars)
		argv, _ := t.h.ReadFile(dir+"/cmdline", 64<<10)
		args := strings.Split(strings.TrimSuffix(string(argv), "\x00"), "\x00")
		program, kind := programOf(kinds, s.Comm, args[0])
		if program == "" {
			continue
		}
		row := SessionProcess{Kind: kind, From: "process", Program: program, PID: pid, PPID: int(s.Field[proc.StatPPID]), Session: int(s.Field[proc.StatSession]),
			TTY: tty, StartTicks: s.Start(), Comm: jsonl.Text(s.Comm), Argv: jsonl.Texts(args)}
		if m, err := t.h.Lstat(dir); err == nil {
			row.UID, row.Owner = m.UID, t.names.users[m.UID]
		}
		row.Sockets, err = ends.of(dir)
		t.note(dir+"/fd", err)
		row.Cut = clipRow(&row)
		t.row(&row)
	}
	t.writeVariables(wanted, &vars)
	return ttys
}
