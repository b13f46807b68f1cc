package indicators

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/proc"
)

// base is what the checks share of the host; each part is read when it is first
// asked for. It is safe for concurrent use.
type base struct {
	mounts func() []proc.Mount
	boot   func() (time.Time, bool)
	mntNS  func() string
	// installed remembers which files are installed software.
	installed installedFiles
}

func newBase(h *collector.Host) *base {
	return &base{
		mounts: sync.OnceValue(func() []proc.Mount {
			text, _, _ := proc.OwnMountinfo(h)
			mounts, _, _ := proc.ParseMounts(string(text))
			return mounts
		}),
		boot: sync.OnceValues(func() (time.Time, bool) { return bootTime(h) }),
		mntNS: sync.OnceValue(func() string {
			link, _ := h.Readlink("/proc/self/ns/mnt")
			return link
		}),
	}
}

// bootTime reads the line btime of /proc/stat: seconds since 1970, rounded down.
func bootTime(h *collector.Host) (time.Time, bool) {
	text, _ := h.ReadFile("/proc/stat", 16<<20)
	for line := range strings.Lines(string(text)) {
		if word, ok := strings.CutPrefix(line, "btime "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
			return time.Unix(n, 0), err == nil
		}
	}
	return time.Time{}, false
}

// userHZ is the number of ticks a second in which proc_pid_stat(5) counts; it is
// 100 on every machine that Linux and Go share.
const userHZ = 100

// began gives the wall time of a start in ticks, up to clockMargin too early.
func (s *survey) began(ticks uint64) (time.Time, bool) {
	boot, ok := s.base.boot()
	if !ok || ticks == 0 || ticks/userHZ > 1<<33 {
		return time.Time{}, false
	}
	return boot.Add(time.Duration(ticks/userHZ) * time.Second), true
}

// mounts gives those of our own mount namespace.
func (s *survey) mounts() []proc.Mount { return s.base.mounts() }
