package ram

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hozen/packager/evidence/sorting"
)

const (
	iomemName = "/proc/iomem"
	maxIomem  = 8 << 20
	// maxResources bounds the lines that are understood; machines have hundreds.
	maxResources = 1 << 16
	// maxPhysical is the end of what any machine of today can address: 52 bits.
	maxPhysical = 1 << 52
)

// A span is a range of physical addresses; end is the first address behind it.
type span struct{ start, end uint64 }

func (s span) size() uint64 { return s.end - s.start }

// A resource is a line of /proc/iomem.
type resource struct {
	span
	depth int
	name  string
}

// An iomem is what /proc/iomem says (kernel/resource.c, r_show): lines
// "start-end : name" in hex, the end included, two spaces of indent a level.
type iomem struct {
	ram    []resource // outermost "System RAM", ascending, apart from each other
	other  []resource // outermost others
	code   uint64     // where the kernel's code begins; 0 if unknown
	hidden bool       // the kernel wrote zeros instead of addresses
	odd    int        // lines that were not understood, or contradict another
	oddest string     // the first of them
}

// parseIomem reads the text; whatever it says, the ranges that it gives ascend,
// do not overlap, and end below maxPhysical.
func parseIomem(text string) (m iomem) {
	lines, shown := 0, false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if lines++; lines > maxResources {
			m.strange("more than %d lines", maxResources)
			break
		}
		r, err := parseResource(line)
		if err != nil {
			m.strange("line %d: %v", lines, err)
			continue
		}
		shown = shown || r.end > 1
		switch {
		case r.name == "Kernel code" && m.code == 0:
			m.code = r.start
		case isRAM(r.name):
			m.ram = append(m.ram, r)
		case r.depth == 0:
			m.other = append(m.other, r)
		}
	}
	if m.hidden = !shown && len(m.ram)+len(m.other) > 0; m.hidden {
		m.ram, m.other, m.code = nil, nil, 0
	}
	m.ram = m.apart(m.ram)
	return m
}

// isRAM knows the kernel's names of memory that it uses as such: "System RAM",
// and hot-added "System RAM (kmem)", "System RAM (virtio_mem)".
func isRAM(name string) bool { return name == "System RAM" || strings.HasPrefix(name, "System RAM (") }

func parseResource(line string) (r resource, err error) {
	bare := strings.TrimLeft(line, " ")
	r.depth = (len(line) - len(bare)) / 2
	addresses, name, ok := strings.Cut(bare, " : ")
	first, last, dash := strings.Cut(addresses, "-")
	if !ok || !dash {
		return r, fmt.Errorf("%.80q is no range", line)
	}
	if r.start, err = strconv.ParseUint(first, 16, 64); err == nil {
		r.end, err = strconv.ParseUint(last, 16, 64)
	}
	if err != nil || r.end < r.start {
		return r, fmt.Errorf("%.80q is no range", line)
	}
	r.name = name
	if r.end >= maxPhysical {
		return r, fmt.Errorf("%.80q reaches beyond %#x", line, uint64(maxPhysical))
	}
	r.end++
	return r, nil
}

// apart sorts ranges and takes from each what an earlier one has already.
func (m *iomem) apart(in []resource) (out []resource) {
	sorting.By(in, func(a, b resource) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(a.depth, b.depth))
	})
	covered := uint64(0)
	for _, r := range in {
		if r.start < covered {
			m.strange("%q at %#x lies in another range of RAM", r.name, r.start)
			r.start = covered
		}
		if r.start < r.end {
			out = append(out, r)
			covered = r.end
		}
	}
	return out
}

func (m *iomem) strange(format string, a ...any) {
	if m.odd++; m.odd == 1 {
		m.oddest = fmt.Sprintf(format, a...)
	}
}

// without gives the parts of s that none of the ascending ranges has.
func without(s span, ranges []resource) (out []span) {
	i, _ := slices.BinarySearchFunc(ranges, s.start, func(r resource, at uint64) int { return cmp.Compare(r.end, at+1) })
	for ; i < len(ranges) && ranges[i].start < s.end; i++ {
		if s.start < ranges[i].start {
			out = append(out, span{s.start, ranges[i].start})
		}
		s.start = max(s.start, ranges[i].end)
	}
	if s.start < s.end {
		out = append(out, s)
	}
	return out
}
