package hive

import "encoding/binary"

// CheckBins goes through the hive bins and takes down each that is not one
// (specification, "Hive bin"). Keys and values are read without it: it tells of damage
// to what no key leads to.
func (h *Hive) CheckBins() {
	end := min(h.length, int64(h.head.Length))
	for at := int64(0); at < end; {
		b := h.pages.read(baseSize+at, 32)
		if len(b) < 32 || string(b[:4]) != "hbin" {
			h.damaged(baseSize+at, "no hive bin where one should be")
			at += 4096
			continue
		}
		if said := binary.LittleEndian.Uint32(b[4:]); int64(said) != at {
			h.damaged(baseSize+at, "hive bin: it says to be at %#x", baseSize+int64(said))
		}
		size := int64(binary.LittleEndian.Uint32(b[8:]))
		if size < 4096 || size%4096 != 0 || size > end-at {
			h.damaged(baseSize+at, "hive bin: of %d bytes", size)
			size = 4096
		}
		at += size
	}
}
