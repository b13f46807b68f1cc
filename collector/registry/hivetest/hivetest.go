// Package hivetest makes registry hives for tests: a disk with what a test plants in
// its registry needs no Windows. Begin with Build.
package hivetest

import (
	"encoding/binary"
	"slices"

	"hozen/collector/registry/hive"
	"hozen/collector/utf16"
	"hozen/packager/evidence/sorting"
)

// Key is a key of a hive to be made.
type Key struct {
	Name    string // WTF-8
	Class   string
	Written uint64 // FILETIME
	Flags   uint16 // of package hive; what the name needs is added
	Values  []Value
	Keys    []*Key // put into the order of their names
}

// Value is a value of one.
type Value struct {
	Name string
	Type uint32
	Data []byte
}

// SZ is a value of text with its NUL.
func SZ(name, text string) Value { return Value{name, 1, Text(text)} }

// ExpandSZ is a value of text with names of variables in it.
func ExpandSZ(name, text string) Value { return Value{name, 2, Text(text)} }

// DWORD is a number of 32 bits.
func DWORD(name string, n uint32) Value {
	return Value{name, 4, binary.LittleEndian.AppendUint32(nil, n)}
}

// MultiSZ is a list of texts.
func MultiSZ(name string, texts ...string) Value {
	v := Value{Name: name, Type: 7}
	for _, t := range texts {
		v.Data = append(v.Data, Text(t)...)
	}
	v.Data = append(v.Data, 0, 0)
	return v
}

// Text is UTF-16 with a NUL at the end.
func Text(s string) []byte { return append(units(s), 0, 0) }

func units(s string) []byte {
	b, err := utf16.Bytes(s)
	if err != nil {
		return []byte(s)
	}
	return b
}

// At gives the key of a path below k, made where it is not there.
func (k *Key) At(path ...string) *Key {
	for _, name := range path {
		i := slices.IndexFunc(k.Keys, func(c *Key) bool { return hive.Fold(c.Name) == hive.Fold(name) })
		if i < 0 {
			i = len(k.Keys)
			k.Keys = append(k.Keys, &Key{Name: name, Written: k.Written})
		}
		k = k.Keys[i]
	}
	return k
}

// Build makes a hive, version 1.5, with sequence numbers 1. Its root key is root.
func Build(root *Key) []byte {
	b := &builder{}
	at := b.key(root, 0xffffffff, hive.FlagEntry|hive.FlagNoDelete)
	b.bin(0)
	head := make([]byte, 4096, 4096+len(b.out))
	copy(head, "regf")
	for at, v := range map[int]uint32{4: 1, 8: 1, 20: 1, 24: 5, 32: 1, 36: at, 40: uint32(len(b.out)), 44: 1} {
		binary.LittleEndian.PutUint32(head[at:], v)
	}
	binary.LittleEndian.PutUint64(head[12:], root.Written)
	Sign(head)
	return append(head, b.out...)
}

// Sign writes the checksum of a base block that was changed.
func Sign(head []byte) {
	var sum uint32
	for at := 0; at < 508; at += 4 {
		sum ^= binary.LittleEndian.Uint32(head[at:])
	}
	switch sum {
	case 0:
		sum = 1
	case 0xffffffff:
		sum = 0xfffffffe
	}
	binary.LittleEndian.PutUint32(head[508:], sum)
}

// builder puts cells into hive bins.
type builder struct {
	out  []byte
	free int // bytes left in the last bin
}

// bin fills the last bin up with a free cell and, if need is not 0, begins one that has
// room for a cell of need bytes.
func (b *builder) bin(need int) {
	if b.free > 0 {
		b.out = binary.LittleEndian.AppendUint32(b.out, uint32(b.free))
		b.out = append(b.out, make([]byte, b.free-4)...)
		b.free = 0
	}
	if need == 0 {
		return
	}
	size := (need + 32 + 4095) &^ 4095
	head := make([]byte, 32)
	copy(head, "hbin")
	binary.LittleEndian.PutUint32(head[4:], uint32(len(b.out)))
	binary.LittleEndian.PutUint32(head[8:], uint32(size))
	b.out, b.free = append(b.out, head...), size-32
}

// cell makes a cell of size bytes and gives its offset; its contents are at offset+4.
func (b *builder) cell(contents []byte) uint32 {
	size := (len(contents) + 4 + 7) &^ 7
	if size > b.free {
		b.bin(size)
	}
	at := uint32(len(b.out))
	b.out = binary.LittleEndian.AppendUint32(b.out, uint32(-size))
	b.out = append(append(b.out, contents...), make([]byte, size-4-len(contents))...)
	b.free -= size
	return at
}

