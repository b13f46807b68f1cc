package volatile

import (
	"errors"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// Bounds of single reads: a line of sysfs has at most one page; the texts of
// /proc that are parsed are bounded by what any real machine has.
const (
	shortText = 64 << 10
	longText  = 8 << 20
	// maxProcNet bounds one table of /proc/net.
	maxProcNet = 64 << 20
)

// A factReader reads small texts of the kernel for the fields of a row. What is
// absent leaves the field empty; what is denied or fails is counted, and makes
// the table partial.
type factReader struct {
	h     *collector.Host
	tally evidence.Tally
}

// text gives a short file without its final newline.
func (r *factReader) text(name string) jsonl.Text {
	return jsonl.Text(strings.TrimSuffix(r.read(name, shortText), "\n"))
}

// long gives a longer one as it is.
func (r *factReader) long(name string) string { return r.read(name, longText) }

func (r *factReader) read(name string, limit int) string {
	b, err := r.h.ReadFile(name, limit)
	if errors.Is(err, collector.ErrTooLong) {
		err = evidence.Cut("%s: %v", name, err)
	}
	r.tally.Add(name, err)
	return string(b)
}

// mounts gives the mounts of our own namespace, as far as they are understood:
// the raw text is an item of its own.
func (r *factReader) mounts() []proc.Mount {
	mounts, _, _ := proc.ParseMounts(r.read("/proc/self/mountinfo", proc.MaxMountinfo))
	return mounts
}

// link gives the target of a symbolic link.
func (r *factReader) link(name string) jsonl.Text {
	target, err := r.h.Readlink(name)
	r.tally.Add(name, err)
	return jsonl.Text(target)
}

// names lists a directory, at most limit names of it.
func (r *factReader) names(dir string, limit int) []string {
	names, err := r.h.Names(dir)
	r.tally.Add(dir, err)
	if len(names) > limit {
		r.tally.Add(dir, evidence.Cut("%d of %d names", limit, len(names)))
		names = names[:limit]
	}
	return names
}

// exists says whether a file is there, without opening it.
func (r *factReader) exists(name string) bool {
	_, err := r.h.Lstat(name)
	return err == nil
}
