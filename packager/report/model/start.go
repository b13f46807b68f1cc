package model

import (
	"bytes"
	"strings"
)

// A Start is something that the machine starts by itself.
type Start struct {
	Kind    string // service, task, wmi, the category of an autorun, or of a file
	Name    string
	Command string
	Where   string // key, file, or place
	Written string
	User    string
	Signed  string // how the program's file is signed
	Odd     string // what does not fit
	Usual   bool   // the system itself has it there
}

type commandRow struct {
	Expanded text `json:"expanded"`
	Files    []struct {
		Path      text `json:"path"`
		Reason    text `json:"reason"`
		Signature struct {
			Status  text `json:"status"`
			Signer  text `json:"signer"`
			Verdict text `json:"verdict"`
		} `json:"signature"`
	} `json:"files"`
}

func (c *commandRow) file() string {
	if c == nil || len(c.Files) == 0 {
		return ""
	}
	return string(c.Files[len(c.Files)-1].Path)
}

func (c *commandRow) signed() string {
	if c == nil || len(c.Files) == 0 {
		return ""
	}
	s := c.Files[len(c.Files)-1].Signature
	return joined(firstOf(string(s.Verdict), string(s.Status)), string(s.Signer))
}

// Not inlined, for the size of the program.
//
//go:noinline
func (m *Model) start(table string, s Start) {
	if len(m.Starts) >= 4*maxRows {
		m.table(table).Cut++
		return
	}
	m.Starts = append(m.Starts, s)
}

func (m *Model) service(b []byte) bool {
	var r struct {
		Name     text        `json:"name"`
		Odd      texts       `json:"disagreements"`
		Command  *commandRow `json:"command"`
		DLL      *commandRow `json:"service_dll"`
		Registry struct {
			Key     text `json:"key"`
			Written text `json:"written"`
			Start   text `json:"start"`
			Image   text `json:"image_path"`
			Account text `json:"account"`
			Hidden  flag `json:"hidden_name"`
		} `json:"registry"`
		SCM struct {
			Binary text `json:"binary_path"`
		} `json:"scm"`
	}
	if !decode(b, &r) {
		return false
	}
	c := r.Command
	if r.DLL.file() != "" {
		c = r.DLL
	}
	s := Start{Kind: "service", Name: string(r.Name), Command: firstOf(string(r.Registry.Image), string(r.SCM.Binary), c.file()), Where: firstOf(string(r.Registry.Start), string(r.Registry.Key)),
		Written: string(r.Registry.Written), User: string(r.Registry.Account), Signed: c.signed(), Odd: r.Odd.comma()}
	if r.DLL.file() != "" {
		s.Command = joined(s.Command, "→ "+r.DLL.file())
	}
	if r.Registry.Hidden {
		s.Odd = joined("hidden name", s.Odd)
	}
	m.start("persistence/services.jsonl", s)
	return true
}

