package timeline

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"hozen/collector/disk/walk"
	"hozen/collector/memory"
	"hozen/packager/evidence"
)

// file judges a regular file.
func (l *looker) file(e *walk.Entry, name []byte) {
	m := &e.Meta
	if m.Mode&0o111 != 0 {
		l.privileged(e, name)
		l.executable(e, name)
	}
	if l.in(inDev) {
		l.add(kindInDev, memory.Medium, e, "a regular file among the device nodes", "")
	}
	if m.Mode&0o002 != 0 && l.in(inSystem) {
		l.add(kindWritable, pick(l.in(inProgram|inEtc), memory.High, memory.Medium), e, "everybody may write to a file of the system", "")
	}
	l.attributes(e)
	l.changes(e, name)
	l.script(e, name)
	l.program(e, name)
}

func pick(yes bool, a, b memory.Level) memory.Level {
	if yes {
		return a
	}
	return b
}

// privileged judges what a program may do beyond its user: set-user-ID and set-group-ID
// (inode(7)), and capabilities.
func (l *looker) privileged(e *walk.Entry, name []byte) {
	m := &e.Meta
	odd := l.in(inNoCode | inTemp | inHome | inWeb)
	expected := ""
	if l.in(inProgram) && isExpectedSuid(string(name)) {
		expected = "packages install a program of this name with this bit"
	}
	if m.Mode&0o4000 != 0 {
		l.add(kindSuid, pick(odd && m.UID == 0, memory.High, memory.Medium), e, fmt.Sprintf("it runs as user %d, whoever starts it", m.UID), expected)
	}
	if m.Mode&0o2010 == 0o2010 {
		l.add(kindSgid, pick(odd, memory.Medium, memory.Low), e, fmt.Sprintf("it runs with group %d, whoever starts it", m.GID), expected)
	}
	value, err := e.Xattr("security.capability")
	if err != nil || len(value) == 0 {
		return
	}
	c, err := parseCapability(value)
	if err != nil {
		l.add(kindCapability, memory.Medium, e, "capabilities that cannot be read: "+err.Error(), "")
		return
	}
	if l.in(inProgram) && isExpectedCapable(string(name)) {
		expected = "packages give a program of this name capabilities"
	}
	high := c.permitted&powerful != 0 && (odd || isInterpreter(string(name)))
	l.add(kindCapability, pick(high, memory.High, memory.Medium), e, "it has "+c.String()+", whoever starts it", expected)
}

// executable judges programs by where they lie: the first bytes are read of those in
// odd places only.
func (l *looker) executable(e *walk.Entry, name []byte) {
	hidden := len(name) > 0 && name[0] == '.'
	odd := l.in(inNoCode) || l.in(inHome) && (l.in(inHidden) || hidden) || l.in(inUpload)
	if !odd && !hidden && !l.in(inEtc) || e.Meta.Size == 0 {
		return
	}
	known := ""
	if l.in(inKnown) {
		known = "tools of developers and applications keep programs in a folder of this name"
	} else if l.in(inLayer) {
		known = "in the tree of a container, or of another system"
	}
	what := l.content(e)
	switch {
	case what == "", l.in(inEtc) && what != "ELF program":
	case l.in(inEtc):
		l.add(kindPlace, memory.Medium, e, "an ELF program among the configuration", known)
	case l.in(inNoCode | inUpload):
		level := pick(what == "ELF program", memory.Medium, memory.Low)
		if l.in(inDev) || hidden || l.in(inUpload) || bytes.HasPrefix(l.dir, []byte("/dev/")) {
			level = memory.High
		}
		l.add(kindPlace, level, e, "an executable "+what+" where none belongs", known)
	case hidden:
		l.add(kindHiddenProgram, pick(l.in(inProgram), memory.High, memory.Medium), e, "a hidden executable "+what, known)
	default:
		l.add(kindPlace, memory.Low, e, "an executable "+what+" in a hidden folder of a user", known)
	}
}

// content says what the first bytes are: "ELF program", "script", or nothing of these.
func (l *looker) content(e *walk.Entry) string {
	if l.reads--; l.reads < 0 {
		return "file"
	}
	r, err := e.Open()
	if err != nil {
		return "file" // that could not be read
	}
	defer r.Close()
	var b [4]byte
	n, _ := io.ReadFull(r, b[:])
	switch {
	case string(b[:n]) == "\x7fELF":
		return "ELF program"
	case n >= 2 && string(b[:2]) == "#!":
		return "script"
	case n >= 2 && string(b[:2]) == "MZ":
		return "Windows program"
	}
	return ""
}

