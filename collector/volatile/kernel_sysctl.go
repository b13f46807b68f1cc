package volatile

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// SysctlRow is one readable file below /proc/sys, of our own network, mount,
// user and IPC namespace (Documentation/admin-guide/sysctl). Value is the text
// itself, without its final newline.
type SysctlRow struct {
	Kind  string     `json:"kind"` // "sysctl"
	Name  jsonl.Text `json:"name"` // path below /proc/sys
	Value jsonl.Text `json:"value"`
	Error jsonl.Text `json:"error,omitempty"` // why there is no value
}

// Bounds of the walk: a large router has some 30,000 sysctls.
const (
	maxSysctls     = 1 << 17
	maxSysctlDepth = 16
)

type sysctlWalk struct {
	r    factReader
	out  *jsonl.Writer
	shut map[string]bool // directories that must not be entered
}

// writeSysctls walks /proc/sys. It opens no file that cannot be read (writing
// ones trigger actions), not vm/stat_refresh (reading it makes every CPU flush
// its counters, admin-guide/sysctl/vm.rst), not kernel/random/uuid (each read
// makes a new one), and enters no automount that nothing is mounted on
// (fs/binfmt_misc under systemd): entering would mount it.
func writeSysctls(ctx context.Context, h *collector.Host, w io.Writer) error {
	s := &sysctlWalk{r: factReader{h: h}, out: jsonl.NewWriter(w), shut: automounts(h)}
	err := s.dir(ctx, "/proc/sys", 0)
	return fault.Join(s.out.Flush(), err, s.r.tally.Err())
}

// automounts gives the points where an autofs lies on top.
func automounts(h *collector.Host) map[string]bool {
	b, _ := h.ReadFile("/proc/self/mountinfo", proc.MaxMountinfo)
	mounts, _, _ := proc.ParseMounts(string(b))
	out := map[string]bool{}
	for _, m := range mounts {
		out[m.Point] = m.Type == "autofs"
	}
	return out
}

func (s *sysctlWalk) dir(ctx context.Context, dir string, depth int) error {
	for _, n := range s.r.names(dir, maxSysctls) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.out.Rows() >= maxSysctls {
			return evidence.Cut("more than %d sysctls", maxSysctls)
		}
		name := dir + "/" + n
		m, err := s.r.h.Lstat(name)
		if s.r.tally.Add(name, err) != nil {
			continue
		}
		switch m.Mode & evidence.ModeType {
		case evidence.ModeDir:
			if s.shut[name] || depth >= maxSysctlDepth {
				err = s.out.Row(SysctlRow{Kind: "sysctl", Name: short(name), Error: "not entered: an automount, or too deep"})
			} else {
				err = s.dir(ctx, name, depth+1)
			}
		case evidence.ModeRegular:
			err = s.file(name, m.Mode)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sysctlWalk) file(name string, mode uint32) error {
	row := SysctlRow{Kind: "sysctl", Name: short(name)}
	switch {
	case mode&0o444 == 0:
		row.Error = "not read: write-only"
	case slices.Contains([]string{"/proc/sys/vm/stat_refresh", "/proc/sys/kernel/random/uuid"}, name):
		row.Error = "not read: reading it changes something"
	default:
		b, err := s.r.h.ReadFile(name, shortText)
		row.Value = jsonl.Text(strings.TrimSuffix(string(b), "\n"))
		if err != nil {
			row.Error = jsonl.Text(err.Error())
			s.r.tally.Add(name, sysctlError(name, err))
		}
	}
	return s.out.Row(row)
}

// sysctlError tells a sysctl that has no value now from one that we failed to
// read: stable_secret gives EIO until it is set (Documentation/networking/ip-sysctl.rst),
// others answer EINVAL or ENODEV while their device is off.
func sysctlError(name string, err error) error {
	switch {
	case errors.Is(err, collector.ErrTooLong):
		return evidence.Cut("%v", err)
	case noValue(err):
		return evidence.NotHere("%s: no value: %v", name, err)
	}
	return err
}

func short(name string) jsonl.Text { return jsonl.Text(strings.TrimPrefix(name, "/proc/sys/")) }
