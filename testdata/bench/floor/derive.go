//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// The lines of strace -f -y: a thread, a call, its arguments, its result with
// the path that the kernel gives the new descriptor.
var (
	call     = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<(.*)>(?:\(deleted\))?)?`)
	dirArg   = regexp.MustCompile(`^(?:AT_FDCWD|-?\d+)(?:<((?:[^>\\]|\\.)*)>)?(?:\(deleted\))?, "((?:[^"\\]|\\.)*)"`)
	firstArg = regexp.MustCompile(`^"((?:[^"\\]|\\.)*)"`)
	fdArg    = regexp.MustCompile(`^\d+<((?:[^>\\]|\\.)*)>`)
	split    = regexp.MustCompile(`^(\d+) +<\.\.\. \w+ resumed>(.*)$`)
)

// deriver turns a trace into a list. What an O_PATH handle names is remembered,
// because the file is then opened through /proc/self/fd/N.
type deriver struct {
	outdir string
	asked  map[string]string // the path that an O_PATH descriptor was asked for, by its number
	begun  map[string]string // a call that strace printed in two halves, by thread
	inodes map[[2]uint64]bool
	gone   map[string]bool // /proc/PID that is no more: the traced program's own, say
	spaces map[uint64]bool // network namespaces on the list, each once
	out    io.Writer
}

func derive(trace io.Reader, outdir string, out io.Writer) error {
	outdir, err := filepath.Abs(outdir)
	if err != nil {
		return err
	}
	d := &deriver{
		outdir: outdir, out: out,
		asked: map[string]string{}, begun: map[string]string{},
		inodes: map[[2]uint64]bool{}, gone: map[string]bool{}, spaces: map[uint64]bool{},
	}
	lines := bufio.NewScanner(trace)
	lines.Buffer(nil, 1<<20)
	d.space("/proc/self/ns/net", "")
	for lines.Scan() {
		d.line(lines.Text())
	}
	return lines.Err()
}

func (d *deriver) line(s string) {
	if head, ok := strings.CutSuffix(s, " <unfinished ...>"); ok {
		thread, _, _ := strings.Cut(s, " ")
		d.begun[thread] = head
		return
	}
	if m := split.FindStringSubmatch(s); m != nil {
		s = d.begun[m[1]] + m[2]
	}
	m := call.FindStringSubmatch(s)
	if m == nil {
		return
	}
	name, args, result, path := m[2], m[3], m[4], unescape(m[5])
	switch name {
	case "openat", "openat2":
		d.open(args, result, path)
	case "readlinkat", "readlink":
		d.entry(opLink, target(args))
	case "statx", "newfstatat":
		d.entry(opStat, target(args))
	case "setns":
		if f := fdArg.FindStringSubmatch(args); f != nil && strings.HasPrefix(f[1], "net:") {
			d.netns(args)
		} else if f != nil && strings.HasSuffix(f[1], "/ns/net") {
			d.space(f[1], f[1])
		}
	case "syslog":
		if strings.Contains(args, "READ_ALL") {
			d.entry(opLog, "-")
		}
	}
}

// netns finds the name under which the namespace was opened, because -y shows
// a descriptor of one as net:[N].
func (d *deriver) netns(args string) {
	number, _, _ := strings.Cut(args, "<")
	if p := d.asked[number]; p != "" {
		d.space(p, p)
	}
}

// space lists a namespace once, however often it was entered.
func (d *deriver) space(name, entry string) {
	var st syscall.Stat_t
	if syscall.Stat(name, &st) == nil && !d.spaces[st.Ino] {
		d.spaces[st.Ino] = true
		d.entry(opSpace, entry)
	}
}

func (d *deriver) open(args, fd, path string) {
	wanted := target(args)
	if strings.HasPrefix(fd, "-") {
		// A file that is not there costs a call all the same.
		d.entry(opFile, wanted)
		return
	}
	if n, ok := strings.CutPrefix(wanted, "/proc/self/fd/"); ok && d.asked[n] != "" {
		wanted = d.asked[n]
	}
	d.asked[fd] = wanted
	switch {
	case strings.Contains(args, "O_PATH"), strings.Contains(args, "O_WRONLY"), strings.Contains(args, "O_RDWR"):
	case strings.HasPrefix(path, "net:["), strings.HasPrefix(path, "mnt:["):
	case strings.Contains(args, "O_DIRECTORY"):
		d.entry(opDir, wanted)
	default:
		var st syscall.Stat_t
		if syscall.Stat(wanted, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFDIR {
			d.entry(opDir, wanted)
			return
		}
		d.file(wanted, path, &st)
	}
}

// file leaves out an ordinary file that is already on the list under another
// name; files of /proc and /sys are read as often as they were.
func (d *deriver) file(wanted, path string, st *syscall.Stat_t) {
	if !strings.HasPrefix(path, "/proc/") && !strings.HasPrefix(path, "/sys/") {
		id := [2]uint64{st.Dev, st.Ino}
		if st.Ino != 0 && d.inodes[id] {
			return
		}
		d.inodes[id] = true
	}
	d.entry(opFile, wanted)
}

func (d *deriver) entry(op byte, path string) {
	if path == "" && op != opSpace || strings.HasPrefix(path, d.outdir) || strings.Contains(path, "\x00") {
		return
	}
	if rest, ok := strings.CutPrefix(path, "/proc/"); ok {
		pid, _, _ := strings.Cut(rest, "/")
		if _, err := strconv.Atoi(pid); err == nil && d.isGone(pid) {
			return
		}
	}
	fmt.Fprintf(d.out, "%c%s\x00", op, path)
}

func (d *deriver) isGone(pid string) bool {
	gone, known := d.gone[pid]
	if !known {
		_, err := os.Lstat("/proc/" + pid)
		gone = err != nil
		d.gone[pid] = gone
	}
	return gone
}

// target is the path that a call names: absolute, or relative to its directory
// descriptor; "" for the descriptor itself.
func target(args string) string {
	if m := firstArg.FindStringSubmatch(args); m != nil {
		return unescape(m[1])
	}
	m := dirArg.FindStringSubmatch(args)
	if m == nil || m[2] == "" {
		return ""
	}
	name := unescape(m[2])
	if !strings.HasPrefix(name, "/") {
		name = unescape(m[1]) + "/" + name
	}
	return name
}

// unescape undoes strace's C string: \n \t \v \f \r \" \\ and octal.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if at := strings.IndexByte("ntvfr", s[i]); at >= 0 {
			b.WriteByte("\n\t\v\f\r"[at])
			continue
		}
		end := i
		for end < len(s) && end < i+3 && s[end] >= '0' && s[end] <= '7' {
			end++
		}
		if v, err := strconv.ParseUint(s[i:end], 8, 8); err == nil {
			b.WriteByte(byte(v))
			i = end - 1
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
