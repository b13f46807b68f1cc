package isolate

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// A FWPM_FILTER0 as 64-bit Windows lays it out
// (learn.microsoft.com/windows/win32/api/fwpmtypes/ns-fwpmtypes-fwpm_filter0): the key; name and
// description; flags; pointer to the provider's key; provider data (size, pointer); layer;
// sublayer; weight; conditions (number, pointer); action (type, GUID); a context (a union of a
// number and a GUID); reserved; the number in the kernel; the weight that holds.
const (
	filterName     = 16
	filterFlags    = 32
	filterProvider = 40
	filterData     = 48
	filterLayer    = 64
	filterSublayer = 80
	filterWeight   = 96
	filterTests    = 112
	filterAction   = 128
	filterSize     = 200

	actionBlock   = 0x1001 // FWP_ACTION_BLOCK
	actionCallout = 0x4000 // FWP_ACTION_FLAG_CALLOUT: the GUID behind it is a callout's key
	flagIndexed   = 0x40   // FWPM_FILTER_FLAG_INDEXED, which the platform sets as it likes
	flagHard      = 0x8    // FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT
)

// A FWPM_FILTER_CONDITION0: field, kind of match, value. A value (FWP_CONDITION_VALUE0,
// FWP_VALUE0) is a type, and at 8 the number itself or a pointer.
const (
	testMatch = 16
	testValue = 24
	testSize  = 40
	valueSize = 16
)

// Types of values that are more than a number (FWP_DATA_TYPE).
const (
	typeSID   = 13
	typeRange = 0x102
)

// inlineSize is how many bytes of the union hold a number of this type; 0: it is a pointer, or
// nothing. The others are whatever was there before.
func inlineSize(typ uint32) int {
	switch typ {
	case 1, 5: // UINT8, INT8
		return 1
	case 2, 6: // UINT16, INT16
		return 2
	case 3, 7, 9: // UINT32, INT32, FLOAT
		return 4
	}
	return 0
}

// A rawFilter is a FWPM_FILTER0 with what it points at, copied.
type rawFilter struct {
	fixed    []byte // filterSize
	name     string
	provider []byte // a GUID, or nothing
	data     []byte
	weight   []byte
	tests    []byte   // testSize for each condition; fewer than there are: more than are read
	values   [][]byte // of each, what its value points at
}

// parse gives the filter; its text is the same each time that the same filter is read, since it
// has nothing of pointers, of bytes that nobody set, and of what the platform numbers.
func (r rawFilter) parse() (f wfpSeen, err error) {
	b := r.fixed
	if len(b) < filterSize || len(r.provider) != 0 && len(r.provider) != 16 {
		return f, fmt.Errorf("a filter of %d bytes, of a provider of %d", len(b), len(r.provider))
	}
	action, flags := binary.LittleEndian.Uint32(b[filterAction:]), binary.LittleEndian.Uint32(b[filterFlags:])&^flagIndexed
	f = wfpSeen{id: nativeGUID(b), sublayer: nativeGUID(b[filterSublayer:]), name: r.name, block: action == actionBlock, data: string(r.data)}
	if len(r.provider) == 16 {
		f.provider = nativeGUID(r.provider)
	}
	f.layerID = nativeGUID(b[filterLayer:])
	var t strings.Builder
	fmt.Fprintf(&t, "%s %q layer %s action %#x", f.id, f.name, f.layerID, action)
	if action&actionCallout != 0 {
		fmt.Fprintf(&t, " callout %s", nativeGUID(b[filterAction+4:]))
	}
	fmt.Fprintf(&t, " hard %v flags %#x weight %s provider %s data %x", flags&flagHard != 0, flags, valueText(b[filterWeight:], r.weight), f.provider, r.data)
	n := int(binary.LittleEndian.Uint32(b[filterTests:]))
	for i := range min(n, len(r.tests)/testSize) {
		c := r.tests[i*testSize:][:testSize]
		var at []byte
		if i < len(r.values) {
			at = r.values[i]
		}
		fmt.Fprintf(&t, " [%s match %d %s]", nativeGUID(c), binary.LittleEndian.Uint32(c[testMatch:]), valueText(c[testValue:], at))
	}
	if n > len(r.tests)/testSize {
		fmt.Fprintf(&t, " (of %d conditions)", n)
	}
	f.text = t.String()
	return f, nil
}

// valueText writes a value of at least valueSize bytes; at is what it points at.
func valueText(v, at []byte) string {
	typ := binary.LittleEndian.Uint32(v)
	if n := inlineSize(typ); n > 0 {
		var number [8]byte
		copy(number[:], v[8:8+n])
		return fmt.Sprintf("type %d %d", typ, binary.LittleEndian.Uint64(number[:]))
	}
	switch {
	case typ == typeRange && len(at) >= 2*valueSize:
		return fmt.Sprintf("from %s to %s", valueText(at, nil), valueText(at[valueSize:], nil))
	case len(at) > 0:
		return fmt.Sprintf("type %d %x", typ, at)
	}
	return fmt.Sprintf("type %d", typ)
}

// nativeGUID reads a GUID as it lies in memory: its first three parts are little endian.
func nativeGUID(b []byte) (g guid) {
	copy(g[:], []byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6]})
	copy(g[8:], b[8:16])
	return g
}
