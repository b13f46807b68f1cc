package pe

import (
	"encoding/binary"
	"fmt"
)

// An Import is one library that an image needs, with what it takes from it.
type Import struct {
	DLL       string
	Delayed   bool
	Functions []ImportedFunction
}

// An ImportedFunction is one entry of an import lookup table.
type ImportedFunction struct {
	Name    string // "" for an import by ordinal
	Ordinal uint16
	Slot    uint32 // RVA of its place in the import address table
}

const (
	maxImports   = 1 << 12 // libraries
	maxFunctions = 1 << 17 // of all libraries
)

// Imports gives the libraries of the import directory and of the delayed imports, in order.
// What could be read comes with the error.
func (im *Image) Imports() (all []Import, err error) {
	left := maxFunctions
	for _, kind := range []struct {
		dir, size, name, lookup, slots int
		delayed                        bool
	}{
		{DirectoryImport, 20, 12, 0, 16, false},
		{DirectoryDelay, 32, 4, 16, 12, true},
	} {
		dir := im.Directory(kind.dir)
		if dir.RVA == 0 {
			continue
		}
		for i := 0; ; i++ {
			b, rerr := im.ReadRVA(dir.RVA+uint32(i*kind.size), kind.size)
			if rerr != nil || i == maxImports {
				err = fmt.Errorf("import %d: %w", i, orDamaged(rerr))
				break
			}
			u32 := binary.LittleEndian.Uint32
			if u32(b[kind.name:]) == 0 {
				break
			}
			one := Import{Delayed: kind.delayed}
			var terr error
			if one.DLL, terr = im.text(u32(b[kind.name:]), maxName); terr != nil {
				err = fmt.Errorf("import %d: its name: %w", i, terr)
				break
			}
			lookup, slots := u32(b[kind.lookup:]), u32(b[kind.slots:])
			if lookup == 0 {
				lookup = slots // a table that is both, until it is bound
			}
			one.Functions, rerr = im.lookup(lookup, slots, &left)
			all = append(all, one)
			if rerr != nil {
				err = fmt.Errorf("import %d (%s): %w", i, one.DLL, rerr)
				break
			}
		}
	}
	return all, err
}

func orDamaged(err error) error {
	if err == nil {
		return errDamaged
	}
	return err
}

// lookup reads an import lookup table.
func (im *Image) lookup(rva, slots uint32, left *int) (all []ImportedFunction, err error) {
	size := 4
	if im.Wide {
		size = 8
	}
	for i := 0; ; i++ {
		b, err := im.ReadRVA(rva+uint32(i*size), size)
		if err != nil {
			return all, err
		}
		v, ordinal := uint64(binary.LittleEndian.Uint32(b)), false
		if im.Wide {
			v = binary.LittleEndian.Uint64(b)
			ordinal = v>>63 != 0
		} else {
			ordinal = v>>31 != 0
		}
		if v == 0 {
			return all, nil
		}
		if *left--; *left < 0 {
			return all, fmt.Errorf("more than %d functions", maxFunctions)
		}
		f := ImportedFunction{Slot: slots + uint32(i*size)}
		if ordinal {
			f.Ordinal = uint16(v)
		} else if f.Name, err = im.text(uint32(v)+2, maxName); err != nil { // after the hint
			return all, err
		}
		all = append(all, f)
	}
}
