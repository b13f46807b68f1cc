package hive

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"

	"hozen/packager/evidence/sorting"
)

// applyOld applies the one log in the old format that belongs to the last write of the
// hive: of those that are as old as the hive or later, the latest.
func (h *Hive) applyOld(logs []openLog) {
	written := h.head.Written
	if !h.head.Whole {
		// The first hive bin has a second copy of the time.
		b := make([]byte, 28)
		h.pages.r.ReadAt(b, baseSize)
		written = binary.LittleEndian.Uint64(b[20:])
	}
	sorting.By(logs, func(a, b openLog) int { return cmp.Compare(b.Head.Written, a.Head.Written) })
	used := false
	for _, l := range logs {
		switch {
		case used:
			l.Why = "not used: another log is as late or later"
		case l.Head.Written < written:
			l.Why = "not used: it was written before the hive"
		default:
			if l.Why = h.applyBitmap(l); l.Pages > 0 {
				used = true
			}
		}
	}
}

// applyBitmap lays the pages of an old log over the hive (specification, "Dirty vector",
// "Dirty pages"), all or none.
func (h *Hive) applyBitmap(l openLog) string {
	if l.Head.Length%4096 != 0 {
		return fmt.Sprintf("hive bins of %d bytes", l.Head.Length)
	}
	bitmap := make([]byte, 4+l.Head.Length/sector/8)
	if int64(sector+len(bitmap)) > l.Size {
		return "it ends within its bitmap"
	}
	if _, err := l.R.ReadAt(bitmap, sector); err != nil {
		return fmt.Sprintf("bitmap: %v", err)
	}
	if string(bitmap[:4]) != "DIRT" {
		return "no bitmap"
	}
	dirty := 0
	for _, b := range bitmap[4:] {
		dirty += bits.OnesCount8(b)
	}
	at := (int64(sector+len(bitmap)) + sector - 1) / sector * sector
	if at+int64(dirty)*sector > l.Size {
		return fmt.Sprintf("%d pages do not fit into it", dirty)
	}
	if int64(dirty)*sector > maxOverlay {
		return fmt.Sprintf("it holds over %d bytes", maxOverlay)
	}
	b := make([]byte, sector)
	laid := map[int64]*[sector]byte{}
	for page := range int64(len(bitmap)-4) * 8 {
		if bitmap[4+page/8]>>(page%8)&1 == 0 {
			continue
		}
		if _, err := l.R.ReadAt(b, at); err != nil {
			return fmt.Sprintf("page at %d: %v", at, err)
		}
		if page == 0 && string(b[:4]) != "hbin" {
			return "its first page is no hive bin"
		}
		s := [sector]byte(b)
		laid[baseSize/sector+page] = &s
		at += sector
	}
	h.takeHead(l)
	h.pages.over = laid
	h.head.Length = l.Head.Length
	l.Pages = dirty
	return ""
}
