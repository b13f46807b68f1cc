package volatile

import (
	"strconv"
	"strings"

	"hozen/collector/jsonl"
)

// A ttyDriver is a line of /proc/tty/drivers (tty(4), drivers/tty/tty_io.c and
// fs/proc/proc_tty.c): name, path, major, a minor or a range of them, type.
type ttyDriver struct {
	path        string
	major       int64
	first, last int64
}

// parseTTYDrivers reads /proc/tty/drivers; lines of other forms are passed over.
func parseTTYDrivers(text string) []ttyDriver {
	var out []ttyDriver
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 5 {
			continue
		}
		// A name of several words is told by counting from the end.
		words = words[len(words)-4:]
		major, err := strconv.ParseInt(words[1], 10, 32)
		from, to, ranged := strings.Cut(words[2], "-")
		if !ranged {
			to = from
		}
		first, err1 := strconv.ParseInt(from, 10, 32)
		last, err2 := strconv.ParseInt(to, 10, 32)
		if err != nil || err1 != nil || err2 != nil || first > last || !strings.HasPrefix(words[0], "/") {
			continue
		}
		out = append(out, ttyDriver{path: words[0], major: major, first: first, last: last})
	}
	return out
}

// ttyOf reads tty_nr of proc_pid_stat(5): minor in bits 31-20 and 7-0, major in
// bits 15-8. It is nil for 0, no terminal.
func ttyOf(nr int64, drivers []ttyDriver) *TTY {
	if nr == 0 {
		return nil
	}
	u := uint32(nr)
	t := &TTY{Nr: nr, Major: int64(u >> 8 & 0xfff), Minor: int64(u&0xff | u>>12&0xfff00)}
	for _, d := range drivers {
		if d.major == t.Major && d.first <= t.Minor && t.Minor <= d.last {
			t.Name = jsonl.Text(d.name(t.Minor))
			break
		}
	}
	return t
}

// name is how devtmpfs calls the device: /dev/pts/3, /dev/tty1, /dev/ttyS0, /dev/console.
func (d ttyDriver) name(minor int64) string {
	switch {
	case d.path == "/dev/pts":
		return d.path + "/" + strconv.FormatInt(minor, 10)
	case d.path == "/dev/tty" && d.major == 4:
		return d.path + strconv.FormatInt(minor, 10) // virtual consoles count from 1
	case d.major == 5 || strings.HasSuffix(d.path, "/0"):
		return d.path // /dev/tty, /dev/console, /dev/ptmx, /dev/vc/0 are whole names
	}
	return d.path + strconv.FormatInt(minor-d.first, 10)
}
