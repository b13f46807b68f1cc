package ntapi

import "fmt"

// A Handle is one SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX (phnt, ntexapi.h).
type Handle struct {
	Object     uint64 // address of the object in the kernel: the same object has the same; 0 where it is hidden
	PID        uint32
	Value      uint64
	Access     uint32 // GrantedAccess
	Type       uint16 // index of its type: see ObjectTypes
	Attributes uint32 // OBJ_INHERIT 2, OBJ_PROTECT_CLOSE 1
}

const handleSize = 0x28

// Handles reads an answer of SystemExtendedHandle. What can be read before an error is given with it.
func Handles(a Answer) ([]Handle, error) {
	if !a.has(0, 16) {
		return nil, fmt.Errorf("table of handles: %w", ErrShort)
	}
	said := a.u64(0)
	n := min(said, uint64((len(a.Data)-16)/handleSize))
	all := make([]Handle, n)
	for i := range all {
		at := 16 + i*handleSize
		all[i] = Handle{
			Object: a.u64(at), PID: uint32(a.u64(at + 0x08)), Value: a.u64(at + 0x10),
			Access: a.u32(at + 0x18), Type: a.u16(at + 0x1e), Attributes: a.u32(at + 0x20),
		}
	}
	if n < said {
		return all, fmt.Errorf("handle %d of %d: %w", n, said, ErrShort)
	}
	return all, nil
}

// An ObjectType is one OBJECT_TYPE_INFORMATION (phnt, ntobapi.h).
type ObjectType struct {
	Index       uint16 // as Handle.Type
	Name        string // "File", "Key", "Process"
	Objects     uint32
	Handles     uint32
	ValidAccess uint32
}

const maxObjectTypes = 256 // the index is one byte in the kernel

// ObjectTypes reads an answer of NtQueryObject's ObjectTypesInformation: a count, and then,
// each aligned to 8 bytes, a type and its name. Systems before Windows 8.1 leave the index
// 0: theirs begins with 2.
func ObjectTypes(a Answer) ([]ObjectType, error) {
	if !a.has(0, 8) {
		return nil, fmt.Errorf("table of object types: %w", ErrShort)
	}
	var all []ObjectType
	at := 8
	for i := range int(min(a.u32(0), maxObjectTypes)) {
		if !a.has(at, 0x68) {
			return all, fmt.Errorf("object type %d: %w", i, ErrShort)
		}
		t := ObjectType{Index: uint16(a.u8(at + 0x5a)), Objects: a.u32(at + 0x10), Handles: a.u32(at + 0x14), ValidAccess: a.u32(at + 0x54)}
		if t.Index == 0 {
			t.Index = uint16(i + 2)
		}
		var err error
		if t.Name, err = a.unicode(at); err != nil {
			return all, fmt.Errorf("object type %d: %w", i, err)
		}
		all = append(all, t)
		at += 0x68 + (int(a.u16(at+2))+7)&^7
	}
	return all, nil
}
