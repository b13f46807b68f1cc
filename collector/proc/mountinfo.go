package proc

import (
	"fmt"
	"strconv"
	"strings"

	"hozen/collector"
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
		return Mount{}, fmt.Errorf("mountinfo line %q: %d fields, no end of the optional ones", Clip(line), len(f))
	}
	m := Mount{
		Device: f[2], Root: UnescapeOctal(f[3]), Point: UnescapeOctal(f[4]), Options: f[5],
		Optional: f[6:dash:dash], Type: UnescapeOctal(f[dash+1]), Source: UnescapeOctal(f[dash+2]),
		Super: strings.Join(f[dash+3:], " "),
	}
	if !strings.Contains(m.Device, ":") || !strings.HasPrefix(m.Point, "/") {
		return Mount{}, fmt.Errorf("mountinfo line %q: no device or no absolute mount point", Clip(line))
	}
	var err error
	if m.ID, err = strconv.Atoi(f[0]); err != nil {
		return Mount{}, fmt.Errorf("mountinfo line %q: id: %w", Clip(line), err)
	}
	if m.Parent, err = strconv.Atoi(f[1]); err != nil {
		return Mount{}, fmt.Errorf("mountinfo line %q: parent: %w", Clip(line), err)
	}
	return m, nil
}

// MaxMountinfo bounds what is read of one mountinfo, and maxMounts what it may
// make us keep: the kernel's own limit is 100,000 mounts a namespace (fs.mount-max
// in Documentation/admin-guide/sysctl/fs.rst).
const (
	MaxMountinfo = 32 << 20
	maxMounts    = 200_000
)

// ParseMounts reads a whole mountinfo. Lines that are not understood, and those
// after maxMounts, are left out and counted; the first is the error.
func ParseMounts(text string) (mounts []Mount, bad int, err error) {
	for line := range strings.Lines(text) {
		var m Mount
		e := errManyMounts
		if len(mounts) < maxMounts {
			m, e = ParseMount(strings.TrimSuffix(line, "\n"))
		}
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

var errManyMounts = fmt.Errorf("mountinfo: more than %d mounts", maxMounts)

// OwnMountinfo reads that of our own mount namespace; on a fixture without one,
// that of process 1.
func OwnMountinfo(h *collector.Host) (text []byte, name string, err error) {
	name = "/proc/self/mountinfo"
	if text, err = h.ReadFile(name, MaxMountinfo); err != nil && !h.Live {
		name = "/proc/1/mountinfo"
		text, err = h.ReadFile(name, MaxMountinfo)
	}
	return text, name, err
}

// MountAt finds what is mounted where a clean absolute path lies: the mount with
// the longest point above it; of several on one point the last, which lies on top.
func MountAt(mounts []Mount, name string) (Mount, bool) {
	best, found := Mount{}, false
	for _, m := range mounts {
		if Under(name, m.Point) && (!found || len(m.Point) >= len(best.Point)) {
			best, found = m, true
		}
	}
	return best, found
}

// Under says whether name is dir or lies below it.
func Under(name, dir string) bool {
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(dir, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// Beneath says whether name lies strictly below dir.
func Beneath(name, dir string) bool { return name != dir && Under(name, dir) }
