package wmi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hozen/collector/utf16"
	"hozen/packager/evidence/sorting"
)

// Types of properties ([MS-WMIO] section 2.2.82), without those that are read as others.
const (
	typeSint16  = 0x02
	typeSint32  = 0x03
	typeReal32  = 0x04
	typeReal64  = 0x05
	typeString  = 0x08
	typeBoolean = 0x0b
	typeObject  = 0x0d
	typeSint8   = 0x10
	typeUint8   = 0x11
	typeUint16  = 0x12
	typeUint32  = 0x13
	typeSint64  = 0x14
	typeUint64  = 0x15
	typeDate    = 0x65
	typeRef     = 0x66
	typeChar16  = 0x67
	typeArray   = 0x2000
	typeMask    = 0x3fff // above: marks of inheritance
)

// maxProperties bounds one class.
const maxProperties = 1024

// A field is how a class lays out one property.
type field struct {
	name   string
	kind   uint32
	order  uint16
	offset uint32 // in the table of values
}

// width is the size of a property in the table of values.
func (f field) width() uint32 {
	if f.kind&typeArray != 0 {
		return 4
	}
	switch f.kind & typeMask {
	case typeSint8, typeUint8:
		return 1
	case typeSint16, typeUint16, typeBoolean, typeChar16:
		return 2
	case typeReal64, typeSint64, typeUint64:
		return 8
	}
	return 4
}

// A class is a definition: its own properties, or also those above it.
type class struct {
	name, super string
	fields      []field
}

// parseClass reads a record that defines a class: the name of the class above it, a
// time, and a block as in [MS-WMIO] section 2.2.13. Its fields are read if asked for.
func parseClass(b []byte, fields bool) (class, error) {
	if len(b) < 4 {
		return class{}, errors.New("no class")
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if n > 256 || 4+2*n+8+17 > uint64(len(b)) {
		return class{}, errors.New("no class")
	}
	c := class{super: utf16.WTF8(b[4 : 4+2*n])}
	block := b[4+2*n+8:]
	size := uint64(binary.LittleEndian.Uint32(block))
	if size < 17 || size > uint64(len(block)) {
		return class{}, errors.New("no class")
	}
	return c.block(block[:size], fields)
}

// block reads what is behind the size: a byte, where the name is, the size of the table
// of values, the classes above, qualifiers, properties, the table, and the heap.
func (c class) block(b []byte, fields bool) (class, error) {
	nameAt, table := binary.LittleEndian.Uint32(b[5:]), uint64(binary.LittleEndian.Uint32(b[9:]))
	at := uint64(13)
	for range 2 { // classes above, qualifiers: each with its size, which counts itself
		if at+4 > uint64(len(b)) {
			return class{}, errors.New("no class")
		}
		at += max(4, uint64(binary.LittleEndian.Uint32(b[at:])))
	}
	if at+4 > uint64(len(b)) {
		return class{}, errors.New("no class")
	}
	n := uint64(binary.LittleEndian.Uint32(b[at:]))
	lookups := at + 4
	heapAt := lookups + 8*n + table
	if n > maxProperties || heapAt+4 > uint64(len(b)) {
		return class{}, errors.New("no class")
	}
	heap := b[heapAt+4:]
	if size := uint64(binary.LittleEndian.Uint32(b[heapAt:]) &^ heapMark); size > uint64(len(heap)) {
		return class{}, errors.New("no class")
	}
	var ok bool
	if c.name, ok = heapString(heap, nameAt); !ok || c.name == "" {
		return class{}, errors.New("no class")
	}
	for i := uint64(0); fields && i < n; i++ {
		f, err := parseField(heap, binary.LittleEndian.Uint32(b[lookups+8*i:]), binary.LittleEndian.Uint32(b[lookups+8*i+4:]))
		if err != nil {
			return c, fmt.Errorf("class %s: property %d: %w", c.name, i, err)
		}
		c.fields = append(c.fields, f)
	}
	return c, nil
}

func parseField(heap []byte, nameAt, infoAt uint32) (field, error) {
	name, ok := heapString(heap, nameAt)
	if !ok || uint64(infoAt)+10 > uint64(len(heap)) {
		return field{}, errors.New("not in the heap")
	}
	b := heap[infoAt:]
	return field{
		name: name, kind: binary.LittleEndian.Uint32(b) & typeMask,
		order: binary.LittleEndian.Uint16(b[4:]), offset: binary.LittleEndian.Uint32(b[6:]),
	}, nil
}

// inherit puts the fields of the class above before its own; one of the same name is
// the same property.
func (c *class) inherit(above []field) {
	all := slices.Clone(above)
	for _, f := range c.fields {
		at := slices.IndexFunc(all, func(g field) bool { return strings.EqualFold(g.name, f.name) })
		if at < 0 {
			all = append(all, f)
		} else {
			all[at] = f
		}
	}
	sorting.By(all, func(a, b field) int { return int(a.order) - int(b.order) })
	c.fields = all
}
