package hive

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"

	"hozen/packager/evidence/sorting"
)

// Log is a transaction log that lies beside a hive.
type Log struct {
	Name string // for Replay
	R    io.ReaderAt
	Size int64
}

// Replay says what was done with the logs of a hive.
type Replay struct {
	// Dirty says that the file alone is not what the registry was: a write was not
	// finished, or (since Windows 8.1, the usual state of a running system) is still in
	// the logs.
	Dirty bool
	// File is what the base block in the file says; Hive.Head is what it is with the logs.
	File Head
	// Head says that the base block came from a log, because the hive's own is damaged.
	Head bool
	Logs []LogResult
}

// Pages counts the pages that were laid over the file.
func (r *Replay) Pages() (n int) {
	for i := range r.Logs {
		n += r.Logs[i].Pages
	}
	return n
}

// LogResult says what was done with one log.
type LogResult struct {
	Name string
	// Format is "old" or "new"; "" where it is neither.
	Format string
	Head   Head
	// Entries of a new log and Pages of either were applied; First and Last are the
	// entries' numbers.
	Entries, Pages int
	First, Last    uint32
	// Why says why nothing, or nothing more, was applied; "" where all was.
	Why string
}

// maxOverlay bounds the bytes that logs may lay over a hive.
const maxOverlay = 256 << 20

// openLog is a log with what its first sector says.
type openLog struct {
	Log
	*LogResult
	first []byte
}

// applyLogs lays over the hive what its logs hold, as Windows does when it loads one
// (specification, "Multiple transaction log files").
func (h *Hive) applyLogs(logs []Log) {
	h.replay.Dirty, h.replay.File = h.head.Dirty(), h.head
	h.replay.Logs = make([]LogResult, len(logs))
	var old, entries []openLog
	for i, l := range logs {
		r := &h.replay.Logs[i]
		r.Name = l.Name
		o := openLog{l, r, make([]byte, sector)}
		r.Why = o.readHead()
		switch {
		case r.Why != "":
		case !h.replay.Dirty:
			r.Why = "not needed: the hive is not dirty"
		case r.Format == "new":
			entries = append(entries, o)
		default:
			old = append(old, o)
		}
	}
	if len(entries) > 0 {
		for _, o := range old {
			o.Why = "not used: there is a log in the new format"
		}
		h.applyNew(entries)
		return
	}
	h.applyOld(old)
}

// readHead reads the first sector, and says why the log is of no use.
func (l *openLog) readHead() string {
	if l.Size == 0 {
		return "empty"
	}
	if n, err := l.R.ReadAt(l.first, 0); n < sector {
		if err == nil || err == io.EOF {
			return "shorter than its base block"
		}
		return fmt.Sprintf("cannot be read: %v", err)
	}
	head, ok := parseHead(l.first)
	l.Head = head
	switch {
	case !ok:
		return "no base block"
	case head.Type == TypeNewLog:
		l.Format = "new"
	case head.Type == TypeOldLog || head.Type == TypeOldLog2:
		l.Format = "old"
	default:
		return fmt.Sprintf("not a log: its type is %d", head.Type)
	}
	switch {
	case !head.Whole:
		return "base block: the checksum is wrong"
	case head.Primary != head.Secondary:
		return fmt.Sprintf("its own writing was not finished: sequence numbers %d and %d", head.Primary, head.Secondary)
	}
	return ""
}

// takeHead replaces a damaged base block by that of a log.
func (h *Hive) takeHead(l openLog) {
	if !h.head.Whole {
		h.head = l.Head
		h.head.Type = TypePrimary
		h.replay.Head = true
	}
}

// applyNew applies the logs of entries, the earlier ones first.
func (h *Hive) applyNew(logs []openLog) {
	sorting.By(logs, func(a, b openLog) int { return cmp.Compare(a.Head.Primary, b.Head.Primary) })
	if !h.head.Whole {
		for _, l := range logs[:len(logs)-1] {
			l.Why = "not used: the hive's base block is damaged, and another log is later"
		}
		logs = logs[len(logs)-1:]
	}
	start, applied, last := h.head.Secondary, false, uint32(0)
	if !h.head.Whole {
		start = 0
	}
	for _, l := range logs {
		first := l.Head.Primary
		switch {
		case first < start:
			l.Why = fmt.Sprintf("its entries begin at %d, before the hive's number %d: they are in the hive", first, start)
		case applied && first != last+1:
			l.Why = fmt.Sprintf("its entries begin at %d, but the last one applied is %d", first, last)
		default:
			h.takeHead(l)
			h.applyEntries(l)
			if l.Entries > 0 {
				applied, last = true, l.Last
			}
		}
	}
}

