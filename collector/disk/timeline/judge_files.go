package timeline

import (
	"bytes"
	"fmt"
	"strings"

	"hozen/collector/disk/walk"
	"hozen/collector/memory"
)

const day = daySeconds // seconds

// changes judges the times of a file.
func (l *looker) changes(e *walk.Entry, name []byte) {
	m := &e.Meta
	if m.Mtime.Sec > l.now+day && m.Mtime.Set {
		l.add(kindFuture, pick(l.in(inSystem|inWeb|inTemp), memory.Medium, memory.Low), e, "it was changed in the future", "")
	}
	recent := m.Ctime.Set && m.Ctime.Sec >= l.since && m.Ctime.Sec <= l.now+day
	if !recent || !l.in(inSystem|inWeb) || l.in(inLayer) {
		return
	}
	known := l.byPackage(m.Ctime)
	if l.in(inSystem) {
		level := pick(l.in(inProgram) && code(m.Mode, name) || l.in(inEtc) && startsThings(l.dir, name), memory.Medium, memory.Low)
		what := "its contents"
		if m.Mtime.Sec < l.since {
			what = "its owner, mode or name, or an old file was put here"
		}
		l.add(kindChanged, level, e, fmt.Sprintf("changed %d days ago: %s", max(0, (l.now-m.Ctime.Sec)/day), what), known)
	}
	switch {
	case m.Btime.Set && m.Mtime.Sec < m.Btime.Sec-day && m.Mtime.Nsec == 0 && m.Atime.Nsec == 0 && l.in(inProgram|inWeb):
		l.add(kindTimes, memory.Medium, e, "its times are older than its birth, to the whole second: they were set by hand, or it was copied with its times", known)
	case m.Ctime.Sec-m.Mtime.Sec > 30*day && l.in(inProgram|inWeb):
		l.add(kindTimes, memory.Low, e, fmt.Sprintf("its contents say that they are %d days older than its last change", (m.Ctime.Sec-m.Mtime.Sec)/day), known)
	case m.Mtime.Nsec == 0 && m.Ctime.Nsec != 0 && m.Mtime.Sec != m.Ctime.Sec && l.in(inProgram|inWeb|inTemp):
		l.add(kindTimes, memory.Low, e, "its time of change is a whole second, as touch -d and archives set it", known)
	}
}

// code says whether a file is a program, a library or a module of the kernel, by its
// mode and name: compiled scripts and data are made anew all the time.
func code(mode uint32, name []byte) bool {
	return mode&0o111 != 0 || bytes.HasSuffix(name, []byte(".so")) || bytes.Contains(name, []byte(".so.")) ||
		bytes.HasSuffix(name, []byte(".ko")) || bytes.Contains(name, []byte(".ko."))
}

// startsThings says whether a file of the configuration decides what runs, or who may enter.
func startsThings(dir, name []byte) bool {
	switch string(name) {
	case "passwd", "shadow", "group", "sudoers", "ld.so.preload", "ld.so.conf", "rc.local", "crontab", "profile", "bash.bashrc", "bashrc", "environment", "sshd_config", "hosts", "inittab", "modules":
		return true
	}
	for _, part := range []string{"/cron", "/init.d", "/rc", "/systemd/", "/pam.d", "/sudoers.d", "/profile.d", "/ld.so.conf.d", "/udev/", "/ssh", "/modules-load.d", "/modprobe.d", "/xdg/autostart", "/update-motd.d", "/network/if-", "/NetworkManager/dispatcher"} {
		if bytes.Contains(dir, []byte(part)) {
			return true
		}
	}
	return false
}

// script judges code where web servers and visitors can reach it.
func (l *looker) script(e *walk.Entry, name []byte) {
	if !l.in(inWeb | inTemp) {
		return
	}
	dot := bytes.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot > 6 {
		return
	}
	page := false
	switch strings.ToLower(string(name[dot+1:])) {
	case "php", "php3", "php4", "php5", "php7", "php8", "phtml", "phar", "jsp", "jspx", "jspf", "asp", "aspx", "ashx", "asmx", "cfm":
		page = true
	case "cgi", "pl", "py", "sh":
	default:
		return
	}
	m := &e.Meta
	recent := m.Ctime.Set && m.Ctime.Sec >= l.since
	switch {
	case l.in(inUpload):
		l.add(kindWeb, pick(recent && page, memory.High, memory.Medium), e, "a script where visitors' files or pictures belong", "")
	case l.in(inWeb) && recent:
		l.add(kindWeb, memory.Medium, e, "a script of a web site that is new or was changed lately", l.byPackage(m.Ctime))
	case l.in(inTemp) && page:
		l.add(kindWeb, memory.Medium, e, "a page of a web site in a folder for temporary files", "")
	}
}

// program judges names of known programs, and names with two endings.
func (l *looker) program(e *walk.Entry, name []byte) {
	l.extensions(e, name)
	if len(name) > maxProgram || len(name) < 4 {
		return
	}
	var low [maxProgram]byte
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	key := low[:len(name)]
	if what, ok := sharing[string(key)]; ok && l.runs(e, key) {
		l.add(kindSharing, memory.Medium, e, "named like "+what+", which shares files", l.byInstall())
	}
	if what, ok := remote[string(key)]; ok && l.runs(e, key) {
		l.add(kindRemote, pick(l.in(inNoCode|inTemp|inHome|inWeb), memory.Medium, memory.Low), e, "named like "+what+", which lets others in", l.byInstall())
	}
}

// runs says whether the file is a program, or has a name that only the program's files have.
func (l *looker) runs(e *walk.Entry, name []byte) bool {
	return e.Meta.Mode&0o111 != 0 || bytes.IndexByte(name, '.') >= 0
}

func (l *looker) byInstall() string {
	if l.in(inProgram) {
		return "it lies where packages install programs"
	}
	return ""
}

// extensions judges names that show the ending of a document, and end as a program.
func (l *looker) extensions(e *walk.Entry, name []byte) {
	dot := bytes.LastIndexByte(name, '.')
	if dot < 2 || len(name)-dot > 8 || l.in(inSystem|inKnown|inLayer) {
		return
	}
	before := bytes.TrimRight(name[:dot], " ")
	first := bytes.LastIndexByte(before, '.')
	if first < 1 {
		return
	}
	var level memory.Level
	switch strings.ToLower(string(name[dot+1:])) {
	case "exe", "scr", "pif", "com", "hta", "vbs", "vbe", "wsf", "lnk", "cpl", "bat", "cmd", "jse", "msi":
		level = memory.High
	case "ps1", "desktop", "elf", "run", "jar", "php", "jsp", "aspx", "phtml":
		level = memory.Medium
	default:
		return
	}
	switch strings.ToLower(string(before[first+1:])) {
	case "pdf", "doc", "docx", "docm", "xls", "xlsx", "xlsm", "ppt", "pptx", "rtf", "odt", "ods", "txt", "csv", "jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff",
		"zip", "rar", "7z", "mp3", "mp4", "avi", "mov", "wav", "eml", "jtd", "xdw":
		l.add(kindExtensions, level, e, "shown as a document, it is a program", "")
	}
}
