package volatile

import (
	"fmt"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
)

// parseMapLine reads one line of proc_pid_maps(5), without its newline:
//
//	562863096000-56286309c000 r-xp 00002000 fe:00 247278      /usr/bin/head
//
// The path is all that follows the spaces after the inode; the kernel writes a
// newline in it as \012 and appends " (deleted)" where the name is gone.
func parseMapLine(line string) (m Map, err error) {
	span, rest, _ := strings.Cut(line, " ")
	perms, rest, _ := strings.Cut(rest, " ")
	offset, rest, _ := strings.Cut(rest, " ")
	dev, rest, _ := strings.Cut(rest, " ")
	inode, path, _ := strings.Cut(rest, " ")
	start, end, ok := strings.Cut(span, "-")
	m.Inode, err = strconv.ParseUint(inode, 10, 64)
	if err != nil || !ok || len(perms) != 4 || !proc.IsHex(start, 1) || !proc.IsHex(end, 1) || !proc.IsHex(offset, 1) || printable(perms+dev) == "" {
		return m, fmt.Errorf("maps: %.80q", line)
	}
	m.Start, m.End, m.Perms, m.Offset, m.Dev = start, end, perms, offset, dev
	path = strings.TrimLeft(path, " ")
	path, m.Deleted = strings.CutSuffix(path, proc.DeletedMark)
	m.Path = jsonl.Text(path)
	return m, nil
}

// fillFDInfo takes proc_pid_fdinfo(5) into a row.
func fillFDInfo(f *File, text string) {
	proc.EachLine(text, func(key, value string) {
		switch key {
		case "pos":
			f.Pos = procNumber(value)
		case "flags":
			f.Flags = printable(value)
		case "mnt_id":
			f.MountID = procNumber(value)
		case "ino":
			f.Inode = uint64(procNumber(value))
		}
	})
}
