package ioc

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/packager/evidence"
)

// passing is one item on its way into the archive. Its methods do nothing once it
// was left or a fault was found: the search must never harm the evidence.
type passing struct {
	search *Search
	item   evidence.Item
	mu     sync.Mutex
	left   bool
	line   []byte // of a table: the beginning of a row
	row    int
	walk   walker
	texts  *stream // of another item: as text
	raw    *stream // and as anything
	sums   digests
}

// maxRow is from which size on a row is looked at in pieces.
const maxRow = 4 << 20

func newPassing(s *Search, item evidence.Item) *passing {
	p := &passing{search: s, item: item}
	if strings.HasSuffix(item.Path, ".jsonl") {
		return p
	}
	p.texts = &stream{m: s.values, hit: p.hit}
	p.raw = &stream{m: s.bytes, hit: p.rawHit}
	if item.File.Regular() {
		p.sums = newDigests(s.hashKinds)
	}
	return p
}

// guarded calls f with the lock, if there is still something to do.
func (p *passing) guarded(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			p.left = true
			p.search.hits.fault(p.item.Path, fmt.Errorf("search stopped: panic: %v", v))
		}
	}()
	f()
}

func (p *passing) take(b []byte) {
	p.guarded(func() {
		if p.texts == nil {
			p.rows(b)
			return
		}
		p.sums.write(b)
		p.texts.write(b)
		p.raw.write(b)
	})
}

// end says that the fill ended so.
func (p *passing) end(err error) {
	p.guarded(func() {
		if p.texts == nil {
			p.row++ // one without a newline, if there is one
			p.oneRow(p.line)
			return
		}
		p.texts.end()
		p.raw.end()
		if err == nil {
			for _, of := range p.search.known(p.sums.hex()) {
				p.search.hits.add(&p.search.indicators[of], int(of), p.item.Path, func(h *Hit) {
					h.In, h.Member, h.Source, h.File = "file", jsonl.Text(p.item.Path), jsonl.Text(p.item.Source), jsonl.Text(p.item.Source)
				})
			}
		}
	})
}

// leave says that nothing more counts: Put has returned.
func (p *passing) leave() { p.guarded(func() { p.left = true }) }

func (p *passing) rows(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			if p.line = append(p.line, b...); len(p.line) > maxRow {
				p.valueHits(nil, p.line, nil)
				p.line = append(p.line[:0], p.line[len(p.line)-p.search.values.Reach():]...)
			}
			return
		}
		row := b[:i]
		if len(p.line) > 0 {
			p.line = append(p.line, row...)
			row = p.line
		}
		p.row++
		p.oneRow(row)
		p.line, b = p.line[:0], b[i+1:]
	}
}

// oneRow looks at a row as it is first: only one with a hit, or with text that is
// escaped, is worth taking apart.
func (p *passing) oneRow(row []byte) {
	if len(row) == 0 {
		return
	}
	if worth := bytes.IndexByte(row, '\\') >= 0 || bytes.Contains(row, []byte(`"b64"`)); !worth {
		p.search.values.Match(row, func(Found) { worth = true })
		if !worth {
			return
		}
	}
	owner := p.owner(row)
	p.walk.visit = func(path, value []byte, text bool) {
		if text {
			p.valueHits(path, value, owner)
		}
	}
	if p.walk.walk(row) != nil {
		p.valueHits(nil, row, owner)
	}
}

// owner gives the process that a row is about, if it says so.
func (p *passing) owner(row []byte) *memory.Subject {
	var s memory.Subject
	p.walk.visit = func(path, value []byte, text bool) {
		switch string(path) {
		case "pid", "process.pid", "holders.pid":
			if s.PID == 0 {
				s.PID, _ = strconv.Atoi(string(value))
			}
		case "start_ticks", "process.start_ticks", "holders.start_ticks":
			if s.StartTicks == 0 {
				s.StartTicks, _ = strconv.ParseUint(string(value), 10, 64)
			}
		case "comm", "process.comm", "holders.comm":
			if s.Comm == "" {
				s.Comm = jsonl.Text(value)
			}
		}
	}
	if p.walk.walk(row) != nil || s.PID == 0 {
		return nil
	}
	return &s
}

func (p *passing) valueHits(path, value []byte, owner *memory.Subject) {
	p.search.values.Match(value, func(f Found) {
		p.search.hits.add(&p.search.indicators[f.Indicator], f.Indicator, p.item.Path, func(h *Hit) {
			h.In, h.Form, h.Member, h.Source, h.Row = "table", f.Form, jsonl.Text(p.item.Path), jsonl.Text(p.item.Source), max(1, p.row)
			h.Field, h.Process, h.Offset = jsonl.Text(path), owner, new(int64(f.Start))
			h.around(value, f.Start, f.End)
		})
	})
}

// rawHit leaves to the look at text what it finds, too.
func (p *passing) rawHit(f Found, b []byte, base int64) {
	if f.Form != asText.String() {
		p.hit(f, b, base)
	}
}

func (p *passing) hit(f Found, b []byte, base int64) {
	p.search.hits.add(&p.search.indicators[f.Indicator], f.Indicator, p.item.Path, func(h *Hit) {
		h.In, h.Form, h.Member, h.Source = "item", f.Form, jsonl.Text(p.item.Path), jsonl.Text(p.item.Source)
		h.Offset = new(base + int64(f.Start))
		h.around(b, f.Start, f.End)
	})
}

// known gives the indicators that are one of the hashes.
func (s *Search) known(sums []string) (out []int32) {
	for _, sum := range sums {
		if of, ok := s.hashes[sum]; ok {
			out = append(out, of)
		}
	}
	return out
}

// digests are the hashes of one file that are asked for, in one pass.
type digests []hash.Hash

func newDigests(kinds []Kind) (out digests) {
	for _, k := range kinds {
		switch k {
		case MD5:
			out = append(out, md5.New())
		case SHA1:
			out = append(out, sha1.New())
		case SHA256:
			out = append(out, sha256.New())
		}
	}
	return out
}

func (d digests) write(b []byte) {
	for _, h := range d {
		h.Write(b)
	}
}

func (d digests) hex() (out []string) {
	for _, h := range d {
		out = append(out, hex.EncodeToString(h.Sum(nil)))
	}
	return out
}
