package hive

import (
	"encoding/binary"
	"errors"
	"iter"
	"time"

	"hozen/collector/filetime"
	"hozen/collector/utf16"
)

// Flags of a key (specification, "Key node", "Flags").
const (
	FlagVolatile = 1 << 0
	FlagExit     = 1 << 1 // another hive is mounted here
	FlagEntry    = 1 << 2 // the root key of a hive
	FlagNoDelete = 1 << 3
	FlagLink     = 1 << 4 // a symbolic link: its value SymbolicLinkValue says where to
	flagLatin    = 1 << 5 // the name is in Latin-1
	flagPredef   = 1 << 6 // the count of values is something else
)

const (
	nodeSize = 76  // of an nk before its name
	maxDepth = 512 // of keys (Microsoft, "Registry element size limits")
	// Windows has at most 255 characters in the name of a key, and 16383 in that of a
	// value. Cells that overlap could have one name of 64 KiB each.
	maxKeyName, maxValueName = 1 << 10, 1 << 15 // bytes
)

// Key is a key of a hive.
type Key struct {
	hive   *Hive
	parent *Key
	depth  int

	Offset    uint32 // of its cell, from the beginning of the hive bins
	Name      string // WTF-8; any character may be in it, NUL too
	Flags     uint16
	LastWrite uint64 // FILETIME
	// Keys and Count are how many keys and values it says to have.
	Keys, Count uint32
	// Security is the offset of the cell of its security descriptor.
	Security uint32

	list, values, class uint32
	classSize           uint16
	owner               uint32 // the parent's offset, as the key says it
}

// Time is when the key, its values or the list of its keys were last changed.
func (k *Key) Time() time.Time { return filetime.Time(k.LastWrite) }

// Root is the first key.
func (h *Hive) Root() (*Key, error) {
	k := h.key(h.head.Root, nil)
	if k == nil {
		return nil, errors.New("the root key cannot be read")
	}
	return k, nil
}

// key reads an nk; nil if there is none.
func (h *Hive) key(offset uint32, parent *Key) *Key {
	b := h.record(offset, "nk", nodeSize, nodeSize+maxKeyName)
	if b == nil {
		return nil
	}
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	k := &Key{
		hive: h, parent: parent, Offset: offset,
		Flags: u16(2), LastWrite: binary.LittleEndian.Uint64(b[4:]), owner: u32(16),
		Keys: u32(20), list: u32(28), Count: u32(36), values: u32(40),
		Security: u32(44), class: u32(48), classSize: u16(74),
	}
	if parent != nil {
		k.depth = parent.depth + 1
	}
	if k.Flags&flagPredef != 0 {
		k.Count = 0
	}
	name := b[nodeSize:]
	if n := int(u16(72)); n <= len(name) {
		name = name[:n]
	} else {
		h.damaged(baseSize+int64(offset), "key: its name of %d bytes is cut after %d", n, len(name))
	}
	k.Name = decodeName(name, k.Flags&flagLatin != 0)
	return k
}

// decodeName reads a name in Latin-1 ("compressed") or UTF-16.
func decodeName(b []byte, latin bool) string {
	if !latin {
		return utf16.WTF8(b)
	}
	out := make([]byte, 0, len(b))
	for _, c := range b {
		if c < 0x80 {
			out = append(out, c)
		} else {
			out = append(out, 0xc0|c>>6, 0x80|c&0x3f)
		}
	}
	return string(out)
}

// Class is the class name; "" for nearly all keys.
func (k *Key) Class() string {
	if k.classSize == 0 || k.class == noCell {
		return ""
	}
	at, size := k.hive.cell(k.class, "class name")
	b := k.hive.pages.read(at, min(int(k.classSize), size))
	if len(b) < int(k.classSize) && size > 0 {
		k.hive.damaged(at-4, "class name: cut after %d of %d bytes", len(b), k.classSize)
	}
	return utf16.WTF8(b)
}

// Subkeys gives the keys below this one, in the order of the list, which is that of
// their names. What is damaged is left out, and taken down.
func (k *Key) Subkeys() iter.Seq[*Key] {
	return func(yield func(*Key) bool) {
		for offset := range k.offsets() {
			c := k.child(offset)
			if c == nil && k.hive.rejects() || c != nil && !yield(c) {
				return
			}
		}
	}
}

// child reads one key of the list, unless a walk would not end with it.
func (k *Key) child(offset uint32) *Key {
	at := baseSize + int64(offset)
	if k.depth >= maxDepth {
		k.hive.damaged(at, "key: more than %d deep", maxDepth)
		return nil
	}
	for above := k; above != nil; above = above.parent {
		if above.Offset == offset {
			k.hive.damaged(at, "key: it is below itself")
			return nil
		}
	}
	c := k.hive.key(offset, k)
	if c == nil {
		return nil
	}
	if c.owner != k.Offset {
		k.hive.damaged(at, "key: it says that its parent is at %#x, not at %#x", baseSize+int64(c.owner), baseSize+int64(k.Offset))
	}
	if !k.hive.give(c, k) {
		k.hive.damaged(at, "key: it is below two keys")
		return nil
	}
	return c
}

// give says whether a key may be given below another: no key is given below two. Those
// that say the same of their parent need one bit; the few others are remembered.
func (h *Hive) give(c, below *Key) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.given == nil {
		h.given = make([]uint64, h.length/(8*64)+1)
	}
	word, bit := c.Offset/(8*64), uint64(1)<<(c.Offset/8%64)
	first, adopted := h.adopted[c.Offset]
	switch {
	case adopted:
		return first == below.Offset
	case c.owner == below.Offset:
		h.given[word] |= bit
		return true
	case h.given[word]&bit != 0:
		return false
	}
	h.adopted[c.Offset] = below.Offset
	return true
}

// indexFrom is the number of keys from which they are looked up in an index.
const indexFrom, maxIndexed, maxIndexText = 32, 1 << 20, 64 << 20

// Subkey finds a key by its name, whose case is not looked at; nil if there is none.
func (k *Key) Subkey(name string) *Key {
	folded := Fold(name)
	if k.Keys < indexFrom {
		for c := range k.Subkeys() {
			if Fold(c.Name) == folded {
				return c
			}
		}
		return nil
	}
	k.hive.mu.Lock()
	names := k.hive.index[k.Offset]
	k.hive.mu.Unlock()
	if names == nil {
		names = k.makeIndex()
	}
	if offset, ok := names[folded]; ok {
		return k.child(offset)
	}
	return nil
}

func (k *Key) makeIndex() map[string]uint32 {
	names, text := map[string]uint32{}, 0
	for c := range k.Subkeys() {
		folded := Fold(c.Name)
		if text += len(folded); len(names) >= maxIndexed || text > maxIndexText {
			k.hive.damaged(k.Position(), "key: of the keys below it only %d can be found by name", len(names))
			break
		}
		if _, twice := names[folded]; !twice {
			names[folded] = c.Offset
		}
	}
	h := k.hive
	h.mu.Lock()
	defer h.mu.Unlock()
	h.indexed += len(names)
	if h.indexText += text; h.indexed > maxIndexed || h.indexText > maxIndexText {
		clear(h.index)
		h.indexed, h.indexText = len(names), text
	}
	h.index[k.Offset] = names
	return names
}

// Position is where the key's cell is in the file.
func (k *Key) Position() int64 { return baseSize + int64(k.Offset) }