// applyEntries applies the entries of one log (specification, "Log entries").
func (h *Hive) applyEntries(l openLog) {
	number := l.Head.Primary
	for at := int64(sector); ; number++ {
		if at+entrySize > l.Size {
			return
		}
		e, why := readEntry(l, at, number)
		if why == "" && h.overlaid()+e.total > maxOverlay {
			why = fmt.Sprintf("the logs hold over %d bytes", maxOverlay)
		}
		if why != "" {
			if l.Why = why; why == noMoreEntries && l.Entries > 0 {
				l.Why = ""
			}
			return
		}
		if why := h.applyEntry(l, e); why != "" {
			l.Why = why
			return
		}
		if l.Entries++; l.Entries == 1 {
			l.First = number
		}
		l.Last, l.Pages = number, l.Pages+len(e.pages)
		at += int64(e.size)
	}
}

func (h *Hive) overlaid() int64 { return int64(len(h.pages.over)) * sector }

// applyEntry lays the pages of an entry over the hive.
func (h *Hive) applyEntry(l openLog, e entry) string {
	at := e.data
	b := make([]byte, sector)
	for _, p := range e.pages {
		for from := uint32(0); from < p.size; from += sector {
			if _, err := l.R.ReadAt(b, at); err != nil {
				return fmt.Sprintf("entry %d: %v", e.number, err)
			}
			h.pages.lay(baseSize+int64(p.offset)+int64(from), b)
			at += sector
		}
	}
	h.head.Length, h.head.Primary, h.head.Secondary = e.length, e.number, e.number
	h.head.Flags = h.head.Flags&^1 | e.flags&1
	return ""
}

const (
	entrySize = 40 // of the head of an entry
	// noMoreEntries is the reason at the ordinary end of a log: zeros, or what is left of
	// entries that were applied before.
	noMoreEntries = "no more entries"
)

// entry is one of a new log.
type entry struct {
	size, flags, number, length uint32
	pages                       []page
	data                        int64 // where the first page is in the log
	total                       int64 // bytes of all pages
}

type page struct{ offset, size uint32 }

// readEntry reads the entry at an offset of the log, and says why it is none. A hash
// that is wrong, and a number that is not the one expected, end a log.
func readEntry(l openLog, at int64, number uint32) (e entry, why string) {
	head := make([]byte, entrySize)
	if _, err := l.R.ReadAt(head, at); err != nil {
		return e, fmt.Sprintf("at %d: %v", at, err)
	}
	u32 := func(i int) uint32 { return binary.LittleEndian.Uint32(head[i:]) }
	e = entry{size: u32(4), flags: u32(8), number: u32(12), length: u32(16), data: at + entrySize + 8*int64(u32(20))}
	count := int64(u32(20))
	switch {
	case string(head[:4]) != "HvLE", e.number < number:
		return e, noMoreEntries
	case e.number > number:
		return e, fmt.Sprintf("entry %d at %d where %d should be", e.number, at, number)
	case e.size < entrySize || e.size%sector != 0 || int64(e.size) > l.Size-at:
		return e, fmt.Sprintf("entry %d at %d: it says %d bytes, of which the log has %d", number, at, e.size, l.Size-at)
	case e.length%4096 != 0:
		return e, fmt.Sprintf("entry %d at %d: hive bins of %d bytes", number, at, e.length)
	case e.data > at+int64(e.size) || count*sector > maxOverlay:
		return e, fmt.Sprintf("entry %d at %d: %d pages do not fit into it", number, at, count)
	}
	hash := newMarvin()
	hash.Write(head[:32])
	if hash.sum() != binary.LittleEndian.Uint64(head[32:]) {
		return e, fmt.Sprintf("entry %d at %d: the hash of its head is wrong", number, at)
	}
	hash = newMarvin()
	if _, err := io.Copy(hash, io.NewSectionReader(l.R, at+entrySize, int64(e.size)-entrySize)); err != nil {
		return e, fmt.Sprintf("entry %d at %d: %v", number, at, err)
	}
	if hash.sum() != binary.LittleEndian.Uint64(head[24:]) {
		return e, fmt.Sprintf("entry %d at %d: the hash of its pages is wrong", number, at)
	}
	return e, e.readPages(l, at, count)
}

// readPages reads which pages an entry has.
func (e *entry) readPages(l openLog, at, count int64) string {
	b := make([]byte, 8*count)
	if _, err := l.R.ReadAt(b, at+entrySize); err != nil && count > 0 {
		return fmt.Sprintf("entry %d at %d: %v", e.number, at, err)
	}
	for ; len(b) >= 8; b = b[8:] {
		p := page{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}
		e.total += int64(p.size)
		if p.offset%sector != 0 || p.size%sector != 0 || int64(p.offset)+int64(p.size) > int64(e.length) || e.data+e.total > at+int64(e.size) {
			return fmt.Sprintf("entry %d at %d: a page of %d bytes at %d", e.number, at, p.size, p.offset)
		}
		e.pages = append(e.pages, p)
	}
	return ""
}
