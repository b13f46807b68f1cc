package registry

import (
	"encoding/binary"
	"errors"
	"fmt"

	"hozen/collector/utf16"
	"hozen/packager/evidence"
)

// Type is the type of a value, as the value says it; it promises nothing of the data
// (winnt.h; Microsoft, "Registry value types").
type Type uint32

// The types.
const (
	None                     Type = 0
	SZ                       Type = 1 // text, to be ended by NUL
	ExpandSZ                 Type = 2 // the same, with %NAME% in it
	Binary                   Type = 3
	DWORD                    Type = 4
	DWORDBigEndian           Type = 5
	Link                     Type = 6 // text without NUL: where a symbolic link leads
	MultiSZ                  Type = 7 // texts, each ended by NUL, and one NUL more
	ResourceList             Type = 8
	FullResourceDescriptor   Type = 9
	ResourceRequirementsList Type = 10
	QWORD                    Type = 11
)

// String is Windows' own word; the number in hexadecimal where there is none.
func (t Type) String() string {
	names := [...]string{"REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY", "REG_DWORD", "REG_DWORD_BIG_ENDIAN",
		"REG_LINK", "REG_MULTI_SZ", "REG_RESOURCE_LIST", "REG_FULL_RESOURCE_DESCRIPTOR", "REG_RESOURCE_REQUIREMENTS_LIST", "REG_QWORD"}
	if int64(t) < int64(len(names)) {
		return names[t]
	}
	return fmt.Sprintf("%#x", uint32(t))
}

// Value is one value of a key.
type Value struct {
	Name string // WTF-8; "" is the default value; a NUL may be in it
	Type Type
	Data []byte // as they lie there
	Size int64  // of the data in bytes, as the registry says it
	// Err says why Data is not all; nil if it is. It wraps ErrLimit where a limit of
	// ours did that.
	Err error
}

// ErrLimit is wrapped by errors that say that a limit of ours cut something; as an
// outcome it is a shortfall.
var ErrLimit = evidence.Cut("over the limit")

// ErrType is wrapped by the errors of Text and the like for a value of another type or
// with too little data for its type.
var ErrType = errors.New("not of the type that was asked for")

func (v Value) typeError() error {
	return fmt.Errorf("value %q of %s, %d bytes: %w", v.Name, v.Type, len(v.Data), ErrType)
}

// Text gives a text (SZ, ExpandSZ, Link) up to its first NUL, as Windows reads it:
// nothing is expanded, a missing NUL and an odd last byte do no harm. Odd says what else
// is in the data.
func (v Value) Text() (string, error) {
	if v.Type != SZ && v.Type != ExpandSZ && v.Type != Link {
		return "", v.typeError()
	}
	return utf16.ToNUL(v.Data), nil
}

// Texts gives the texts of a MultiSZ up to the first empty one; of a SZ, ExpandSZ or
// Link the one, unless it is empty.
func (v Value) Texts() ([]string, error) {
	if v.Type != MultiSZ {
		text, err := v.Text()
		if err != nil || text == "" {
			return nil, err
		}
		return []string{text}, nil
	}
	var out []string
	for rest := v.Data; len(rest) >= 2; {
		n := nul(rest)
		if n == 0 {
			break
		}
		out = append(out, utf16.WTF8(rest[:n]))
		rest = rest[min(n+2, len(rest)):]
	}
	return out, nil
}

// nul gives the number of bytes before the first NUL of UTF-16.
func nul(b []byte) int {
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return i
		}
	}
	return len(b) &^ 1
}

// DWORD gives a number of 32 bits, of a DWORDBigEndian too. More data than 4 bytes are
// passed over, as Windows does.
func (v Value) DWORD() (uint32, error) {
	if len(v.Data) >= 4 {
		switch v.Type {
		case DWORD:
			return binary.LittleEndian.Uint32(v.Data), nil
		case DWORDBigEndian:
			return binary.BigEndian.Uint32(v.Data), nil
		}
	}
	return 0, v.typeError()
}

// QWORD gives a number of 64 bits, or that of a DWORD.
func (v Value) QWORD() (uint64, error) {
	if v.Type == QWORD && len(v.Data) >= 8 {
		return binary.LittleEndian.Uint64(v.Data), nil
	}
	n, err := v.DWORD()
	return uint64(n), err
}

// Odd says what in the data is not as the type has it: another length than its own, no
// NUL at the end, something behind the NUL where nobody looks. "" if nothing is.
func (v Value) Odd() string {
	switch v.Type {
	case SZ, ExpandSZ, Link:
		return v.oddText()
	case MultiSZ:
		return v.oddTexts()
	case DWORD, DWORDBigEndian:
		if len(v.Data) != 4 {
			return fmt.Sprintf("%d bytes of data, not 4", len(v.Data))
		}
	case QWORD:
		if len(v.Data) != 8 {
			return fmt.Sprintf("%d bytes of data, not 8", len(v.Data))
		}
	}
	return ""
}

func (v Value) oddText() string {
	n := nul(v.Data)
	switch {
	case len(v.Data)%2 != 0:
		return "text of an odd number of bytes"
	case v.Type == Link || len(v.Data) == 0:
	case n == len(v.Data):
		return "no NUL at the end"
	case n+2 < len(v.Data):
		for _, c := range v.Data[n:] {
			if c != 0 {
				return "something behind the NUL"
			}
		}
	}
	return ""
}

func (v Value) oddTexts() string {
	if len(v.Data)%2 != 0 {
		return "text of an odd number of bytes"
	}
	rest := v.Data
	for len(rest) >= 2 {
		n := nul(rest)
		if n == len(rest) {
			return "no NUL at the end"
		}
		rest = rest[n+2:]
		if n == 0 {
			break
		}
	}
	for _, c := range rest {
		if c != 0 {
			return "something behind the last text"
		}
	}
	return ""
}
