package known

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"sort"
	"sync"
)

// Kind is which hash stands in a list.
type Kind uint8

// The kinds, the strongest first.
const (
	SHA256 Kind = iota
	SHA1
	MD5
	kinds = 3
)

// String gives the name of the column.
func (k Kind) String() string { return [...]string{"sha256", "sha1", "md5"}[k] }

// size is the length of a hash in bytes.
func (k Kind) size() int { return [...]int{32, 20, 16}[k] }

// Hashes are kept in sorted blocks of fixed-size entries: the hash, the line (4 bytes,
// big-endian) and the number of the label (2 bytes); 38, 26 or 22 bytes each.
const (
	tailSize     = 6
	blockEntries = 1 << 20
)

// MaxMemory is how many bytes of entries one list may have (some 40 million SHA-1);
// lines beyond it are counted as left over.
const MaxMemory = 1 << 30

// A table has all hashes of one kind.
type table struct {
	size   int // of a hash
	blocks [][]byte
	last   []byte // not sorted yet
	sorted sync.WaitGroup
}

func (t *table) width() int { return t.size + tailSize }

func (t *table) add(sum []byte, line uint32, label uint16) {
	t.last = append(t.last, sum...)
	t.last = binary.BigEndian.AppendUint32(t.last, line)
	t.last = binary.BigEndian.AppendUint16(t.last, label)
	if len(t.last) == blockEntries*t.width() {
		t.close()
	}
}

// close sorts the block that is being filled, beside the caller.
func (t *table) close() {
	if len(t.last) == 0 {
		return
	}
	b := t.last
	if cap(b) > len(b)+len(b)/8 {
		b = bytes.Clone(b)
	}
	t.blocks, t.last = append(t.blocks, b), nil
	t.sorted.Go(func() { sort.Sort(&entries{b: b, width: t.width()}) })
}

// done waits until all is sorted.
func (t *table) done() {
	t.close()
	t.sorted.Wait()
}

// An entries sorts one block.
type entries struct {
	b     []byte
	width int
	swap  [64]byte
}

func (e *entries) at(i int) []byte    { return e.b[i*e.width : (i+1)*e.width] }
func (e *entries) Len() int           { return len(e.b) / e.width }
func (e *entries) Less(i, j int) bool { return bytes.Compare(e.at(i), e.at(j)) < 0 }
func (e *entries) Swap(i, j int) {
	copy(e.swap[:], e.at(i))
	copy(e.at(i), e.at(j))
	copy(e.at(j), e.swap[:e.width])
}

// find gives the first line with that hash, and its label.
func (t *table) find(sum []byte) (line uint32, label uint16, ok bool) {
	for _, b := range t.blocks {
		if e := findIn(b, t.width(), sum); e != nil {
			l := binary.BigEndian.Uint32(e[len(sum):])
			if !ok || l < line {
				line, label, ok = l, binary.BigEndian.Uint16(e[len(sum)+4:]), true
			}
		}
	}
	return line, label, ok
}

// findIn gives the first entry of a sorted block with that hash; nil if there is none.
// Hashes lie evenly: it looks near where one must be first, in steps that double.
func findIn(b []byte, width int, sum []byte) []byte {
	n := len(b) / width
	less := func(i int) bool { return bytes.Compare(b[i*width:i*width+len(sum)], sum) < 0 }
	hi64, _ := bits.Mul64(binary.BigEndian.Uint64(sum), uint64(n))
	lo, hi := int(hi64), int(hi64)
	for step := 16; lo > 0 && !less(lo-1); step *= 2 {
		lo = max(0, lo-step)
	}
	for step := 16; hi < n && less(hi); step *= 2 {
		hi = min(n, hi+step)
	}
	i := lo + sort.Search(hi-lo, func(i int) bool { return !less(lo + i) })
	if i < n && bytes.Equal(b[i*width:i*width+len(sum)], sum) {
		return b[i*width : (i+1)*width]
	}
	return nil
}

// A List is one list of known hashes.
type List struct {
	Name   string           // of the file, as it was given
	SHA256 string           // of the list itself, in hex
	Size   int64            // of the list itself, in bytes
	Counts map[string]int64 // of entries, by kind: sha256, sha1, md5
	Bad    []BadLine        // lines that cannot be used, the first 1,000
	// BadMore counts those that are not named.
	BadMore int64
	// Left counts hashes for which there was no room (MaxMemory).
	Left int64

	tables [kinds]table
	labels []string // number 0 is none
	used   int64    // bytes of entries
}

// A BadLine is a line of a list that is not used.
type BadLine struct {
	Line   int64  // from 1
	Text   string // its beginning
	Reason string
}

// String says where, why and what.
func (b BadLine) String() string { return fmt.Sprintf("line %d: %s: %q", b.Line, b.Reason, b.Text) }

// A Hit says where a list has a hash.
type Hit struct {
	List  string // name of the list
	Line  int64  // the first with it
	Label string // of the line, as far as the list has a column for one
	By    Kind   // which hash matched
}

// match looks the hashes of one file up; a kind that is nil is not known. The
// strongest that matches counts.
func (l *List) match(sums *[kinds][]byte) (h Hit, ok bool) {
	for k := range l.tables {
		if sums[k] == nil {
			continue
		}
		if line, label, ok := l.tables[k].find(sums[k]); ok {
			return Hit{List: l.Name, Line: int64(line), Label: l.label(label), By: Kind(k)}, true
		}
	}
	return Hit{}, false
}

func (l *List) label(n uint16) string {
	if int(n) < len(l.labels) {
		return l.labels[n]
	}
	return ""
}
