package ntapi

import (
	"errors"
	"fmt"
	"io"

	"hozen/packager/evidence/fault"
)

// A Module is one LDR_DATA_TABLE_ENTRY (phnt, ntldr.h) of the loader of a process: what the
// process says is loaded. It lies in memory that the process can write.
type Module struct {
	Entry      uint64 // address of the entry itself: the same one stands in all three lists
	Base       uint64
	EntryPoint uint64
	Size       uint32 // SizeOfImage
	FullName   string // FullDllName, WTF-8
	BaseName   string
	Flags      uint32
	LoadCount  uint16
	Timestamp  uint32 // as in the image's header
	LoadTime   uint64 // FILETIME; Windows 8 and later
	LoadReason int32  // LDR_DLL_LOAD_REASON; Windows 8 and later
	Wide       bool   // of the 64-bit lists
	// The place in each list, from 1 on; 0 if it is not in it. InInit leaves out the program itself.
	InLoad, InMemory, InInit int
	Error                    string // what of it could not be read
}

// maxModules bounds one list; maxModuleNames the names in all three, in bytes: each could
// have 64 KiB.
const (
	maxModules     = 1 << 14
	maxModuleNames = 1 << 23
)

// The three lists, with where their links lie in the entry.
const (
	listLoad = iota
	listMemory
	listInit
)

// ReadModules walks the three lists of the loader and joins them: InLoadOrder, InMemoryOrder
// and InInitializationOrder. What is in only one of them is given, too. The modules that
// could be read come with an error that says what is wrong with the lists: one that ends
// nowhere, that comes back to its middle, or whose links lead back to somewhere else.
func ReadModules(mem io.ReaderAt, peb PEB) ([]Module, error) {
	if peb.Ldr == 0 {
		return nil, errors.New("loader: the PEB has no lists: the loader has not run")
	}
	v := view{mem, peb.Wide}
	var all []Module
	at := map[uint64]int{} // index in all by address of the entry
	var errs []error
	names := 0
	for list := range 3 {
		head := peb.Ldr + v.pick(0x10, 0x0c) + uint64(list)*v.pick(0x10, 0x08)
		err := v.walk(head, func(link uint64, place int) {
			entry := link - uint64(list)*v.pick(0x10, 0x08)
			i, known := at[entry]
			if !known {
				i = len(all)
				at[entry] = i
				if names > maxModuleNames {
					all = append(all, Module{Entry: entry, Wide: v.wide, Error: "not read: the names of others are too long"})
				} else {
					m := v.module(entry)
					names += len(m.FullName) + len(m.BaseName)
					all = append(all, m)
				}
			}
			switch list {
			case listLoad:
				all[i].InLoad = place
			case listMemory:
				all[i].InMemory = place
			case listInit:
				all[i].InInit = place
			}
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("loader's list in order of %s: %w", [...]string{"load", "memory", "initialization"}[list], err))
		}
	}
	return all, fault.Join(errs...)
}

// walk follows the LIST_ENTRY chain from its head.
func (v view) walk(head uint64, visit func(link uint64, place int)) error {
	seen := map[uint64]bool{}
	var wrong error
	for prev, link := head, uint64(0); ; {
		a, err := v.read(prev, int(v.pick(16, 8)))
		if err != nil {
			return err
		}
		link = v.pointer(a, 0, 0)
		if back := v.pointer(a, 8, 4); wrong == nil && prev != head && !seen[back] && back != head {
			wrong = fmt.Errorf("entry %d: its back link leads to %#x, which is not before it", len(seen), back)
		}
		switch {
		case link == head:
			return wrong
		case link == 0:
			return fmt.Errorf("entry %d: leads nowhere", len(seen))
		case seen[link]:
			return fmt.Errorf("entry %d: leads back to %#x, in the middle of the list", len(seen), link)
		case len(seen) == maxModules:
			return fmt.Errorf("more than %d entries", maxModules)
		}
		seen[link] = true
		visit(link, len(seen))
		prev = link
	}
}

func (v view) module(entry uint64) Module {
	m := Module{Entry: entry, Wide: v.wide}
	a, err := v.read(entry, int(v.pick(0x110, 0x98)))
	if err != nil {
		m.Error = err.Error()
		if a, err = v.read(entry, int(v.pick(0x88, 0x48))); err != nil {
			return m // an entry of Windows 7 is shorter, and may end its page
		}
		m.Error = ""
	}
	m.Base, m.EntryPoint = v.pointer(a, 0x30, 0x18), v.pointer(a, 0x38, 0x1c)
	m.Size, m.Flags, m.LoadCount = a.u32(int(v.pick(0x40, 0x20))), a.u32(int(v.pick(0x68, 0x34))), a.u16(int(v.pick(0x6c, 0x38)))
	m.Timestamp = a.u32(int(v.pick(0x80, 0x44)))
	m.LoadTime, m.LoadReason = a.u64(int(v.pick(0x100, 0x88))), int32(a.u32(int(v.pick(0x10c, 0x94))))
	var full, base error
	m.FullName, full = v.text(a, 0x48, 0x24, 0)
	m.BaseName, base = v.text(a, 0x58, 0x2c, 0)
	if err := fault.Join(full, base); err != nil {
		m.Error = err.Error()
	}
	return m
}

// LoadReasonName is the word of LDR_DLL_LOAD_REASON without its LoadReason; "" for a number
// without one.
func (m *Module) LoadReasonName() string {
	return word(uint32(m.LoadReason), "StaticDependency", "StaticForwarderDependency", "DynamicForwarderDependency",
		"DelayloadDependency", "DynamicLoad", "AsImageLoad", "AsDataLoad", "EnclavePrimary", "EnclaveDependency", "PatchImage")
}
