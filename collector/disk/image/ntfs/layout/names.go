package layout

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hozen/collector/filetime"
	"hozen/collector/utf16"
)

// Times are the four of a file, in UTC; zero if they are not set.
type Times struct{ Created, Modified, Changed, Accessed time.Time } // Changed is of the record

func timesOf(b []byte) Times {
	return Times{filetime.Bytes(b), filetime.Bytes(b[8:]), filetime.Bytes(b[16:]), filetime.Bytes(b[24:])}
}

// A Standard is the value of an attribute STANDARD_INFORMATION.
type Standard struct {
	Times
	Attributes uint32 // FILE_ATTRIBUTE_…
	SecurityID uint32 // 0 before Windows 2000
	USN        uint64 // of the last change in the journal; 0 if there was none
}

// ParseStandard reads it.
func ParseStandard(b []byte) (Standard, error) {
	if len(b) < 36 {
		return Standard{}, fmt.Errorf("standard information of %d bytes", len(b))
	}
	s := Standard{Times: timesOf(b), Attributes: binary.LittleEndian.Uint32(b[32:])}
	if len(b) >= 72 {
		s.SecurityID, s.USN = binary.LittleEndian.Uint32(b[52:]), binary.LittleEndian.Uint64(b[64:])
	}
	return s, nil
}

// Namespaces of a name.
const (
	Posix       = 0
	Win32       = 1
	DOS         = 2
	Win32AndDOS = 3
)

// A FileName is the value of an attribute FILE_NAME, and the key of a directory's index.
type FileName struct {
	Parent Ref
	Times
	Allocated  int64 // bytes of the contents, when the name was last written
	Size       int64
	Attributes uint32 // FILE_ATTRIBUTE_…
	Reparse    uint32 // tag of the reparse point, or the size of extended attributes
	Space      uint8
	Name       string // WTF-8
}

// nameSize is what stands before the name.
const nameSize = 66

// ParseFileName reads it; b may be longer.
func ParseFileName(b []byte) (FileName, error) {
	if len(b) < nameSize || len(b) < nameSize+2*int(b[64]) {
		return FileName{}, errors.New("a name that lies outside")
	}
	return FileName{
		Parent: Ref(binary.LittleEndian.Uint64(b)), Times: timesOf(b[8:]),
		Allocated: int64(binary.LittleEndian.Uint64(b[40:])), Size: int64(binary.LittleEndian.Uint64(b[48:])),
		Attributes: binary.LittleEndian.Uint32(b[56:]), Reparse: binary.LittleEndian.Uint32(b[60:]),
		Space: b[65], Name: utf16.WTF8(b[nameSize : nameSize+2*int(b[64])]),
	}, nil
}