func (m *Model) task(b []byte) bool {
	var r struct {
		Path     text  `json:"path"`
		Odd      texts `json:"disagreements"`
		Commands []struct {
			Action struct {
				Command   text `json:"command"`
				Arguments text `json:"arguments"`
			} `json:"action"`
			Command *commandRow `json:"command"`
		} `json:"commands"`
		Tree struct {
			Written text `json:"written"`
			NoSD    flag `json:"no_sd"`
		} `json:"tree"`
		XML struct {
			Author text `json:"author"`
		} `json:"xml"`
	}
	if !decode(b, &r) {
		return false
	}
	s := Start{Kind: "task", Name: string(r.Path), Written: string(r.Tree.Written), User: string(r.XML.Author), Odd: r.Odd.comma()}
	if len(r.Commands) > 0 {
		c := r.Commands[0]
		s.Command, s.Signed = firstOf(joined(string(c.Action.Command), string(c.Action.Arguments)), c.Command.file()), c.Command.signed()
	}
	if r.Tree.NoSD {
		s.Odd = joined("no security descriptor: hidden from the tools of Windows", s.Odd)
	}
	s.Usual = s.Odd == "" && strings.HasPrefix(s.Name, `\Microsoft\`)
	m.start("persistence/tasks.jsonl", s)
	return true
}

func (m *Model) subscription(b []byte) bool {
	var r struct {
		Class    text        `json:"class"`
		Consumer flag        `json:"consumer"`
		State    text        `json:"state"`
		Name     text        `json:"name"`
		Query    text        `json:"query"`
		Filter   text        `json:"filter"`
		Bound    text        `json:"bound_to"`
		SID      text        `json:"creator_sid"`
		Written  texts       `json:"written"`
		Command  *commandRow `json:"command"`
		Script   *commandRow `json:"script"`
	}
	if !decode(b, &r) {
		return false
	}
	s := Start{Kind: "wmi", Name: joined(string(r.Class), string(r.Name)), Where: string(r.State), User: string(r.SID),
		Command: firstOf(r.Command.file(), r.Script.file(), string(r.Query), joinedBy(string(r.Filter), " → ", string(r.Bound))), Signed: r.Command.signed()}
	if len(r.Written) > 0 {
		s.Written = string(r.Written[0])
	}
	if r.Consumer && r.State != "live" {
		s.Odd = string(r.State)
	}
	m.start("persistence/wmi.jsonl", s)
	return true
}

func (m *Model) autorun(b []byte) bool {
	var r struct {
		Category text        `json:"category"`
		Key      text        `json:"key"`
		Value    text        `json:"value_name"`
		Data     text        `json:"data"`
		Odd      text        `json:"odd"`
		Hidden   flag        `json:"hidden_name"`
		Written  text        `json:"written"`
		User     text        `json:"user"`
		Usual    flag        `json:"usual"`
		Shadows  text        `json:"shadows"`
		SameAs   text        `json:"same_as"`
		Command  *commandRow `json:"command"`
		File     struct {
			Path text `json:"path"`
		} `json:"file"`
	}
	if !decode(b, &r) {
		return false
	}
	s := Start{Kind: string(r.Category), Name: firstOf(string(r.Value), string(r.File.Path)), Command: firstOf(string(r.Data), r.Command.file()), Where: string(r.Key), Written: string(r.Written),
		User: string(r.User), Signed: r.Command.signed(), Odd: string(r.Odd), Usual: bool(r.Usual)}
	if r.Hidden {
		s.Odd = joined("hidden name", s.Odd)
	}
	if r.Shadows != "" || r.SameAs != "" {
		s.Odd = joined(s.Odd, "replaces "+firstOf(string(r.Shadows), string(r.SameAs)))
	}
	m.start("persistence/autoruns.jsonl", s)
	return true
}

// places are where Linux and macOS start things from: files that disk took from there.
func placeOf(path string) string {
	for _, p := range [...][2]string{
		{"/etc/cron", "cron"}, {"/var/spool/cron", "cron"}, {"/var/spool/at", "at"}, {"/etc/anacrontab", "cron"},
		{"/etc/systemd/", "systemd"}, {"/usr/local/lib/systemd/", "systemd"}, {"/run/systemd/system/", "systemd"}, {"/lib/systemd/system/", "systemd"}, {"/usr/lib/systemd/system/", "systemd"},
		{"/etc/init", "init"}, {"/etc/rc", "init"}, {"/etc/inittab", "init"}, {"/etc/ld.so.preload", "preload"}, {"/etc/ld.so.conf", "preload"},
		{"/etc/profile", "shell"}, {"/etc/bash", "shell"}, {"/etc/zsh", "shell"}, {"/etc/environment", "shell"}, {"/etc/pam.d/", "pam"}, {"/etc/udev/", "udev"},
		{"/etc/modules", "module"}, {"/etc/modprobe.d/", "module"}, {"/etc/xdg/autostart/", "desktop"}, {"/etc/sudoers", "sudo"}, {"/etc/ssh/sshd_config", "ssh"},
		{"/Library/LaunchDaemons/", "launchd"}, {"/Library/LaunchAgents/", "launchd"}, {"/etc/update-motd.d/", "motd"}, {"/etc/NetworkManager/dispatcher.d/", "network"},
	} {
		if strings.HasPrefix(path, p[0]) {
			return p[1]
		}
	}
	_, base, _ := cutLast(path, "/")
	switch {
	case strings.HasPrefix(base, "authorized_keys"):
		return "ssh"
	case strings.Contains(path, "/.config/autostart/"), strings.Contains(path, "/.config/systemd/"), strings.Contains(path, "/Library/LaunchAgents/"):
		return "desktop"
	case base == ".bashrc", base == ".bash_profile", base == ".profile", base == ".zshrc", base == ".zprofile", base == ".bash_login", base == ".zshenv":
		return "shell"
	}
	return ""
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// taken reads a row of the files that were looked for on the disk. There are very many:
// only those that start something are decoded.
func (m *Model) taken(b []byte) bool {
	if bytes.Contains(b, []byte(`"atime_may_move":true`)) {
		m.Footprint.AccessTimes++
	}
	path := field(b, `"path":"`)
	if path == nil || placeOf(string(path)) == "" {
		return len(b) > 1 && b[0] == '{'
	}
	var r struct {
		Path    text `json:"path"`
		Kind    text `json:"kind"`
		Owner   text `json:"owner"`
		Mtime   text `json:"mtime"`
		Ctime   text `json:"ctime"`
		Item    text `json:"item"`
		Link    text `json:"link_target"`
		Outcome text `json:"outcome"`
		Again   flag `json:"again"`
	}
	if !decode(b, &r) {
		return false
	}
	if r.Kind == "directory" || r.Outcome == "absent" || r.Again {
		return true
	}
	m.start("disk/files.jsonl", Start{Kind: placeOf(string(r.Path)), Name: string(r.Path), Command: string(r.Link), Where: string(r.Item), Written: later(string(r.Mtime), string(r.Ctime)), User: string(r.Owner),
		Usual: strings.HasPrefix(string(r.Path), "/usr/lib/") || strings.HasPrefix(string(r.Path), "/lib/")})
	return true
}

// field gives the string behind a key such as `"path":"`, as it is written, with its
// escapes; nil if it is not there. Within a string of JSON every quotation mark has a
// backslash before it: the pattern cannot stand there.
func field(b []byte, key string) []byte {
	i := bytes.Index(b, []byte(key))
	if i < 0 {
		return nil
	}
	b = b[i+len(key):]
	if end := bytes.IndexByte(b, '"'); end >= 0 {
		return b[:end]
	}
	return nil
}
