package onwindows

import "encoding/binary"

// Since Windows 10 the loader may change code by a table of its own, which the image
// has for that: the dynamic value relocation table (winnt.h:
// IMAGE_DYNAMIC_RELOCATION_TABLE, IMAGE_DYNAMIC_RELOCATION64, and for its symbol 7,
// which replaces whole functions, IMAGE_FUNCTION_OVERRIDE_HEADER and
// IMAGE_FUNCTION_OVERRIDE_DYNAMIC_RELOCATION).
const (
	dynamicOverride = 7
	// dynamicReach is how many bytes from a named place on may be changed: the longest
	// is a call through a register with its prefixes.
	dynamicReach = 16
	maxDynamic   = 16 << 20
)

// dynamicFixes lists the places that the table names.
func (f *peFile) dynamicFixes() (out []span) {
	d := f.dirs[dirLoadConfig]
	offset, section, size := 0xe0, 0xe4, 0xe8 // IMAGE_LOAD_CONFIG_DIRECTORY64
	entry := 12                               // Symbol of 8 bytes, BaseRelocSize
	if !f.wide {
		offset, section, size, entry = 0x94, 0x98, 0x9c, 8
	}
	le := binary.LittleEndian
	config := make([]byte, size)
	f.at(config, uint64(d.rva))
	n := int(le.Uint16(config[section:]))
	if d.rva == 0 || le.Uint32(config) < uint32(size) || n == 0 || n > len(f.sections) {
		return nil
	}
	table := uint64(f.sections[n-1].rva) + uint64(le.Uint32(config[offset:]))
	head := make([]byte, 8)
	f.at(head, table)
	if le.Uint32(head) != 1 || le.Uint32(head[4:]) > maxDynamic {
		return nil
	}
	b := make([]byte, le.Uint32(head[4:]))
	f.at(b, table+8)
	for len(b) >= entry {
		symbol, length := uint64(le.Uint32(b)), le.Uint32(b[entry-4:])
		if f.wide {
			symbol = le.Uint64(b)
		}
		b = b[entry:]
		if uint64(length) > uint64(len(b)) {
			break
		}
		if symbol == dynamicOverride {
			out = append(out, overrides(b[:length])...)
		} else {
			out = append(out, fixPlaces(b[:length])...)
		}
		b = b[length:]
	}
	return out
}

// fixPlaces reads blocks of IMAGE_BASE_RELOCATION whatever their entries mean: two bytes
// each, the low twelve bits a place in the page.
func fixPlaces(b []byte) (out []span) {
	le := binary.LittleEndian
	for len(b) >= 8 {
		page, size := le.Uint32(b), le.Uint32(b[4:])
		if size < 8 || uint64(size) > uint64(len(b)) {
			break
		}
		for e := b[8:size]; len(e) >= 2; e = e[2:] {
			at := uint64(page) + uint64(le.Uint16(e)&0xfff)
			out = append(out, span{at, at + dynamicReach})
		}
		b = b[size:]
	}
	return out
}

// overrides reads the entries of functions that are replaced.
func overrides(b []byte) (out []span) {
	le := binary.LittleEndian
	if len(b) < 4 || uint64(le.Uint32(b)) > uint64(len(b)-4) {
		return nil
	}
	b = b[4:][:le.Uint32(b)]
	for len(b) >= 16 {
		rvas, blocks := uint64(le.Uint32(b[8:])), uint64(le.Uint32(b[12:]))
		b = b[16:]
		if rvas+blocks > uint64(len(b)) {
			break
		}
		out = append(out, fixPlaces(b[rvas:rvas+blocks])...)
		b = b[rvas+blocks:]
	}
	return out
}
