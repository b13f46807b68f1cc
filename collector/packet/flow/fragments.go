package flow

import (
	"net/netip"
	"slices"

	"hozen/packager/evidence/sorting"
)

// Bounds of the reassembly of IP fragments.
const (
	maxFragmentBytes  = 16 << 20 // held in all
	maxFragmented     = 4096     // datagrams waiting at one time
	maxFragmentsOfOne = 256
	maxDatagram       = 65535 + 40
	fragmentTimeout   = 60e9 // RFC 8200 section 4.5
)

type fragmentKey struct {
	src, dst netip.Addr
	proto    uint8
	id       uint32
}

type piece struct {
	offset int
	data   []byte
}

// A fragmented datagram waits for the rest of its pieces.
type fragmented struct {
	pieces []piece
	bytes  int
	total  int // of the payload; -1 until the last piece is there
	header int // bytes of the header of the first piece
	since  int64
}

// fragments holds what is not whole yet. Order is by first sight, to give up the oldest.
type fragments struct {
	waiting map[fragmentKey]*fragmented
	order   []fragmentKey
	bytes   int
	lost    uint64 // datagrams given up
}

// fragment adds one piece of a datagram, and goes on with the datagram when it is whole.
// A piece that was not captured whole makes reassembly vain: then the first piece is
// taken for what it has.
func (p *packet) fragment(key fragmentKey, d *datagram, offset int, more bool, header int) {
	if len(d.payload) < d.length {
		if offset == 0 {
			p.datagram(d)
		}
		return
	}
	if more && d.length&7 != 0 || offset+d.length > maxDatagram || d.length == 0 {
		return
	}
	f := &p.t.fragments
	w := f.waiting[key]
	if w != nil && p.at-w.since > fragmentTimeout {
		f.drop(key)
		w = nil
	}
	if w == nil {
		w = &fragmented{total: -1, since: p.at}
		f.add(key, w)
	}
	if len(w.pieces) >= maxFragmentsOfOne {
		f.drop(key)
		return
	}
	w.pieces = append(w.pieces, piece{offset, slices.Clone(d.payload)})
	w.bytes += len(d.payload)
	f.bytes += len(d.payload)
	if !more {
		w.total = offset + d.length
	}
	if offset == 0 {
		w.header = header
	}
	if whole := w.whole(); whole != nil {
		header = w.header
		f.remove(key)
		d.payload, d.length, d.total = whole, len(whole), header+len(whole)
		cut := p.cut
		p.cut = 0
		p.datagram(d)
		p.cut = cut
	}
	for f.bytes > maxFragmentBytes && len(f.order) > 0 {
		f.drop(f.order[0])
	}
}

func (f *fragments) add(key fragmentKey, w *fragmented) {
	if f.waiting == nil {
		f.waiting = map[fragmentKey]*fragmented{}
	}
	for len(f.waiting) >= maxFragmented {
		f.drop(f.order[0])
	}
	f.waiting[key] = w
	f.order = append(f.order, key)
}

func (f *fragments) drop(key fragmentKey) {
	f.remove(key)
	f.lost++
}

func (f *fragments) remove(key fragmentKey) {
	if w := f.waiting[key]; w != nil {
		f.bytes -= w.bytes
		delete(f.waiting, key)
	}
	if i := slices.Index(f.order, key); i >= 0 {
		f.order = slices.Delete(f.order, i, i+1)
	}
}

// whole joins the pieces if none is missing; what came first stays where pieces overlap.
func (w *fragmented) whole() []byte {
	if w.total < 0 || w.bytes < w.total {
		return nil
	}
	sorted := slices.Clone(w.pieces)
	sorting.By(sorted, func(a, b piece) int { return a.offset - b.offset })
	out := make([]byte, 0, w.total)
	for _, s := range sorted {
		if s.offset > len(out) {
			return nil
		}
		if end := s.offset + len(s.data); end > len(out) {
			out = append(out, s.data[len(out)-s.offset:]...)
		}
	}
	if len(out) < w.total {
		return nil
	}
	return out[:w.total]
}
