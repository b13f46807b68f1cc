package volatile

import (
	"fmt"
	"strconv"
	"strings"
)

// Mount is one line of /proc/PID/mountinfo, as proc_pid_mountinfo(5) lays it
// out: id, parent, major:minor, root, mount point, options, optional fields, a
// lone "-", type, source, super options.
type Mount struct {
	ID, Parent   int
	Device       string   // "major:minor"
	Root, Point  string   // octal escapes undone
	Options      string   // of this mount
	Optional     []string // "shared:1", "master:2", …
	Type, Source string
	Super        string // options of the file system
}

// ParseMount reads one line of mountinfo. The kernel escapes space, tab,
// newline, backslash and # in names (fs/proc_namespace.c), so that a line is a line.
func ParseMount(line string) (Mount, error) {
	f := strings.Split(line, " ")
	dash := -1
	for i := 6; i < len(f); i++ {
		if f[i] == "-" {
			dash = i
			break
		}
	}
	if dash < 0 || len(f) < dash+4 {
		return Mount{}, fmt.Errorf("mountinfo line %q: %d fields, no end of the optional ones", clip(line), len(f))
	}
	m := Mount{
		Device: f[2], Root: unescapeOctal(f[3]), Point: unescapeOctal(f[4]), Options: f[5],
		Optional: f[6:dash:dash], Type: unescapeOctal(f[dash+1]), Source: unescapeOctal(f[dash+2]),
		Super: strings.Join(f[dash+3:], " "),
	}
	var err error
	if m.ID, err = strconv.Atoi(f[0]); err != nil {
		return Mount{}, fmt.Errorf("mountinfo line %q: id: %w", clip(line), err)
	}
	if m.Parent, err = strconv.Atoi(f[1]); err != nil {
		return Mount{}, fmt.Errorf("mountinfo line %q: parent: %w", clip(line), err)
	}
	return m, nil
}

// ParseMounts reads a whole mountinfo. Lines that are not understood are left
// out and counted; the first is the error.
func ParseMounts(text string) (mounts []Mount, bad int, err error) {
	for line := range strings.Lines(text) {
		m, e := ParseMount(strings.TrimSuffix(line, "\n"))
		if e != nil {
			if bad++; bad == 1 {
				err = e
			}
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts, bad, err
}

// mountAt finds what is mounted where a clean absolute path lies: the mount with
// the longest point above it; of several on one point the last, which lies on top.
func mountAt(mounts []Mount, name string) (Mount, bool) {
	best, found := Mount{}, false
	for _, m := range mounts {
		if underPath(name, m.Point) && (!found || len(m.Point) >= len(best.Point)) {
			best, found = m, true
		}
	}
	return best, found
}

// underPath says whether name is dir or lies below it.
func underPath(name, dir string) bool {
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(dir, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// clip shortens text of the host that is quoted in an error.
func clip(s string) string {
	if len(s) > 120 {
		return s[:120] + "…"
	}
	return s
}

// unescapeOctal undoes \ooo as mangle_path (fs/seq_file.c) and /proc/swaps write it.
func unescapeOctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out = append(out, byte(v))
				i += 3
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}
