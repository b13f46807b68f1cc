package wmi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"hozen/collector/filetime"
	"hozen/collector/utf16"
)

const (
	hashUnits  = 64 // of SHA-256 in hexadecimal, UTF-16
	headerSize = 2*hashUnits + 8 + 8
	heapMark   = 0x80000000
	maxElement = 1 << 16 // of one array
	maxStrings = 4096    // of one heap
	maxName    = 1 << 10 // bytes of the name of a class
	maxText    = 8 << 20 // bytes of all texts of one instance: its properties could share one
)

// instanceOf gives the hash of the class at the beginning of an instance's record; ""
// for another record.
func instanceOf(b []byte) string {
	if len(b) < headerSize+4 {
		return ""
	}
	var hash [hashUnits]byte
	for i := range hash {
		c := b[2*i]
		if b[2*i+1] != 0 || (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return ""
		}
		hash[i] = c
	}
	return strings.ToUpper(string(hash[:]))
}

// parseInstance reads an instance's record. c is its class; without fields the heap is
// looked for, and only its strings are given.
func parseInstance(b []byte, c class) (i Instance) {
	i.Class = c.name
	i.Written[0], i.Written[1] = filetime.Bytes(b[2*hashUnits:]), filetime.Bytes(b[2*hashUnits+8:])
	block := b[headerSize:]
	size := uint64(binary.LittleEndian.Uint32(block))
	if size < 9 || size > uint64(len(block)) {
		i.Err = errors.New("its end is missing")
		size = uint64(len(block))
	}
	block = block[:size]
	if heap, table := layout(block, c); heap != nil {
		var full bool
		if i.Properties, full = properties(heap, table, c); full && i.Err == nil {
			i.Err = fmt.Errorf("more than %d bytes of texts in its properties", maxText)
		}
		i.Strings = heapStrings(heap)
		return i
	}
	i.Strings = heapStrings(findHeap(block, c.name))
	if i.Err == nil {
		i.Err = errors.New("the definition of its class does not fit: its strings only")
	}
	return i
}

// layout gives the heap of an instance, and the table before it, as its class says;
// nil where that does not fit.
func layout(block []byte, c class) (heap, table []byte) {
	if len(c.fields) == 0 || len(block) < 9 {
		return nil, nil
	}
	end := uint64(0)
	for _, f := range c.fields {
		end = max(end, uint64(f.offset)+uint64(f.width()))
	}
	states := (2*uint64(len(c.fields)) + 7) / 8
	at := 9 + states + end
	if at+4 > uint64(len(block)) {
		return nil, nil
	}
	table = block[9:at]
	at += max(4, uint64(binary.LittleEndian.Uint32(block[at:]))) // qualifiers
	if at+1 > uint64(len(block)) {
		return nil, nil
	}
	dynamic := block[at]
	at++
	if dynamic == 2 {
		if at+4 > uint64(len(block)) {
			return nil, nil
		}
		n := binary.LittleEndian.Uint32(block[at:])
		for at += 4; n > 0 && at+4 <= uint64(len(block)); n-- {
			at += max(4, uint64(binary.LittleEndian.Uint32(block[at:])))
		}
	}
	heap = heapAt(block, at, c.name)
	return heap, table
}

// heapAt gives the heap that begins at a place, if one does: its size has the highest
// bit set and stays within the block, and the class's name is where the block says.
func heapAt(block []byte, at uint64, name string) []byte {
	if at+4 > uint64(len(block)) {
		return nil
	}
	size := binary.LittleEndian.Uint32(block[at:])
	if size&heapMark == 0 || uint64(size&^heapMark) > uint64(len(block))-at-4 {
		return nil
	}
	heap := block[at+4 : at+4+uint64(size&^heapMark)]
	// Of a name only as much is read as it would have: this is asked at every byte.
	nameAt := min(uint64(binary.LittleEndian.Uint32(block[4:])), uint64(len(heap)))
	got, ok := heapString(heap[nameAt:min(nameAt+2*uint64(len(name))+4, uint64(len(heap)))], 0)
	if !ok || !strings.EqualFold(got, name) {
		return nil
	}
	return heap
}

// findHeap looks for the heap; where none is, the whole block stands for it.
func findHeap(block []byte, name string) []byte {
	if len(block) < 13 {
		return nil
	}
	if len(name) > maxName {
		return block[9:]
	}
	for at := uint64(9); at+4 <= uint64(len(block)); at++ {
		if heap := heapAt(block, at, name); heap != nil {
			return heap
		}
	}
	return block[9:]
}

// properties reads those that have a value of their own: two bits in front of the table
// say of each whether it is null or has its class's default ([MS-WMIO] section 2.2.26).
// full is true if not all are given, because they have more than maxText bytes.
func properties(heap, table []byte, c class) (out []Property, full bool) {
	states, left := (2*len(c.fields)+7)/8, maxText
	for i, f := range c.fields {
		if table[2*i/8]>>(2*i%8)&3 != 0 {
			continue
		}
		at := uint64(states) + uint64(f.offset)
		if v := value(heap, table[at:at+uint64(f.width())], f.kind, &left); v != nil {
			out = append(out, Property{f.name, v})
		}
		if left < 0 {
			return out, true
		}
	}
	return out, false
}

