package contents

import (
	"context"
	"errors"
	"fmt"
	"io"

	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A gap says what of a range was written, and what of that is zeros.
type gap struct{ written, unreadable, untouched int64 }

func (g *gap) add(o gap) {
	g.written += o.written
	g.unreadable += o.unreadable
	g.untouched += o.untouched
}

// piece is how much memory is read at once.
const piece = 1 << 20

// copyMemory writes the bytes from start to end. Pages that cannot be read are
// zeros, so that what follows keeps its place; that is an evidence.Gone, for the
// process may have given them back meanwhile. Pages that are not resident are
// zeros too, and are not read, for reading would bring them in.
func (t *taking) copyMemory(w io.Writer, mem *proc.Memory, start, end uint64) (gap, error) {
	var got gap
	buf := make([]byte, min(piece, end-start))
	for at := start; at < end; {
		if t.ctx.Err() != nil {
			return got, context.Cause(t.ctx)
		}
		b := buf[:min(uint64(len(buf)), end-at)]
		untouched := absent(mem, b, at)
		bad, err := fillTouched(mem, b, at, untouched)
		if _, werr := w.Write(b); werr != nil {
			return got, werr
		}
		at += uint64(len(b))
		part := gap{written: int64(len(b)), unreadable: bad}
		for _, r := range untouched {
			part.untouched += int64(r.to - r.from)
		}
		if got.add(part); err != nil {
			return got, err
		}
	}
	if got.unreadable > 0 {
		return got, evidence.Gone("%d of %d bytes could not be read, and are zeros", got.unreadable, got.written)
	}
	return got, nil
}

// A run is a part of a buffer, from one index to another.
type run struct{ from, to int }

// absent gives the parts of b, which begins at addr, of which no page is resident
// or in swap. Where that cannot be told there are none.
func absent(mem *proc.Memory, b []byte, addr uint64) (out []run) {
	page := mem.PageSize()
	first := addr / page * page
	states := make([]proc.PageState, (addr+uint64(len(b))-first+page-1)/page)
	n, _ := mem.Pagemap(states, first)
	for i, s := range states[:n] {
		if s.Present() || s.Swapped() {
			continue
		}
		from, to := max(addr, first+uint64(i)*page)-addr, min(first+uint64(i+1)*page-addr, uint64(len(b)))
		if last := len(out) - 1; last >= 0 && out[last].to == int(from) {
			out[last].to = int(to)
		} else {
			out = append(out, run{int(from), int(to)})
		}
	}
	return out
}

// fillTouched is fill for all of b but the untouched parts, which become zeros.
func fillTouched(mem *proc.Memory, b []byte, addr uint64, untouched []run) (bad int64, err error) {
	at := 0
	for _, r := range append(untouched, run{len(b), len(b)}) {
		if at < r.from {
			n, err := fill(mem, b[at:r.from], addr+uint64(at))
			bad += n
			if err != nil {
				clear(b[r.from:])
				return bad, err
			}
		}
		clear(b[r.from:r.to])
		at = r.to
	}
	return bad, nil
}

// fill reads b from addr on, with zeros where a page cannot be read, and counts
// those. Its error says that nothing more will come.
func fill(mem *proc.Memory, b []byte, addr uint64) (bad int64, err error) {
	for done := 0; done < len(b); {
		n, err := mem.ReadAt(b[done:], addr+uint64(done))
		done += n
		switch {
		case err == nil:
		case errors.Is(err, proc.ErrUnreadable):
			page := mem.PageSize()
			next := min(len(b), done+int(page-(addr+uint64(done))%page))
			clear(b[done:next])
			bad += int64(next - done)
			done = next
		case errors.Is(err, proc.ErrEnded):
			clear(b[done:])
			return bad + int64(len(b)-done), evidence.Gone("the process ended while it was read: %v", err)
		default:
			clear(b[done:])
			return bad + int64(len(b)-done), fmt.Errorf("memory: %w", err)
		}
	}
	return bad, nil
}
