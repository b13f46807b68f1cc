package ram

import (
	"cmp"
	"fmt"
	"sort"

	"hozen/collector/jsonl"
	"hozen/packager/evidence/sorting"
)

// The rows of memory/ram.map.jsonl, told apart by kind: every source that was
// tried, every physical range in ascending order, every swap area, one summary.
// Addresses are physical, in hex; End is the last address of the range, as in
// /proc/iomem.

// A SourceRow is a source of physical memory that was tried, in their order.
type SourceRow struct {
	Kind   string     `json:"kind"` // "source"
	Source string     `json:"source"`
	Used   bool       `json:"used"`
	Error  jsonl.Text `json:"error,omitempty"` // why it was not used
	Cause  jsonl.Text `json:"cause,omitempty"` // what of this host is behind the error
	Remedy string     `json:"remedy,omitempty"`
}

// A RangeRow is a range of physical addresses.
type RangeRow struct {
	Kind  string `json:"kind"` // "range"
	Start string `json:"start"`
	End   string `json:"end"`
	Bytes uint64 `json:"bytes"`
	// State: "read": in the image as it was read; "unreadable": in the image as
	// zeros; "skipped": not in the image; "not reached": not in the image, which
	// ended before.
	State  string     `json:"state"`
	Name   jsonl.Text `json:"name,omitempty"`   // of the range in /proc/iomem
	Why    jsonl.Text `json:"why,omitempty"`    // why it was not read
	Offset *int64     `json:"offset,omitempty"` // in memory/ram.lime, of its first byte
}

// A SwapRow is a swap area.
type SwapRow struct {
	Kind     string     `json:"kind"` // "swap"
	Name     jsonl.Text `json:"name"`
	Type     jsonl.Text `json:"type"`     // partition, file
	Size     int64      `json:"size"`     // bytes
	Used     int64      `json:"used"`     // bytes
	Priority jsonl.Text `json:"priority"` // of swapon(8)
	Path     string     `json:"path,omitempty"`
	Note     string     `json:"note,omitempty"` // why it is not taken, or what to know of it
}

// A SummaryRow is the last row: what the image is, and what belongs to it.
type SummaryRow struct {
	Kind   string `json:"kind"` // "summary"
	Image  string `json:"image,omitempty"`
	Format string `json:"format,omitempty"` // "lime 1"
	Source string `json:"source,omitempty"`
	// Addresses says how a physical address was found in the source; Checked what
	// was read to see that this is right, "" if nothing could be; Ranges where the
	// ranges of RAM are from.
	Addresses string `json:"addresses,omitempty"`
	Checked   string `json:"checked,omitempty"`
	Ranges    string `json:"ranges,omitempty"`

	Bytes    int64  `json:"bytes"`   // of the image that were written
	Planned  int64  `json:"planned"` // of the image as it was laid out
	Sections int    `json:"sections"`
	PageSize uint64 `json:"page_size"`
	// Pages: read, of those filled with zeros, not read; runs of the last that have
	// no row, because there are more than a table may have.
	PagesRead       uint64 `json:"pages_read"`
	PagesZero       uint64 `json:"pages_zero"`
	PagesUnreadable uint64 `json:"pages_unreadable"`
	PagesUnlisted   uint64 `json:"pages_unlisted,omitempty"`
	FlagsLooked     bool   `json:"page_flags_looked_at"` // /proc/kpageflags was there

	Began   string    `json:"began,omitempty"`
	Ended   string    `json:"ended,omitempty"`
	Seconds float64   `json:"seconds,omitempty"`
	Smear   *SmearRow `json:"smear,omitempty"`
	// Own is our own share of what was imaged.
	Own OwnRow `json:"own"`
	// Odd counts the lines of /proc/iomem that were not understood or contradict
	// another; Oddest is the first.
	Odd    int        `json:"iomem_odd,omitempty"`
	Oddest jsonl.Text `json:"iomem_oddest,omitempty"`
	// Beside are the items that belong to the image: what each is, and its path
	// below data/. The record of each says whether it was there.
	Beside []BesideRow `json:"beside"`
}

// An OwnRow is what our own process held while the image was made.
type OwnRow struct {
	PID       int    `json:"pid"`
	RSSBefore uint64 `json:"rss_before"` // bytes
	RSSPeak   uint64 `json:"rss_peak"`   // bytes, since the process began
}

// A BesideRow names an item that belongs to the image.
type BesideRow struct {
	What string `json:"what"`
	Path string `json:"path"`
}

func address(a uint64) string { return fmt.Sprintf("%#x", a) }

// rangeRow makes the row of a range; offset is that of its first byte in the
// image, or negative where it is not in it.
func rangeRow(s span, state, name, why string, offset int64) RangeRow {
	r := RangeRow{Kind: "range", Start: address(s.start), End: address(s.end - 1), Bytes: s.size(), State: state, Name: jsonl.Text(name), Why: jsonl.Text(why)}
	if offset >= 0 {
		r.Offset = &offset
	}
	return r
}

// rangeRows gives the rows of all ranges in ascending order of their address.
func (m *image) rangeRows(io *iomem) []RangeRow {
	var rows []placed
	for _, s := range m.sections {
		rows = append(rows, m.sectionRows(s)...)
	}
	for _, h := range m.holes {
		rows = append(rows, placed{h.start, rangeRow(h.span, "skipped", h.name, errNotInSource.Error(), -1)})
	}
	for _, r := range io.other {
		for _, s := range without(r.span, io.ram) {
			rows = append(rows, placed{s.start, rangeRow(s, "skipped", r.name, "not RAM", -1)})
		}
	}
	return ascending(rows)
}

// sectionRows divides a section into what was read, what could not be, and what
// was not reached.
func (m *image) sectionRows(s section) (rows []placed) {
	put := func(part span, state, why string) {
		if part.start < part.end {
			rows = append(rows, placed{part.start, rangeRow(part, state, s.name, why, s.offset+int64(part.start-s.start))})
		}
	}
	reached := min(s.end, s.start+uint64(max(m.written-s.offset, 0)))
	at := s.start
	for _, u := range m.unread[m.firstUnread(s.start):] {
		if u.start >= reached {
			break
		}
		put(span{at, u.start}, "read", "")
		at = min(u.end, reached)
		put(span{max(u.start, s.start), at}, "unreadable", u.why)
	}
	put(span{at, reached}, "read", "")
	if reached < s.end {
		rows = append(rows, placed{reached, rangeRow(span{reached, s.end}, "not reached", s.name, "the image ended before", -1)})
	}
	return rows
}

// A placed is a row and the address by which it is sorted.
type placed struct {
	at  uint64
	row RangeRow
}

func ascending(rows []placed) []RangeRow {
	sorting.By(rows, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	out := make([]RangeRow, len(rows))
	for i := range rows {
		out[i] = rows[i].row
	}
	return out
}

// firstUnread is the index of the first run that ends behind an address.
func (m *image) firstUnread(at uint64) int {
	return sort.Search(len(m.unread), func(i int) bool { return m.unread[i].end > at })
}
