package known

import (
	"cmp"
	"context"
	"encoding/hex"
	"io"
	"slices"
	"sync"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// Lists are all lists of one collection. All methods may be called concurrently, and
// on nil, which matches nothing.
type Lists struct {
	lists []*List
	mu    sync.Mutex
	rows  []Row
	more  int64
}

// maxRows is how many rows of known.jsonl are kept until they are put; those over it
// are counted.
const maxRows = 1 << 20

// New puts lists together, in the order in which they were given.
func New(lists []*List) *Lists { return &Lists{lists: lists} }

// All gives the lists.
func (l *Lists) All() []*List {
	if l == nil {
		return nil
	}
	return l.lists
}

// Match gives the names of the lists that have the contents of a file, in the order
// in which they were given. A SHA-1 or MD5 of zeros was not computed.
func (l *Lists) Match(sha256 [32]byte, sha1 [20]byte, md5 [16]byte) (names []string) {
	for _, h := range l.Hits(sha256, sha1, md5) {
		names = append(names, h.List)
	}
	return names
}

// Hits is Match, and says where each list has it.
func (l *Lists) Hits(sha256 [32]byte, sha1 [20]byte, md5 [16]byte) (hits []Hit) {
	if l == nil {
		return nil
	}
	sums := [kinds][]byte{SHA256: sha256[:], SHA1: sha1[:], MD5: md5[:]}
	if sha1 == [20]byte{} {
		sums[SHA1] = nil
	}
	if md5 == [16]byte{} {
		sums[MD5] = nil
	}
	for _, list := range l.lists {
		if h, ok := list.match(&sums); ok {
			hits = append(hits, h)
		}
	}
	return hits
}

// A Row is a row of known.jsonl: an item of the archive whose contents a list has.
type Row struct {
	Path   string     `json:"path"` // of the item, as its collector named it
	Source jsonl.Text `json:"source"`
	Size   int64      `json:"size"`
	List   string     `json:"list"` // name of the list, as in the plan
	Line   int64      `json:"line"` // of the list, the first with that hash
	Label  jsonl.Text `json:"label,omitempty"`
	By     string     `json:"by"`   // which hash matched: sha256, sha1, md5
	Hash   string     `json:"hash"` // that hash
}

// Observe remembers an item whose contents a list has. Items that are not whole are
// not looked up: what is there of them is not the file.
func (l *Lists) Observe(r evidence.Record) {
	if l == nil || r.Outcome != evidence.Collected {
		return
	}
	hits := l.Hits(r.SHA256, r.SHA1, r.MD5)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range hits {
		if len(l.rows) >= maxRows {
			l.more++
			continue
		}
		sum := [kinds][]byte{r.SHA256[:], r.SHA1[:], r.MD5[:]}[h.By]
		l.rows = append(l.rows, Row{Path: r.Path, Source: jsonl.Text(r.Source), Size: r.Size,
			List: h.List, Line: h.Line, Label: jsonl.Text(h.Label), By: h.By.String(), Hash: hex.EncodeToString(sum)})
	}
}

// Matches counts the rows so far.
func (l *Lists) Matches() int64 {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.rows)) + l.more
}

// Member is where Put puts the table.
const Member = "known.jsonl"

// Put puts the table of all items that were observed and that a list has, by path and
// list. It returns only an error that to.Put returned.
func (l *Lists) Put(ctx context.Context, to evidence.Sink) error {
	l.mu.Lock()
	rows, more := slices.Clone(l.rows), l.more
	l.mu.Unlock()
	sorting.By(rows, func(a, b Row) int { return cmp.Compare(a.Path, b.Path) })
	item := evidence.Item{Path: Member, Collector: "known"}
	return to.Put(ctx, item, func(w io.Writer) error {
		if err := jsonl.Write(w, rows); err != nil {
			return err
		}
		if more > 0 {
			return evidence.Cut("%d more rows: a table has at most %d", more, maxRows)
		}
		return nil
	})
}
