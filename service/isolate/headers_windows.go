package isolate

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// enumerator has the calls of fwpuclnt.dll that list filters (learn.microsoft.com/windows/win32/api/fwpmu).
type enumerator struct{ open, close, create, destroy, enum, free *windows.LazyProc }

func newEnumerator() enumerator {
	dll := windows.NewLazySystemDLL("fwpuclnt.dll")
	return enumerator{dll.NewProc("FwpmEngineOpen0"), dll.NewProc("FwpmEngineClose0"), dll.NewProc("FwpmFilterCreateEnumHandle0"),
		dll.NewProc("FwpmFilterDestroyEnumHandle0"), dll.NewProc("FwpmFilterEnum0"), dll.NewProc("FwpmFreeMemory0")}
}

// Bounds of what is looked at of one filter, and of how many there may be.
const (
	maxFilters     = 1 << 17
	maxFilterData  = 1 << 16
	maxFilterTests = 1024
	maxFilterName  = 256
	maxSIDParts    = 15 // SID_MAX_SUB_AUTHORITIES (winnt.h)
)

// listFilters gives all filters but boot-time ones; names are of layers.
func listFilters(names map[guid]string) (out []wfpSeen, err error) {
	e := newEnumerator()
	const winNT = 10 // RPC_C_AUTHN_WINNT
	var engine, list windows.Handle
	if r, _, _ := e.open.Call(0, winNT, 0, 0, uintptr(unsafe.Pointer(&engine))); r != 0 {
		return nil, explained(windows.Errno(r))
	}
	defer e.close.Call(uintptr(engine))
	if r, _, _ := e.create.Call(uintptr(engine), 0, uintptr(unsafe.Pointer(&list))); r != 0 {
		return nil, explained(windows.Errno(r))
	}
	defer e.destroy.Call(uintptr(engine), uintptr(list))
	for len(out) < maxFilters {
		page, err := e.page(engine, list)
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, f := range page {
			f.layer = names[f.layerID]
			out = append(out, f)
		}
	}
	return nil, fmt.Errorf("filtering platform: over %d filters", maxFilters)
}

func (e enumerator) page(engine, list windows.Handle) (out []wfpSeen, err error) {
	const page = 100
	var entries **byte
	var n uint32
	if r, _, _ := e.enum.Call(uintptr(engine), uintptr(list), page, uintptr(unsafe.Pointer(&entries)), uintptr(unsafe.Pointer(&n))); r != 0 {
		return nil, explained(windows.Errno(r))
	}
	if entries == nil {
		return nil, nil
	}
	defer e.free.Call(uintptr(unsafe.Pointer(&entries)))
	for _, at := range unsafe.Slice(entries, n) {
		f, err := copied(at).parse()
		if err != nil {
			return nil, fmt.Errorf("filtering platform: %w", err)
		}
		out = append(out, f)
	}
	return out, nil
}

// copied copies what is wanted of a FWPM_FILTER0 with what it points at, each by its documented
// size.
func copied(at *byte) (r rawFilter) {
	r.fixed = bytesAt(at, filterSize)
	if name := pointerAt(at, filterName); name != nil {
		r.name = textAt(name)
	}
	r.provider = bytesAt(pointerAt(at, filterProvider), 16)
	r.data = blobAt((*byte)(unsafe.Add(unsafe.Pointer(at), filterData)))
	r.weight = pointedBy((*byte)(unsafe.Add(unsafe.Pointer(at), filterWeight)))
	tests := pointerAt(at, filterTests+8)
	if n := binary.LittleEndian.Uint32(r.fixed[filterTests:]); tests != nil && n <= maxFilterTests {
		r.tests = bytesAt(tests, int(n)*testSize)
		for i := range int(n) {
			r.values = append(r.values, pointedBy((*byte)(unsafe.Add(unsafe.Pointer(tests), i*testSize+testValue))))
		}
	}
	return r
}

// pointedBy copies what a value points at.
func pointedBy(value *byte) []byte {
	typ := *(*uint32)(unsafe.Pointer(value))
	if inlineSize(typ) > 0 || pointedSize(typ) == 0 && !isBlob(typ) && typ != typeSID {
		return nil // the union is no pointer, or one to what is not read
	}
	to := pointerAt(value, 8)
	switch {
	case to == nil:
		return nil
	case isBlob(typ):
		return blobAt(to)
	case typ == typeSID: // revision, number of parts, 6 bytes, parts of 4 bytes each
		return bytesAt(to, 8+4*int(min(bytesAt(to, 2)[1], maxSIDParts)))
	}
	return bytesAt(to, pointedSize(typ))
}

func pointerAt(at *byte, offset int) *byte {
	return *(**byte)(unsafe.Add(unsafe.Pointer(at), offset))
}

func bytesAt(at *byte, n int) []byte {
	if at == nil {
		return nil
	}
	return append([]byte(nil), unsafe.Slice(at, n)...)
}

// blobAt copies what a FWP_BYTE_BLOB holds, cut at maxFilterData.
func blobAt(blob *byte) []byte {
	return bytesAt(pointerAt(blob, 8), int(min(*(*uint32)(unsafe.Pointer(blob)), maxFilterData)))
}

func textAt(at *byte) string {
	var text []uint16
	for i := range maxFilterName {
		c := *(*uint16)(unsafe.Add(unsafe.Pointer(at), 2*i))
		if c == 0 {
			break
		}
		text = append(text, c)
	}
	return windows.UTF16ToString(text)
}

// pointedSize is how many bytes are at the pointer; 0 of what is not read.
func pointedSize(typ uint32) int {
	switch typ {
	case 4, 8, 10: // UINT64, INT64, DOUBLE
		return 8
	case 11: // BYTE_ARRAY16
		return 16
	case 18: // BYTE_ARRAY6
		return 6
	case 0x100: // V4_ADDR_MASK
		return 8
	case 0x101: // V6_ADDR_MASK
		return 17
	case typeRange: // two FWP_VALUE0
		return 2 * valueSize
	}
	return 0
}

// isBlob says whether at the pointer is a FWP_BYTE_BLOB: a size, and at 8 a pointer.
func isBlob(typ uint32) bool { return typ == 12 || typ == 14 || typ == 16 }
