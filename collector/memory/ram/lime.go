package ram

import (
	"encoding/binary"
	"sort"
)

const (
	// The header of a range, version 1, little-endian: magic "EMiL", version,
	// address of the first byte, address of the last byte, eight zeros. From "LiME
	// Memory Range Header Version 1 Specification", doc/README.md of
	// https://github.com/504ensicsLabs/LiME.
	limeMagic   = 0x4C694D45
	limeVersion = 1
	limeHeader  = 32

	// holeSize is from which size a part of RAM that the source does not have is
	// left out of the image. Smaller ones (the part of a page at the end of a
	// range) are zeros in it.
	holeSize = 1 << 20
)

// appendHeader appends the LiME header of a range.
func appendHeader(b []byte, s span) []byte {
	b = binary.LittleEndian.AppendUint32(b, limeMagic)
	b = binary.LittleEndian.AppendUint32(b, limeVersion)
	b = binary.LittleEndian.AppendUint64(b, s.start)
	b = binary.LittleEndian.AppendUint64(b, s.end-1)
	return append(b, make([]byte, 8)...)
}

// A section is a range of the image: its header, then its bytes.
type section struct {
	span
	name   string // in /proc/iomem
	offset int64  // in the image, of its first byte of memory
}

// A layout is the image before it is taken.
type layout struct {
	sections []section
	holes    []resource // RAM that the source does not have
	size     int64
}

// layOut makes a section of every range of RAM, less the holes of the source. has
// is ascending; nil means that the source has everything.
func layOut(ram []resource, has []span) (l layout) {
	for _, r := range ram {
		at := r.start
		for _, hole := range holes(r.span, has) {
			l.add(span{at, hole.start}, r.name)
			l.holes = append(l.holes, resource{span: hole, name: r.name})
			at = hole.end
		}
		l.add(span{at, r.end}, r.name)
	}
	return l
}

func (l *layout) add(s span, name string) {
	if s.start < s.end {
		l.sections = append(l.sections, section{s, name, l.size + limeHeader})
		l.size += limeHeader + int64(s.size())
	}
}

// holes gives the parts of s that has does not have and that are large, or all of s.
func holes(s span, has []span) (out []span) {
	if has == nil {
		return nil
	}
	at := s.start
	note := func(end uint64) {
		if at < end && (end-at >= holeSize || at == s.start && end == s.end) {
			out = append(out, span{at, end})
		}
	}
	i := sort.Search(len(has), func(i int) bool { return has[i].end > s.start })
	for ; i < len(has) && has[i].start < s.end; i++ {
		note(has[i].start)
		at = has[i].end
	}
	note(s.end)
	return out
}
