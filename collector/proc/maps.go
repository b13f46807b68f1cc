package proc

import (
	"fmt"
	"strconv"
	"strings"
)

// DeletedMark is what the kernel appends to the name of a file that is gone. A
// file can really be called so.
const DeletedMark = " (deleted)"

// A Mapping is one line of proc_pid_maps(5).
type Mapping struct {
	Start, End uint64 // addresses, End not included
	Perms      string // "r-xp": read, write, execute, and p private or s shared
	Offset     uint64 // in the file, in bytes
	Dev        string // major:minor of the file, hex, as the kernel writes it
	Inode      uint64 // 0: no file
	// Path is the file's name as the kernel writes it (a newline is \012), without
	// DeletedMark where Deleted; or a name in brackets, such as [heap]; or "".
	Path    string
	Deleted bool
}

// ParseMapping reads one line of proc_pid_maps(5), without its newline:
//
//	562863096000-56286309c000 r-xp 00002000 fe:00 247278      /usr/bin/head
//
// The path is all that follows the spaces after the inode.
func ParseMapping(line string) (m Mapping, err error) {
	span, rest, _ := strings.Cut(line, " ")
	m.Perms, rest, _ = strings.Cut(rest, " ")
	offset, rest, _ := strings.Cut(rest, " ")
	m.Dev, rest, _ = strings.Cut(rest, " ")
	inode, path, _ := strings.Cut(rest, " ")
	start, end, _ := strings.Cut(span, "-")
	ok := len(m.Perms) == 4
	for _, n := range [...]struct {
		to   *uint64
		text string
		base int
	}{{&m.Start, start, 16}, {&m.End, end, 16}, {&m.Offset, offset, 16}, {&m.Inode, inode, 10}} {
		if *n.to, err = strconv.ParseUint(n.text, n.base, 64); err != nil {
			ok = false
		}
	}
	if !ok || m.End < m.Start {
		return Mapping{}, fmt.Errorf("maps: %.80q", line)
	}
	m.Path, m.Deleted = strings.CutSuffix(strings.TrimLeft(path, " "), DeletedMark)
	return m, nil
}

// Executable says whether the processor may run what is mapped.
func (m *Mapping) Executable() bool { return m.Perms[2] == 'x' }

// Writable says whether the process may write into it.
func (m *Mapping) Writable() bool { return m.Perms[1] == 'w' }

// Readable says whether the process may read it.
func (m *Mapping) Readable() bool { return m.Perms[0] == 'r' }

// Private says that what is written stays in the process (MAP_PRIVATE of mmap(2)).
func (m *Mapping) Private() bool { return m.Perms[3] == 'p' }

// ParseMappings reads the text of maps. Lines that are not understood are left
// out and counted; the first is the error.
func ParseMappings(text string) (out []Mapping, bad int, err error) {
	for line := range strings.Lines(text) {
		m, e := ParseMapping(strings.TrimSuffix(line, "\n"))
		if e != nil {
			if bad++; bad == 1 {
				err = e
			}
			continue
		}
		out = append(out, m)
	}
	return out, bad, err
}
