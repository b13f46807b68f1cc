package ioc

import (
	"errors"
	"io/fs"
	"strings"
	"sync"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
)

// A region is a mapping of a process with what is known of its pages.
type region struct {
	proc.Mapping
	usage proc.Usage
	known bool // usage is
}

func (r *region) row() *RegionRow {
	out := &RegionRow{Start: hexNumber(r.Start), End: hexNumber(r.End), Perms: r.Perms, Inode: r.Inode, Path: jsonl.Text(r.Path)}
	if r.Inode != 0 {
		out.Offset = hexNumber(r.Offset)
	}
	return out
}

// maxRegions is how many mappings of one process are looked at; the kernel's own
// limit is 65,530 (vm.max_map_count), unless it was raised.
const maxRegions = 1 << 18

var errManyRegions = errors.New("more mappings than the limit")

// regionsOf lists the mappings of a process: from smaps, which alone says what is
// a device, or from maps where the kernel was built without smaps.
func regionsOf(h *collector.Host, dir string) (out []region, err error) {
	f, err := h.Open(dir + "/smaps")
	if errors.Is(err, fs.ErrNotExist) {
		text, err := h.ReadFile(dir+"/maps", 64<<20)
		mappings, _, _ := proc.ParseMappings(string(text))
		for _, m := range mappings {
			out = append(out, region{Mapping: m})
		}
		return out, err
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	more := false
	err = proc.EachUsage(f, func(m proc.Mapping, u proc.Usage) bool {
		if len(out) == maxRegions {
			more = true
			return false
		}
		out = append(out, region{m, u, true})
		return true
	})
	if more {
		err = errManyRegions
	}
	return out, err
}

// readable says whether the region is memory that a look at does nothing to:
// not that of a device, and not what the kernel puts there for itself.
func (r *region) readable() bool {
	if !r.Readable() || r.usage.Device() {
		return false
	}
	path := r.Path
	switch {
	case r.Inode == 0:
		special := strings.HasPrefix(path, "[heap]") || strings.HasPrefix(path, "[stack") || strings.HasPrefix(path, "[anon") || path == "[vdso]"
		return path == "" || special
	case !strings.HasPrefix(path, "/"): // socket:[1], anon_inode:…
		return false
	case strings.HasPrefix(path, "/dev/"):
		return strings.HasPrefix(path, "/dev/shm/") || strings.HasPrefix(path, "/dev/hugepages/") || path == "/dev/zero"
	}
	return !strings.HasPrefix(path, "/sys/") && !strings.HasPrefix(path, "/proc/") && !strings.HasPrefix(path, "/dmabuf:")
}

// seenPages remembers which pages of which files were read, so that a library is
// not read once for every process that has it. It has a bound, behind which pages
// are read again. It is safe for concurrent use.
type seenPages struct {
	mu    sync.Mutex
	files map[string][]uint64 // a bit for each page, by device and inode
	words int
}

const (
	maxSeenWords = 16 << 20 / 8 * 4 // 64 MiB
	maxSeenPage  = 1 << 24          // of one file
)

// first says whether the page of a file is seen for the first time, and notes it.
func (s *seenPages) first(file string, page uint64) bool {
	if page >= maxSeenPage {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[string][]uint64{}
	}
	bits, word := s.files[file], int(page/64)
	if word >= len(bits) {
		more := word + 1 - len(bits)
		if s.words+more > maxSeenWords {
			return true
		}
		s.words += more
		bits = append(bits, make([]uint64, more)...)
		s.files[file] = bits
	}
	old := bits[word]
	bits[word] |= 1 << (page % 64)
	return old != bits[word]
}
