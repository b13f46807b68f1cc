package onwindows

import (
	"bytes"
	"encoding/binary"
)

// limitContent bounds what is looked at of memory that may be explained by what it
// holds: code that somebody hides in more than that is not explained.
const limitContent = 1 << 20

// whyThere gives an explanation that lies in what executable memory holds: nothing, a
// table of stubs, or a heap of a process in which all is installed software.
func (p *process) whyThere(a *allocation) string {
	var code []byte
	for _, r := range a.exec {
		if len(code)+int(min(r.Size, limitContent)) > limitContent {
			code = nil
			break
		}
		b, err := p.read(r.Base, int(r.Size))
		if err != nil {
			return ""
		}
		code = append(code, b...)
	}
	switch {
	case len(code) > 0 && len(bytes.Trim(code, "\x00")) == 0:
		return "it holds nothing but zeros"
	case stubs(code):
		return "it holds one stub again and again, each of which differs from the one before in a number that counts up: calls through tables of functions are made so"
	case p.heap(a) && p.allInstalled():
		return "a heap that the process has made so that it may be executed, and all images in it are files that lie where only administrators write"
	}
	return ""
}

// heapMark is _HEAP.SegmentSignature, at the same place in 64-bit heaps of all
// versions (public symbols of ntdll: Windows 7 and later).
const (
	heapMark   = 0xffeeffee
	heapMarkAt = 0x10
)

// heap says whether an allocation is a segment of a heap.
func (p *process) heap(a *allocation) bool {
	b, err := p.read(a.start, heapMarkAt+4)
	return err == nil && !a.shared && binary.LittleEndian.Uint32(b[heapMarkAt:]) == heapMark
}

// allInstalled says whether every image of the process is installed software.
func (p *process) allInstalled() bool {
	for i := range p.images {
		m := &p.images[i]
		if !p.s.places.installed(m.path) || !p.mapped(m) {
			return false
		}
	}
	return len(p.images) > 0
}

const (
	minStubs = 16
	maxStub  = 64
)

// stubs says whether memory is a table of equal entries that differ in one number of
// four bytes, which grows by the same step from each to the next; zeros may follow.
func stubs(b []byte) bool {
	b = bytes.TrimRight(b, "\x00")
	for size := 8; size <= maxStub; size += 4 {
		n := (len(b) + size - 1) / size
		if n < minStubs {
			return false
		}
		whole := append(bytes.Clone(b), make([]byte, n*size-len(b))...)
		for at := 0; at+4 <= size; at++ {
			if counts(whole, size, at) {
				return true
			}
		}
	}
	return false
}

// counts says whether entries differ only in the number at a place, by one step.
func counts(b []byte, size, at int) bool {
	le := binary.LittleEndian
	step := le.Uint32(b[size+at:]) - le.Uint32(b[at:])
	for i := size; i < len(b); i += size {
		is, was := b[i:i+size], b[i-size:i]
		if step == 0 || le.Uint32(is[at:])-le.Uint32(was[at:]) != step || !bytes.Equal(is[:at], was[:at]) || !bytes.Equal(is[at+4:], was[at+4:]) {
			return false
		}
	}
	return true
}
