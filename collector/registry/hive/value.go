package hive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

const (
	valueSize  = 20      // of a vk before its name
	inline     = 1 << 31 // in the size: the data are in the field of the offset
	latinValue = 1 << 0  // in the flags: the name is in Latin-1
	segment    = 16344   // bytes of a segment of big data, but the last
)

// Value is a value of a key.
type Value struct {
	hive   *Hive
	Offset uint32 // of its cell, from the beginning of the hive bins
	Name   string // WTF-8; "" is the default value; any character may be in it, NUL too
	Type   uint32
	Size   uint32 // of the data in bytes, as the value says

	data     uint32 // where they are
	isInline bool
}

// Values gives the values in their order. What is damaged is left out, and taken down.
func (k *Key) Values() iter.Seq[*Value] {
	return func(yield func(*Value) bool) {
		if k.Count == 0 {
			return
		}
		at, size := k.hive.cell(k.values, "list of values")
		count := int64(k.Count)
		if fit := int64(size / 4); fit < count {
			k.hive.damaged(at-4, "list of values: %d entries do not fit into its cell", count)
			count = fit
		}
		for n := range count {
			b := k.hive.pages.read(at+4*n, 4)
			if len(b) < 4 {
				return
			}
			v := k.hive.value(binary.LittleEndian.Uint32(b))
			if v == nil && k.hive.rejects() || v != nil && !yield(v) {
				return
			}
		}
	}
}

// value reads a vk; nil if there is none.
func (h *Hive) value(offset uint32) *Value {
	b := h.record(offset, "vk", valueSize, valueSize+maxValueName)
	if b == nil {
		return nil
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	v := &Value{hive: h, Offset: offset, Size: u32(4), data: u32(8), Type: u32(12)}
	v.isInline, v.Size = v.Size&inline != 0, v.Size&^inline
	name := b[valueSize:]
	if n := int(binary.LittleEndian.Uint16(b[2:])); n <= len(name) {
		name = name[:n]
	} else {
		h.damaged(baseSize+int64(offset), "value: its name of %d bytes is cut after %d", n, len(name))
	}
	v.Name = decodeName(name, binary.LittleEndian.Uint16(b[16:])&latinValue != 0)
	return v
}

// Read gives the data, at most limit bytes of them. What could be read is given with an
// error that says why it is not all.
func (v *Value) Read(limit int) ([]byte, error) {
	switch {
	case v.isInline:
		return v.readInline(limit)
	case v.Size == 0:
		return nil, nil
	}
	n := int(min(int64(v.Size), int64(limit)))
	at, size := v.hive.cell(v.data, "data of a value")
	if size == 0 {
		return nil, fmt.Errorf("its data at %#x cannot be read", at)
	}
	var b []byte
	if head := v.hive.pages.read(at, 8); v.Size > segment && size < int(v.Size) && len(head) == 8 && string(head[:2]) == "db" {
		b = v.readBig(head, at, n)
	} else {
		b = v.hive.pages.read(at, min(n, size))
	}
	if len(b) < n {
		v.hive.damaged(at-4, "data of a value: %d of %d bytes are there", len(b), v.Size)
		return b, fmt.Errorf("only %d of %d bytes are there", len(b), v.Size)
	}
	return b, limited(v.Size, limit)
}

// ErrLimit is the error of Read where the limit was below the size.
var ErrLimit = errors.New("longer than the limit")

func limited(size uint32, limit int) error {
	if int64(size) > int64(limit) {
		return ErrLimit
	}
	return nil
}

func (v *Value) readInline(limit int) ([]byte, error) {
	b := binary.LittleEndian.AppendUint32(nil, v.data)
	if v.Size > 4 {
		v.hive.damaged(baseSize+int64(v.Offset), "value: %d bytes of data in a field of 4", v.Size)
		return b[:min(4, limit)], fmt.Errorf("only 4 of %d bytes are there", v.Size)
	}
	return b[:min(int(v.Size), limit)], limited(v.Size, limit)
}

// readBig puts n bytes together from the segments (specification, "Big data").
func (v *Value) readBig(head []byte, from int64, n int) (out []byte) {
	count := int(binary.LittleEndian.Uint16(head[2:]))
	at, size := v.hive.cell(binary.LittleEndian.Uint32(head[4:]), "list of segments")
	if need := (int(v.Size) + segment - 1) / segment; count != need {
		v.hive.damaged(from-4, "big data: %d segments for %d bytes", count, v.Size)
	}
	list := v.hive.pages.read(at, min(4*count, size))
	for ; len(list) >= 4 && len(out) < n; list = list[4:] {
		at, size := v.hive.cell(binary.LittleEndian.Uint32(list), "segment of big data")
		want := min(segment, n-len(out))
		b := v.hive.pages.read(at, min(want, size))
		out = append(out, b...)
		if len(b) < want {
			break
		}
	}
	return out
}