func (b *builder) list(offsets []uint32) uint32 {
	if len(offsets) == 0 {
		return 0xffffffff
	}
	var c []byte
	for _, o := range offsets {
		c = binary.LittleEndian.AppendUint32(c, o)
	}
	return b.cell(c)
}

func (b *builder) key(k *Key, parent uint32, flags uint16) uint32 {
	name, latin := encodeName(k.Name)
	nk := make([]byte, 76, 76+len(name))
	copy(nk, "nk")
	flags |= k.Flags
	if latin {
		flags |= 1 << 5
	}
	binary.LittleEndian.PutUint16(nk[2:], flags)
	binary.LittleEndian.PutUint64(nk[4:], k.Written)
	binary.LittleEndian.PutUint16(nk[72:], uint16(len(name)))
	at := b.cell(append(nk, name...))
	put := func(field int, v uint32) { binary.LittleEndian.PutUint32(b.out[int(at)+4+field:], v) }
	put(16, parent)
	put(20, uint32(len(k.Keys)))
	put(28, b.keys(k.Keys, at))
	put(32, 0xffffffff)
	put(36, uint32(len(k.Values)))
	var values []uint32
	for _, v := range k.Values {
		values = append(values, b.value(v))
	}
	put(40, b.list(values))
	put(44, 0xffffffff)
	put(48, 0xffffffff)
	if class := units(k.Class); len(class) > 0 {
		put(48, b.cell(class))
		binary.LittleEndian.PutUint16(b.out[int(at)+4+74:], uint16(len(class)))
	}
	return at
}

// keys makes the keys below one and their list: an lh, or an ri of such.
func (b *builder) keys(keys []*Key, parent uint32) uint32 {
	if len(keys) == 0 {
		return 0xffffffff
	}
	keys = slices.Clone(keys)
	sorting.By(keys, func(a, b *Key) int { return slices.Compare([]byte(hive.Fold(a.Name)), []byte(hive.Fold(b.Name))) })
	var leaves []uint32
	for part := range slices.Chunk(keys, 500) {
		list := append([]byte("lh"), byte(len(part)), byte(len(part)>>8))
		for _, k := range part {
			list = binary.LittleEndian.AppendUint32(list, b.key(k, parent, 0))
			list = binary.LittleEndian.AppendUint32(list, hash(k.Name))
		}
		leaves = append(leaves, b.cell(list))
	}
	if len(leaves) == 1 {
		return leaves[0]
	}
	list := append([]byte("ri"), byte(len(leaves)), byte(len(leaves)>>8))
	for _, l := range leaves {
		list = binary.LittleEndian.AppendUint32(list, l)
	}
	return b.cell(list)
}

// hash is that of an lh (Suhanov's specification, "Hash leaf").
func hash(name string) (h uint32) {
	u := units(hive.Fold(name))
	for i := 0; i+1 < len(u); i += 2 {
		h = 37*h + uint32(binary.LittleEndian.Uint16(u[i:]))
	}
	return h
}

func (b *builder) value(v Value) uint32 {
	name, latin := encodeName(v.Name)
	vk := make([]byte, 20, 20+len(name))
	copy(vk, "vk")
	binary.LittleEndian.PutUint16(vk[2:], uint16(len(name)))
	if latin {
		vk[16] = 1
	}
	size := uint32(len(v.Data))
	switch {
	case size <= 4:
		copy(vk[8:12], v.Data)
		size |= 1 << 31
	case size <= 16344:
		binary.LittleEndian.PutUint32(vk[8:], b.cell(v.Data))
	default:
		binary.LittleEndian.PutUint32(vk[8:], b.big(v.Data))
	}
	binary.LittleEndian.PutUint32(vk[4:], size)
	binary.LittleEndian.PutUint32(vk[12:], v.Type)
	return b.cell(append(vk, name...))
}

// big makes big data: segments of 16344 bytes in cells that are 4 bytes longer.
func (b *builder) big(data []byte) uint32 {
	var segments []uint32
	for part := range slices.Chunk(data, 16344) {
		segments = append(segments, b.cell(append(slices.Clone(part), 0, 0, 0, 0)))
	}
	db := append([]byte("db"), byte(len(segments)), byte(len(segments)>>8))
	db = binary.LittleEndian.AppendUint32(db, b.list(segments))
	return b.cell(append(db, 0, 0, 0, 0))
}

// encodeName writes a name in Latin-1 where that can say it, else in UTF-16.
func encodeName(s string) (name []byte, latin bool) {
	wide := units(s)
	for i := 0; i+1 < len(wide); i += 2 {
		if wide[i+1] != 0 {
			return wide, false
		}
		name = append(name, wide[i])
	}
	return name, true
}
