package pe

import (
	"encoding/binary"
	"fmt"
)

// An Export is one function or variable that an image gives to others.
type Export struct {
	Name      string // "" for one that has only its ordinal
	Ordinal   uint32
	RVA       uint32 // 0 for a forwarder
	Forwarder string // "NTDLL.RtlAllocateHeap"
}

const (
	maxExports = 1 << 16
	maxName    = 1 << 12 // bytes of a name
)

// Exports gives the name that the image has for itself and what it exports: those with
// names in the order of the names, then those without. What could be read comes with the error.
func (im *Image) Exports() (name string, all []Export, err error) {
	dir := im.Directory(DirectoryExport)
	if dir.RVA == 0 {
		return "", nil, nil
	}
	b, err := im.ReadRVA(dir.RVA, 40)
	if err != nil {
		return "", nil, fmt.Errorf("export directory: %w", err)
	}
	u32 := binary.LittleEndian.Uint32
	name, _ = im.text(u32(b[12:]), maxName)
	base, functions, names := u32(b[16:]), u32(b[20:]), u32(b[24:])
	if functions > maxExports || names > maxExports {
		return name, nil, fmt.Errorf("export directory: %d functions, %d names", functions, names)
	}
	table, err := im.ReadRVA(u32(b[28:]), int(4*functions))
	if err != nil {
		return name, nil, fmt.Errorf("export addresses: %w", err)
	}
	nameTable, err := im.ReadRVA(u32(b[32:]), int(4*names))
	if err != nil {
		return name, nil, fmt.Errorf("export names: %w", err)
	}
	ordinals, err := im.ReadRVA(u32(b[36:]), int(2*names))
	if err != nil {
		return name, nil, fmt.Errorf("export ordinals: %w", err)
	}
	x := exporter{im, dir, base, table, map[uint32]bool{}}
	for i := range int(names) {
		at := uint32(binary.LittleEndian.Uint16(ordinals[2*i:]))
		text, terr := im.text(u32(nameTable[4*i:]), maxName)
		if terr != nil || at >= functions {
			err = fmt.Errorf("export name %d: of function %d, %w", i, at, errDamaged)
			continue
		}
		all = append(all, x.export(text, at))
	}
	for i := range functions {
		if !x.named[i] && u32(table[4*i:]) != 0 {
			all = append(all, x.export("", i))
		}
	}
	return name, all, err
}

type exporter struct {
	im    *Image
	dir   Directory
	base  uint32
	table []byte
	named map[uint32]bool
}

func (x *exporter) export(name string, i uint32) Export {
	x.named[i] = true
	e := Export{Name: name, Ordinal: x.base + i, RVA: binary.LittleEndian.Uint32(x.table[4*i:])}
	if e.RVA >= x.dir.RVA && e.RVA-x.dir.RVA < x.dir.Size { // into the directory itself: a forwarder
		e.Forwarder, _ = x.im.text(e.RVA, maxName)
		e.RVA = 0
	}
	return e
}
