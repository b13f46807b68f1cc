package ioc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/collector/section"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Searched is a row of memory/ioc/searched.jsonl: what of the memory of one
// process was searched, in bytes, and what was not.
type Searched struct {
	Process memory.Subject `json:"process"`
	// Outcome is "searched", "left out", "ended" (before or meanwhile), "denied",
	// "partial" or "failed"; Note says why, where it is not the first.
	Outcome string     `json:"outcome"`
	Note    jsonl.Text `json:"note,omitempty"`
	Regions int        `json:"regions"` // readable mappings
	Read    uint64     `json:"read"`
	// Known was passed over: pages of files that were read in another process.
	Known uint64 `json:"known,omitempty"`
	// Absent is not in RAM and not in swap: never touched, or to be read from the file.
	Absent uint64 `json:"absent,omitempty"`
	// Swapped is in swap; reading it would have brought it into RAM.
	Swapped uint64 `json:"swapped,omitempty"`
	// Device is memory of devices and of the kernel, which is never read.
	Device uint64 `json:"device,omitempty"`
	// Unreadable was mapped, but the kernel gave nothing.
	Unreadable uint64 `json:"unreadable,omitempty"`
}

// A memorySearch goes through the memory of processes, one after another.
type memorySearch struct {
	search *Search
	host   *collector.Host
	seen   *seenPages
	pulse  pulse
	stream stream
	states []proc.PageState
	buf    []byte

	// of the process and the region that is being read:
	row    Searched
	mem    *proc.Memory
	region *region
	fresh  []span // what was read for the first time, the last of it
}

// A span is a range of addresses, end not included.
type span struct{ start, end uint64 }

const (
	pagesAtOnce = 4 << 10 // of which the state is asked for at once
	readAtOnce  = 1 << 20 // bytes
	maxPages    = 1 << 30 // of one region of which the state is asked for: 4 TiB
)

func newMemorySearch(s *Search, h *collector.Host, seen *seenPages) *memorySearch {
	m := &memorySearch{search: s, host: h, seen: seen, states: make([]proc.PageState, pagesAtOnce), buf: make([]byte, readAtOnce)}
	m.stream = stream{m: s.bytes, hit: m.hit}
	return m
}

// process searches one process, and gives what became of it.
func (m *memorySearch) process(ctx context.Context, pid int) (Searched, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	m.row = Searched{Process: memory.Subject{PID: pid}}
	stat, err := proc.ReadStat(m.host, dir)
	if err != nil {
		return m.ended(err)
	}
	m.row.Process.StartTicks, m.row.Process.Comm = stat.Start(), jsonl.Text(stat.Comm)
	if exe, err := m.host.Readlink(dir + "/exe"); err == nil {
		m.row.Process.Exe = jsonl.Text(exe)
	}
	if st, err := m.host.Lstat(dir); err == nil {
		m.row.Process.UID = new(st.UID)
	}
	switch {
	case m.host.Live && pid == os.Getpid():
		m.row.Outcome, m.row.Note = "left out", "this program: its memory holds the lists"
		return m.row, nil
	case stat.KernelThread():
		m.row.Outcome, m.row.Note = "left out", "a kernel thread has no memory of its own"
		return m.row, nil
	case stat.State == "Z" || stat.State == "X":
		m.row.Outcome, m.row.Note = "ended", "a zombie has no memory any longer"
		return m.row, nil
	}
	if m.mem, err = proc.OpenMemory(m.host, pid); err != nil {
		return m.ended(err)
	}
	defer m.mem.Close()
	regions, listErr := regionsOf(m.host, dir)
	m.pulse.beat()
	if again, err := proc.ReadStat(m.host, dir); err != nil || again.Start() != stat.Start() {
		return m.ended(fault.Join(err, proc.ErrEnded))
	}
	err = m.regions(ctx, regions)
	return m.ended(fault.Join(listErr, err))
}

// ended completes the row with how the search of the process ended. The error is
// given back for the tally of all, but for a process that only ended.
func (m *memorySearch) ended(err error) (Searched, error) {
	if err == nil {
		m.row.Outcome = "searched"
		return m.row, nil
	}
	m.row.Note = jsonl.Text(section.Because(err))
	switch o, _, _ := evidence.Classify(err, 0); {
	case errors.Is(err, proc.ErrEnded) || o == evidence.Absent:
		m.row.Outcome = "ended"
		return m.row, nil
	case m.row.Read > 0:
		m.row.Outcome = "partial"
	default:
		m.row.Outcome = o.String()
	}
	return m.row, err
}

func (m *memorySearch) regions(ctx context.Context, regions []region) error {
	var cut error
	for i := range regions {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r := &regions[i]
		size := r.End - r.Start
		switch {
		case !r.Readable():
			continue
		case !r.readable():
			m.row.Device += size
			continue
		}
		m.row.Regions++
		if r.known && r.usage.RSS == 0 {
			m.row.Swapped += r.usage.Swap
			m.row.Absent += size - min(size, r.usage.Swap)
			continue
		}
		m.region, m.fresh = r, m.fresh[:0]
		err := m.pages(ctx)
		m.stream.end()
		if errors.Is(err, errLargeRegion) {
			cut = err
			continue
		}
		if err != nil {
			return err
		}
	}
	return cut
}

var errLargeRegion = fmt.Errorf("a mapping of more than %d GiB: searched up to there", maxPages>>18)

var errAbandoned = errors.New("left behind")