// attributes judges what chattr(1) sets.
func (l *looker) attributes(e *walk.Entry) {
	a := e.Meta.Attributes
	if a&(walk.AttributeImmutable|walk.AttributeAppend) == 0 {
		return
	}
	seen, known := "it cannot be changed or removed, even by root (immutable)", ""
	if a&walk.AttributeImmutable == 0 {
		seen = "it may only grow (append-only)"
		if bytes.HasPrefix(l.dir, []byte("/var/log")) {
			known = "logs are protected so"
		}
	}
	l.add(kindImmutable, pick(l.in(inNoCode|inTemp|inProgram|inEtc|inWeb|inHome), memory.Medium, memory.Low), e, seen, known)
}

// directory judges a directory.
func (l *looker) directory(e *walk.Entry, name []byte) {
	m := &e.Meta
	if m.Mode&0o1002 == 0o002 && l.in(inSystem) {
		l.add(kindWritable, pick(l.in(inProgram|inEtc), memory.High, memory.Medium), e, "everybody may write to a directory of the system, and remove what is in it", "")
	}
	l.attributes(e)
	if len(name) < 2 || name[0] != '.' || l.in(inHome|inLayer|inKnown) {
		return
	}
	if known := " .X11-unix .ICE-unix .XIM-unix .font-unix .Test-unix .snapshots .Trash .build-id .git .etckeeper .cache .config .local .lost+found "; strings.Contains(known, " "+string(name)+" ") {
		return
	}
	switch dir := string(l.dir); {
	case l.in(inDev) || dir == "/dev/shm":
		l.add(kindOddName, memory.High, e, "a hidden directory among the device nodes", "")
	case dir == "", dir == "/tmp", dir == "/var/tmp", dir == "/var", dir == "/run", dir == "/boot", dir == "/opt", dir == "/etc", dir == "/usr/share", dir == "/usr", l.in(inProgram) && strings.Count(dir, "/") <= 2:
		l.add(kindOddName, memory.Medium, e, "a hidden directory in a place of the system", "")
	}
}

// device judges a device node outside of /dev.
func (l *looker) device(e *walk.Entry, name []byte) {
	if deviceNodes(string(l.dir)) {
		return
	}
	known, m := "", &e.Meta
	std := " null zero full random urandom tty console ptmx "
	switch {
	case m.Type() == evidence.ModeChar && strings.Contains(std, " "+string(name)+" ") && (m.Rdev>>8 == 1 || m.Rdev>>8 == 5):
		known = "chroots and containers need this device"
	case l.in(inLayer), bytes.Contains(l.dir, []byte("/udev/devices")):
		known = "in the tree of a container, or what udev copies"
	}
	what := pickText(m.Type() == evidence.ModeBlock, "a block device", "a character device")
	l.add(kindDevice, pick(m.Type() == evidence.ModeBlock, memory.High, memory.Medium), e, fmt.Sprintf("%s outside of /dev (number %#x)", what, m.Rdev), known)
}

func pickText(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// name judges names that are made not to be seen, or to be taken for others.
func (l *looker) name(e *walk.Entry, name []byte) {
	if len(name) == 0 {
		return
	}
	plain, last := true, name[len(name)-1]
	for _, c := range name {
		if c < 0x20 || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain && name[0] != '.' && name[0] != ' ' && last != ' ' {
		return
	}
	switch {
	case len(bytes.Trim(name, ".")) == 0:
		l.add(kindOddName, memory.High, e, "a name of dots alone", "")
	case len(bytes.TrimSpace(name)) == 0:
		l.add(kindOddName, memory.High, e, "a name of spaces alone", "")
	case len(bytes.Trim(name, ". \t\u00a0")) == 0, name[0] == '.' && len(name) > 1 && (name[1] == ' ' || name[1] == '.' && len(name) > 2 && name[2] == ' '):
		l.add(kindOddName, memory.High, e, "a name of dots and spaces, like those of every directory", "")
	case last == ' ', name[0] == ' ':
		l.add(kindOddName, memory.Low, e, "a name that begins or ends with a space", "")
	}
	if plain {
		return
	}
	l.unseen(e, name)
}

// unseen judges characters that are not shown as they are.
func (l *looker) unseen(e *walk.Entry, name []byte) {
	if !utf8.Valid(name) {
		return // names in other encodings are ordinary
	}
	for _, r := range string(name) {
		switch {
		case r == 0x202e || r == 0x202d || r >= 0x2066 && r <= 0x2069:
			l.add(kindTurned, memory.High, e, fmt.Sprintf("a character that turns the direction of text (U+%04X): the name is not what is shown", r), "")
			return
		case turns(r):
			l.add(kindTurned, memory.Low, e, fmt.Sprintf("a mark for the direction of text (U+%04X)", r), "")
			return
		case r == 0x200b || r == 0x2060 || r == 0xfeff:
			l.add(kindOddName, memory.Medium, e, fmt.Sprintf("a character that is not shown (U+%04X)", r), "")
			return
		case unicode.IsControl(r):
			l.add(kindOddName, memory.Medium, e, fmt.Sprintf("a control character in its name (U+%04X)", r), "")
			return
		}
	}
}
