package volatile

import (
	"math/bits"
	"time"

	"hozen/collector"
	"hozen/packager/evidence"
)

// TemporaryLimits bounds what the collector temporary takes of contents. Rows
// are never left out for them.
//
// A file counts with its size, or, where it is sparse and larger than PerFile,
// with what it occupies. When Total does not suffice, the smallest files are
// taken first: that loses the fewest files, and what an intruder leaves in
// memory (scripts, keys, sockets' configuration, dropped programs) is small
// beside the caches and databases that fill a tmpfs.
type TemporaryLimits struct {
	PerFile int64 // bytes of one file; the zero value means 64 MiB
	Total   int64 // bytes of all files; the zero value means 1 GiB
	Victims int   // how many files over a limit get an own record; the zero value means 10,000
}

func (l TemporaryLimits) orDefault() TemporaryLimits {
	if l.PerFile <= 0 {
		l.PerFile = 64 << 20
	}
	if l.Total <= 0 {
		l.Total = 1 << 30
	}
	if l.Victims <= 0 {
		l.Victims = 10_000
	}
	return l
}

// estimate goes by Shmem of proc_meminfo(5): the memory in tmpfs and in shared
// memory. ramfs is not counted there.
func (l TemporaryLimits) estimate(h *collector.Host) collector.Estimate {
	text, _ := h.ReadFile("/proc/meminfo", longText) // without it there is no estimate
	bytes := min(parseMemInfo(string(text))["Shmem"], l.Total)
	return collector.Estimate{Time: time.Duration(bytes) * 6, Bytes: bytes} // some 170 MB/s
}

// cost is what a file counts for the limits.
func (l TemporaryLimits) cost(m *evidence.FileMeta) int64 {
	if m.Size > l.PerFile {
		return min(m.Size, m.Blocks*512)
	}
	return m.Size
}

// sparse says whether the file is written as its data extents only.
func (l TemporaryLimits) sparse(m *evidence.FileMeta) bool {
	return m.Size > l.PerFile && m.Blocks*512 <= l.PerFile
}

// sizeClasses counts bytes by size class, in constant memory: eight classes for
// each power of two.
type sizeClasses [64 * 8]int64

// class puts sizes into classes such that a larger size never has a smaller class.
func class(size int64) int {
	if size < 16 {
		return int(max(size, 0))
	}
	n := bits.Len64(uint64(size)) // at least 5
	return n*8 + int(size>>(n-4))&7
}

// add counts one file that passes the limit for one file.
func (c *sizeClasses) add(cost int64) { c[class(cost)] += cost }

// quota decides, file by file, who is taken: every file of a class that fits as
// a whole together with all smaller ones, then files of the next class as long
// as there is room.
type quota struct {
	limits TemporaryLimits
	whole  int   // classes below this one are taken entirely
	spare  int64 // for the files of class whole
}

func newQuota(l TemporaryLimits, c *sizeClasses) *quota {
	q := &quota{limits: l, spare: l.Total, whole: len(c)}
	for i, n := range c {
		if n > q.spare {
			q.whole = i
			break
		}
		q.spare -= n
	}
	return q
}

// refuse gives the reason why a file's contents are not taken, or "".
func (q *quota) refuse(m *evidence.FileMeta) string {
	cost := q.limits.cost(m)
	if cost > q.limits.PerFile {
		return "limit for one file"
	}
	switch k := class(cost); {
	case k < q.whole:
		return ""
	case k == q.whole && cost <= q.spare:
		q.spare -= cost
		return ""
	}
	return "limit for all files (the smallest are taken first)"
}