// value reads one value; nil for one that does not lie in the heap, or is an object.
func value(heap, b []byte, kind uint32, left *int) any {
	if kind&typeArray != 0 {
		return array(heap, binary.LittleEndian.Uint32(b), kind&^typeArray, left)
	}
	le := binary.LittleEndian
	switch kind {
	case typeSint8:
		return int64(int8(b[0]))
	case typeUint8:
		return uint64(b[0])
	case typeSint16:
		return int64(int16(le.Uint16(b)))
	case typeUint16, typeChar16:
		return uint64(le.Uint16(b))
	case typeBoolean:
		return le.Uint16(b) != 0
	case typeSint32:
		return int64(int32(le.Uint32(b)))
	case typeUint32:
		return uint64(le.Uint32(b))
	case typeSint64:
		return int64(le.Uint64(b))
	case typeUint64:
		return le.Uint64(b)
	case typeReal32:
		return float(float64(math.Float32frombits(le.Uint32(b))))
	case typeReal64:
		return float(math.Float64frombits(le.Uint64(b)))
	case typeString, typeDate, typeRef:
		if s, ok := heapString(heap, le.Uint32(b)); ok {
			if *left -= len(s); *left >= 0 {
				return s
			}
		}
	}
	return nil
}

// float gives a number that JSON can say.
func float(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}

// array reads a list: its length, then its elements.
func array(heap []byte, at, kind uint32, left *int) any {
	width := uint64(field{kind: kind}.width())
	if uint64(at)+4 > uint64(len(heap)) {
		return nil
	}
	n := uint64(binary.LittleEndian.Uint32(heap[at:]))
	if n > maxElement || uint64(at)+4+n*width > uint64(len(heap)) {
		return nil
	}
	if *left -= int(n) * 16; *left < 0 {
		return nil
	}
	elements := heap[uint64(at)+4:][:n*width]
	if kind == typeUint8 {
		return elements
	}
	out := make([]any, 0, n)
	for ; len(elements) > 0 && *left >= 0; elements = elements[width:] {
		out = append(out, value(heap, elements[:width], kind, left))
	}
	return out
}

// heapString reads a string ([MS-WMIO] section 2.2.78): a byte that says whether it is
// UTF-16, the characters, and a NUL. Otherwise each byte is one of the first 256 of Unicode.
func heapString(heap []byte, at uint32) (string, bool) {
	if uint64(at) >= uint64(len(heap)) {
		return "", false
	}
	s, _, ok := encoded(heap[at:])
	return s, ok
}

// encoded reads the string at the beginning of b, and gives its size.
func encoded(b []byte) (s string, size int, ok bool) {
	switch b[0] {
	case 0:
		var out strings.Builder
		for i, c := range b[1:] {
			if c == 0 {
				return out.String(), i + 2, true
			}
			out.WriteRune(rune(c))
		}
	case 1:
		for i := 1; i+1 < len(b); i += 2 {
			if b[i] == 0 && b[i+1] == 0 {
				return utf16.WTF8(b[1:i]), i + 2, true
			}
		}
	}
	return "", 0, false
}

// heapStrings gives the strings of a heap, in order, wherever they begin: what else is
// there (numbers of an array) is passed over.
func heapStrings(heap []byte) (out []string) {
	var none [2]int // no UTF-16 that begins before it is a string: of even and odd places
	for at := 0; at < len(heap) && len(out) < maxStrings; {
		if heap[at] == 1 {
			if end, ok := wideEnd(heap, at+1, none[at&1]); !ok {
				none[at&1] = end
				at++
				continue
			}
		}
		s, size, ok := encoded(heap[at:])
		if !ok || !readable(s) {
			at++
			continue
		}
		out = append(out, s)
		at += size
	}
	return out
}

// weight is about how many bytes its texts have.
func (i *Instance) weight() (n int64) {
	for _, s := range i.Strings {
		n += int64(len(s)) + 16
	}
	for _, p := range i.Properties {
		switch v := p.Value.(type) {
		case string:
			n += int64(len(v))
		case []byte:
			n += int64(len(v))
		case []any:
			for _, e := range v {
				s, _ := e.(string)
				n += int64(len(s)) + 16
			}
		}
	}
	return n
}

// wideEnd says whether UTF-16 that can be read lies at a place up to a NUL, and where
// that, or what cannot be read, is. Before none there is no such NUL.
func wideEnd(b []byte, at, none int) (int, bool) {
	if at < none {
		return none, false
	}
	for ; at+1 < len(b); at += 2 {
		switch u := rune(b[at]) | rune(b[at+1])<<8; {
		case u == 0:
			return at, true
		case !readableRune(u):
			return at, false
		}
	}
	return len(b), false
}

func readableRune(r rune) bool {
	return r >= 0x20 && (r < 0x7f || r >= 0xa0) || r == '\t' || r == '\n' || r == '\r'
}

// readable says whether a string is long enough, and text enough, to be one.
func readable(s string) bool {
	if len(s) < 3 {
		return false
	}
	for _, r := range s {
		if !readableRune(r) {
			return false
		}
	}
	return true
}
