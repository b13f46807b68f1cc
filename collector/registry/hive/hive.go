package hive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// ErrNoHive is wrapped by the error of Open for what is no registry hive.
var ErrNoHive = errors.New("no registry hive")

// Hive is one open hive. It may be used concurrently.
type Hive struct {
	head   Head
	replay Replay
	pages  *pages
	length int64 // of the hive bins, as far as the file has them

	mu                 sync.Mutex
	damage             []Damage
	known              map[Damage]bool
	damages            int
	given              []uint64                     // keys that were given below their parent: a bit for each 8 bytes
	adopted            map[uint32]uint32            // keys that were given below another
	index              map[uint32]map[string]uint32 // of keys with very many: their keys by folded name
	indexed, indexText int                          // names in index, and bytes of them
	rejected           int                          // entries of lists that are none
}

// Open opens the hive in r, of size bytes, with the logs that lie beside it, .LOG1
// before .LOG2. They are read here; r is read later, too. The only error is ErrNoHive
// (or one of reading the first sector): whatever else is wrong is in Damage and Replay.
func Open(r io.ReaderAt, size int64, logs ...Log) (*Hive, error) {
	h := &Hive{
		pages:   &pages{r: r, size: size, over: map[int64]*[sector]byte{}, kept: map[int64][]byte{}},
		known:   map[Damage]bool{},
		adopted: map[uint32]uint32{},
		index:   map[uint32]map[string]uint32{},
	}
	h.pages.fail = func(at int64, err error) { h.damaged(at, "cannot be read: %v", err) }
	first := make([]byte, sector)
	if n, err := r.ReadAt(first, 0); n < sector && err != io.EOF {
		return nil, fmt.Errorf("base block: %w", err)
	}
	head, ok := parseHead(first)
	if ok && head.Type != TypePrimary && head.Whole {
		return nil, fmt.Errorf("%w: a transaction log", ErrNoHive)
	}
	h.head = head
	h.applyLogs(logs)
	h.pages.grow()
	if string(first[:4]) != "regf" && !h.replay.Head {
		return nil, fmt.Errorf("%w: it begins with % x", ErrNoHive, first[:4])
	}
	h.check()
	return h, nil
}

// check takes down what is wrong with the head and sets the length.
func (h *Hive) check() {
	if !h.head.Whole {
		h.damaged(0, "base block: the checksum is wrong")
	}
	if h.head.Major != 1 || h.head.Minor < 2 || h.head.Minor > 6 {
		h.damaged(20, "version %d.%d is not known", h.head.Major, h.head.Minor)
	}
	h.length = max(0, h.pages.size-baseSize)
	if said := int64(h.head.Length); said > h.length {
		h.damaged(h.pages.size, "the file ends %d bytes before its hive bins do", said-h.length)
	}
}

// Head is what the base block says, after the logs were applied.
func (h *Hive) Head() Head { return h.head }

// Replay says what the logs did.
func (h *Hive) Replay() Replay { return h.replay }

// noCell is the offset that stands for "none".
const noCell = 0xffffffff

// cell finds what a cell holds: where it begins in the file, and its size in bytes. It
// is 0 bytes where the offset leads nowhere; what is its name for damages.
func (h *Hive) cell(offset uint32, what string) (at int64, size int) {
	at = baseSize + int64(offset)
	head := h.pages.read(at, 4)
	if offset == noCell || int64(offset) >= h.length || len(head) < 4 {
		h.damaged(at, "%s: outside the file", what)
		return at, 0
	}
	if offset%8 != 0 {
		h.damaged(at, "%s: a cell that is not on a multiple of 8", what)
	}
	n := -int64(int32(binary.LittleEndian.Uint32(head)))
	if n < 0 {
		h.damaged(at, "%s: in a cell that is free", what)
		n = -n
	}
	if n > h.length-int64(offset) {
		h.damaged(at, "%s: its cell of %d bytes leads out of the file", what, n)
		n = h.length - int64(offset)
	}
	return at + 4, int(max(0, n-4))
}

// record reads a cell whose contents begin with a signature, at most n bytes of it. It
// is nil where there is no such thing.
func (h *Hive) record(offset uint32, signature string, least, n int) []byte {
	at, size := h.cell(offset, signature)
	b := h.pages.read(at, min(n, size))
	if size == 0 {
		return nil
	}
	if len(b) < least || string(b[:2]) != signature {
		h.damaged(at-4, "no %q where one should be: % x", signature, b[:min(2, len(b))])
		return nil
	}
	return b
}
