package ioc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// A ListRow is a row of memory/ioc/lists.jsonl: a list, a line of one that is not
// used, or an indicator that is not searched for in memory.
type ListRow struct {
	Row    string       `json:"row"`  // list, bad_line, bad_lines or not_in_memory
	List   string       `json:"list"` // its member of the archive
	File   jsonl.Text   `json:"file,omitempty"`
	SHA256 string       `json:"sha256,omitempty"`
	Size   int          `json:"size,omitempty"`
	Counts map[Kind]int `json:"counts,omitempty"` // of indicators, by kind
	Line   int          `json:"line,omitempty"`
	Text   jsonl.Text   `json:"text,omitempty"` // the line, at most 200 bytes; or the indicator
	Reason string       `json:"reason,omitempty"`
	More   int          `json:"more,omitempty"` // bad_lines: how many have no row
}

// SHA256 is the hash of a list's bytes, in hex.
func (l *List) SHA256() string {
	sum := sha256.Sum256(l.Raw)
	return hex.EncodeToString(sum[:])
}

// PutLists puts the lists as they were given, and what is used of them.
func (s *Search) PutLists(ctx context.Context, to evidence.Sink) error {
	for n, l := range s.lists {
		it := evidence.Item{Path: Member(n), Source: l.File, Collector: collectorName}
		if err := to.Put(ctx, it, func(w io.Writer) error {
			_, err := io.Copy(w, bytes.NewReader(l.Raw))
			return err
		}); err != nil {
			return err
		}
	}
	return to.Put(ctx, item("lists.jsonl", "the lists of --ioc"), func(w io.Writer) error {
		return jsonl.Write(w, s.listRows())
	})
}

func (s *Search) listRows() (rows []ListRow) {
	for n, l := range s.lists {
		rows = append(rows, ListRow{Row: "list", List: Member(n), File: jsonl.Text(l.File), SHA256: l.SHA256(), Size: len(l.Raw), Counts: l.Counts()})
		for _, b := range l.Bad {
			rows = append(rows, ListRow{Row: "bad_line", List: Member(n), Line: b.Line, Text: jsonl.Text(b.Text), Reason: b.Reason})
		}
		if l.BadMore > 0 {
			rows = append(rows, ListRow{Row: "bad_lines", List: Member(n), More: l.BadMore, Reason: "more lines that are not used"})
		}
	}
	for i := range s.indicators {
		if why, is := s.bytes.unsought[i]; is {
			in := &s.indicators[i]
			rows = append(rows, ListRow{Row: "not_in_memory", List: Member(in.List), Line: in.Line, Text: jsonl.Text(in.Value), Reason: why})
		}
	}
	return rows
}

// PutHits puts the table of all hits. It is called when nothing more passes.
func (s *Search) PutHits(ctx context.Context, to evidence.Sink) error {
	it := evidence.Item{Path: "memory/ioc.jsonl", Source: "this collection", Collector: collectorName}
	return to.Put(ctx, it, func(w io.Writer) error {
		rows, err := s.hits.sorted()
		if e := jsonl.Write(w, rows); e != nil {
			return e
		}
		return err
	})
}