var errNoPagemap = errors.New("not searched: without pagemap (CONFIG_PROC_PAGE_MONITOR) reading would bring pages in from disk")

// pages reads those pages of a region that are there and were not read before.
func (m *memorySearch) pages(ctx context.Context) error {
	page := m.mem.PageSize()
	end := m.region.End
	if (end-m.region.Start)/page > maxPages {
		end = m.region.Start + maxPages*page
	}
	var present uint64
	for at := m.region.Start; at < end; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		states := m.states[:min(uint64(len(m.states)), (end-at+page-1)/page)]
		n, err := m.mem.Pagemap(states, at)
		if m.pulse.beat(); m.pulse.abandoned.Load() {
			return errAbandoned
		}
		if errors.Is(err, fs.ErrNotExist) {
			return errNoPagemap
		}
		if n == 0 && err != nil {
			return err
		}
		present += m.count(states[:n])
		if err := m.read(states[:n], at); err != nil {
			return err
		}
		at += uint64(n) * page
		if m.region.known && present >= m.region.usage.RSS && m.region.usage.Swap == 0 {
			m.row.Absent += m.region.End - min(at, m.region.End)
			return nil // nothing more is there, or what came meanwhile
		}
	}
	if end < m.region.End {
		return errLargeRegion
	}
	return nil
}

// count adds up what is not there, and gives the bytes that are.
func (m *memorySearch) count(states []proc.PageState) (present uint64) {
	page := m.mem.PageSize()
	for _, s := range states {
		switch {
		case s.Present():
			present += page
		case s.Swapped():
			m.row.Swapped += page
		default:
			m.row.Absent += page
		}
	}
	return present
}

// read reads pages: those that are new, and beside each the one before and after
// it, if it is there, for a hit may begin or end in that.
func (m *memorySearch) read(states []proc.PageState, at uint64) error {
	page := m.mem.PageSize()
	fresh := make([]bool, len(states))
	for i, s := range states {
		fresh[i] = s.Present() && (!s.Shared() || m.region.Inode == 0 || m.first(at+uint64(i)*page))
	}
	for i := 0; i < len(states); {
		wanted := func(i int) bool {
			return fresh[i] || states[i].Present() && (i > 0 && fresh[i-1] || i+1 < len(fresh) && fresh[i+1])
		}
		if !wanted(i) {
			if states[i].Present() {
				m.row.Known += page
			}
			i++
			continue
		}
		from := i
		for ; i < len(states) && wanted(i); i++ {
			if fresh[i] {
				m.isFresh(at+uint64(i)*page, page)
			}
		}
		if err := m.run(at+uint64(from)*page, at+uint64(i)*page); err != nil {
			return err
		}
	}
	return nil
}

// first says whether the page at an address, which is one of a file, is read for
// the first time in this collection.
func (m *memorySearch) first(addr uint64) bool {
	r := m.region
	file := r.Dev + ":" + strconv.FormatUint(r.Inode, 10)
	return m.seen.first(file, (r.Offset+addr-r.Start)/m.mem.PageSize())
}

// isFresh notes a fresh page. Hits come at most one buffer later: older spans are dropped.
func (m *memorySearch) isFresh(addr, size uint64) {
	if n := len(m.fresh); n > 0 && m.fresh[n-1].end == addr {
		m.fresh[n-1].end += size
		return
	}
	const most = 8 << 10
	if len(m.fresh) == 2*most {
		m.fresh = m.fresh[:copy(m.fresh, m.fresh[most:])]
	}
	m.fresh = append(m.fresh, span{addr, addr + size})
}

// run reads a range of pages, and goes on behind those that cannot be read.
func (m *memorySearch) run(at, end uint64) error {
	page := m.mem.PageSize()
	if uint64(m.stream.next()) != at {
		m.stream.end()
		m.stream.begin(int64(at))
	}
	for at < end {
		b := m.buf[:min(uint64(len(m.buf)), end-at)]
		n, err := m.mem.ReadAt(b, at)
		if m.pulse.beat(); m.pulse.abandoned.Load() {
			return errAbandoned
		}
		m.row.Read += uint64(n)
		m.stream.write(b[:n])
		at += uint64(n)
		switch {
		case errors.Is(err, proc.ErrUnreadable):
			next := (at/page + 1) * page
			m.row.Unreadable += next - at
			at = next
			m.stream.end()
			m.stream.begin(int64(at))
		case err != nil:
			return err
		}
	}
	return nil
}

// hit keeps a hit in the memory of the process.
func (m *memorySearch) hit(f Found, b []byte, base int64) {
	start, end := uint64(base)+uint64(f.Start), uint64(base)+uint64(f.End)
	if m.pulse.abandoned.Load() || !m.touchesFresh(start, end) {
		return // or it was found in another process that has the same file
	}
	place := fmt.Sprintf("pid %d %d", m.row.Process.PID, m.row.Process.StartTicks)
	m.search.hits.add(&m.search.indicators[f.Indicator], f.Indicator, place, func(h *Hit) {
		subject := m.row.Process
		h.In, h.Form, h.Process, h.Region, h.Address = "memory", f.Form, &subject, m.region.row(), hexNumber(start)
		h.around(b, f.Start, f.End)
	})
}

func (m *memorySearch) touchesFresh(start, end uint64) bool {
	for i := len(m.fresh) - 1; i >= 0; i-- {
		if s := m.fresh[i]; s.start < end && start < s.end {
			return true
		}
	}
	return false
}
