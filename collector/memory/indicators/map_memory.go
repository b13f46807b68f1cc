package indicators

import (
	"errors"
	"os"

	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// Bounds of what is looked at in one process.
const (
	mapAreas     = 512     // areas
	mapReadPages = 1 << 11 // pages read by one part of the look
	mapHeadPages = 64      // of them, of one area
	mapStates    = 1 << 20 // pages of which the state is asked: 4 GiB of addresses
	mapBatch     = 1 << 12 // states asked at once
	mapProofs    = 8       // pages that one finding shows
	mapRegions   = 256     // regions that one finding names for contents
)

// mapPages reads pages of one process, and asks for their states, within bounds.
// It is opened by the first use.
type mapPages struct {
	p       *process
	mem     *proc.Memory
	err     error
	budget  int // pages that may still be read
	asked   int // states asked for
	states  []proc.PageState
	scratch []byte
}

// open says whether there is memory to read. Why not is noted once.
func (r *mapPages) open() bool {
	if r.mem == nil && r.err == nil {
		r.mem, r.err = proc.OpenMemory(r.p.host, r.p.pid)
		r.failed(r.err)
	}
	return r.err == nil
}

// failed notes an error and ends the reading of this process's memory; that the
// process has ended is ordinary.
func (r *mapPages) failed(err error) {
	if err == nil {
		return
	}
	if r.err = err; !errors.Is(err, proc.ErrEnded) {
		r.p.note("mem", err)
	}
}

func (r *mapPages) close() {
	if r.mem != nil {
		r.mem.Close()
	}
}

func (r *mapPages) pageSize() uint64 { return uint64(os.Getpagesize()) }

// each gives the states of the pages from start to end, in batches, until f says
// false; at is the address of the first page of a batch. The states are valid
// until f returns.
func (r *mapPages) each(start, end uint64, f func(at uint64, states []proc.PageState) bool) {
	if !r.open() {
		return
	}
	if r.states == nil {
		r.states = make([]proc.PageState, mapBatch)
	}
	for at := start; at < end && r.p.ctx.Err() == nil; {
		n := int(min((end-at)/r.pageSize(), mapBatch))
		if n == 0 {
			return
		}
		if r.asked += n; r.asked > mapStates {
			r.failed(evidence.Cut("more than %d pages: the rest was not looked at", mapStates))
			return
		}
		n, err := r.mem.Pagemap(r.states[:n], at)
		if n > 0 && !f(at, r.states[:n]) {
			return
		}
		if err != nil {
			r.failed(err)
			return
		}
		at += uint64(n) * r.pageSize()
	}
}

// read reads a resident page into scratch; nil where it is gone, or the bound is
// reached. It is valid until the next read.
func (r *mapPages) read(at uint64) []byte {
	if r.budget <= 0 || !r.open() {
		return nil
	}
	r.budget--
	if r.scratch == nil {
		r.scratch = make([]byte, r.pageSize())
	}
	n, err := r.mem.ReadAt(r.scratch, at)
	if errors.Is(err, proc.ErrEnded) {
		r.failed(err)
	}
	if n < len(r.scratch) {
		return nil
	}
	return r.scratch
}

// look counts the pages of an area, keeps the first that is there, and looks for
// heads of programs.
func (r *mapPages) look(a *mapArea) {
	left := mapHeadPages
	r.each(a.start, a.end, func(at uint64, states []proc.PageState) bool {
		for i, s := range states {
			if s.Swapped() {
				a.swapped++
			}
			if !s.Present() {
				continue
			}
			a.resident++
			if left == 0 {
				continue
			}
			page := r.read(at + uint64(i)*r.pageSize())
			if page == nil {
				continue
			}
			left--
			if a.head == nil {
				a.headAt, a.head = at+uint64(i)*r.pageSize(), append([]byte(nil), page[:min(len(page), 4<<10)]...)
			}
			if a.kind != areaDeleted && programHead(page) != "" {
				a.heads = append(a.heads, at+uint64(i)*r.pageSize())
			}
		}
		return true
	})
}

// resident says whether the page at an address is in RAM.
func (r *mapPages) resident(at uint64) (yes bool) {
	if !r.open() {
		return false
	}
	one := [1]proc.PageState{}
	n, err := r.mem.Pagemap(one[:], at)
	if err != nil {
		r.failed(err)
	}
	return n == 1 && one[0].Present()
}
