package ioc

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// A Hit is a row of memory/ioc.jsonl: one place where one indicator was found.
type Hit struct {
	List  string     `json:"list"` // the member of the archive that is the list
	Line  int        `json:"line"` // in it, from 1
	Kind  Kind       `json:"kind"`
	Value jsonl.Text `json:"value"` // what was sought
	// In says where: "table", "item" (the bytes of another member), "file" (the
	// hash of a file) or "memory".
	In   string `json:"in"`
	Form string `json:"form,omitempty"` // of what was found: text, utf16le or dns

	Member jsonl.Text `json:"member,omitempty"` // of the archive, below data/
	Source jsonl.Text `json:"source,omitempty"` // what it was read from
	Row    int        `json:"row,omitempty"`    // of a table, from 1
	Field  jsonl.Text `json:"field,omitempty"`  // of the row, names with dots between
	Offset *int64     `json:"offset,omitempty"` // in the member, or in the field's value, in bytes

	// Process is the owner: of the memory, or whom a row is about.
	Process *memory.Subject `json:"process,omitempty"`
	Region  *RegionRow      `json:"region,omitempty"`
	Address string          `json:"address,omitempty"` // in the memory of the process, hex
	File    jsonl.Text      `json:"file,omitempty"`    // whose hash it is, as the process sees its name

	// Context is 64 bytes with the hit in their middle (fewer at an end), in hex, and
	// once more with a dot for what is not printable ASCII; the hit begins at At.
	Context string `json:"context,omitempty"`
	Printed string `json:"printed,omitempty"`
	At      int    `json:"at,omitempty"`
	// More is how many further hits of this indicator in this place have no row.
	More int `json:"more,omitempty"`
}

// A RegionRow is the mapping of a process that a hit is in, as proc_pid_maps(5)
// has it.
type RegionRow struct {
	Start  string     `json:"start"` // hex
	End    string     `json:"end"`   // hex, not included
	Perms  string     `json:"perms"`
	Offset string     `json:"offset,omitempty"` // in the file, hex
	Inode  uint64     `json:"inode,omitempty"`
	Path   jsonl.Text `json:"path,omitempty"`
}

const (
	hitsEach = 16     // rows of one indicator in one place: a process, a member
	hitsAll  = 50_000 // rows
)

// hits keeps what was found. The zero value is ready.
type hits struct {
	mu     sync.Mutex
	rows   []Hit
	last   map[hitPlace]*placeHits
	all    int
	lost   int // hits in places that are over hitsAll
	faults evidence.Tally
}

type hitPlace struct {
	indicator int
	place     string
}

type placeHits struct{ n, last int } // last: index of the last row

// add keeps a hit, if there is room for it; make completes its row.
func (h *hits) add(in *Indicator, n int, place string, complete func(*Hit)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil {
		h.last = map[hitPlace]*placeHits{}
	}
	h.all++
	key := hitPlace{n, place}
	p := h.last[key]
	if p == nil {
		if len(h.rows) >= hitsAll {
			h.lost++
			return
		}
		p = &placeHits{}
		h.last[key] = p
	}
	if p.n >= hitsEach || len(h.rows) >= hitsAll {
		h.rows[p.last].More++
		return
	}
	row := Hit{List: Member(in.List), Line: in.Line, Kind: in.Kind, Value: jsonl.Text(in.Value)}
	complete(&row)
	p.n, p.last = p.n+1, len(h.rows)
	h.rows = append(h.rows, row)
}

// fault notes what went wrong in the search itself.
func (h *hits) fault(what string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults.Add(what, err)
}

func (h *hits) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all
}

// sorted gives the rows, those of one process together, and what was cut.
func (h *hits) sorted() ([]Hit, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rows := slices.Clone(h.rows)
	sorting.By(rows, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.In, b.In), cmp.Compare(a.Member, b.Member), cmp.Compare(a.Row, b.Row), cmp.Compare(pidOf(a), pidOf(b)))
	})
	tally := h.faults
	if h.lost > 0 {
		tally.Add("hits", evidence.Cut("%d hits beside the first %d rows", h.lost, hitsAll))
	}
	return rows, tally.Err()
}

func pidOf(h Hit) int {
	if h.Process == nil {
		return 0
	}
	return h.Process.PID
}

// contextBytes is how many bytes are kept around a hit.
const contextBytes = 64

// around puts the bytes around b[start:end] into the row.
func (h *Hit) around(b []byte, start, end int) {
	from := max(0, start-max(0, contextBytes-(end-start))/2)
	to := min(len(b), from+contextBytes)
	from = max(0, min(from, to-contextBytes))
	h.Context, h.At = hex.EncodeToString(b[from:to]), start-from
	printed := make([]byte, to-from)
	for i, c := range b[from:to] {
		if printed[i] = c; c < ' ' || c > '~' {
			printed[i] = '.'
		}
	}
	h.Printed = string(printed)
}

func hexNumber(n uint64) string { return fmt.Sprintf("%#x", n) }
