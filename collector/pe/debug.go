package pe

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// A PDB says where the linker put the symbols of an image: CodeView's RSDS record.
type PDB struct {
	Path string // bytes as the linker wrote them, mostly UTF-8
	GUID string // as symbol servers write it, without dashes
	Age  uint32
}

const maxDebug = 64

// PDB gives the first CodeView record; the zero PDB where there is none.
func (im *Image) PDB() (PDB, error) {
	dir := im.Directory(DirectoryDebug)
	if dir.RVA == 0 {
		return PDB{}, nil
	}
	u32 := binary.LittleEndian.Uint32
	for i := range min(dir.Size/28, maxDebug) {
		b, err := im.ReadRVA(dir.RVA+28*i, 28)
		if err != nil {
			return PDB{}, fmt.Errorf("debug directory: %w", err)
		}
		if u32(b[12:]) != 2 { // IMAGE_DEBUG_TYPE_CODEVIEW
			continue
		}
		size, at := int(min(u32(b[16:]), 24+maxName)), u32(b[20:])
		record, err := im.ReadRVA(at, size)
		if len(record) < 24 || string(record[:4]) != "RSDS" {
			return PDB{}, fmt.Errorf("debug record at RVA %#x: %w", at, orDamaged(err))
		}
		g := record[4:20]
		path, _, _ := strings.Cut(string(record[24:]), "\x00")
		return PDB{
			Path: path, Age: u32(record[20:]),
			GUID: fmt.Sprintf("%08X%04X%04X%X", u32(g), binary.LittleEndian.Uint16(g[4:]), binary.LittleEndian.Uint16(g[6:]), g[8:]),
		}, nil
	}
	return PDB{}, nil
}
