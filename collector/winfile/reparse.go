package winfile

import (
	"encoding/binary"
	"errors"

	"hozen/collector/utf16"
	"hozen/packager/evidence"
)

// Tags of reparse points, from MS-FSCC 2.1.2.1 "Reparse Tags" and ntifs.h.
const (
	TagMountPoint = 0xa0000003 // junctions and mounted volumes
	TagSymlink    = 0xa000000c
	TagLxSymlink  = 0xa000001d // of the Windows Subsystem for Linux, as the five below
	TagAfUnix     = 0x80000023
	TagLxFIFO     = 0x80000024
	TagLxChar     = 0x80000025
	TagLxBlock    = 0x80000026
	TagDedup      = 0x80000013 // Data Deduplication of Windows Server
	TagWim        = 0x80000008 // stored in a WIM file on the same disk
	TagWof        = 0x80000017 // compressed by the overlay filter: many files of the system
	TagAppExec    = 0x8000001b // an alias of a program of the Store; it has no contents
	TagOneDrive   = 0x80000021
	tagCloud      = 0x9000001a // cloud files: the third digit from the right says whose
	cloudMask     = 0xffff0fff
)

// Cloud says whether a file belongs to a client of a cloud store, which downloads what
// is read of it and is not on this PC.
func Cloud(tag uint32) bool { return tag&cloudMask == tagCloud || tag == TagOneDrive }

// Through says whether the system's own filters give the contents of a file with this
// tag, from this PC, to whoever opens the file through its reparse point.
func Through(tag uint32) bool { return tag == TagDedup || tag == TagWim || tag == TagWof }

// Remote says why the contents of a file must not be read: doing so would fetch them
// from elsewhere. nil: they are on this PC.
//
// The attributes that mean "recall" can be set by the file systems' filters alone;
// "offline", by anybody: without a reparse point behind which somebody could fetch the
// contents, it means nothing.
func Remote(attributes, tag uint32) error {
	recall := attributes&(RecallOnDataAccess|RecallOnOpen) != 0
	switch {
	case recall && (Cloud(tag) || tag == 0), Cloud(tag) && attributes&Offline != 0:
		return evidence.Skip("a cloud placeholder: its contents are not on this PC and were not downloaded")
	case recall, tag != 0 && attributes&Offline != 0:
		return evidence.Skip("its contents are stored elsewhere (reparse tag %#x) and were not fetched", tag)
	case tag == TagAppExec:
		return evidence.Skip("an alias of a program of the Store: it has no contents")
	case tag == 0, Cloud(tag), Through(tag):
		return nil
	}
	return evidence.Skip("what filter of the system gives its contents is not known (reparse tag %#x): it was not asked", tag)
}

// Target reads a REPARSE_DATA_BUFFER (ntifs.h, MS-FSCC 2.1.2): its tag, and where a
// junction or symbolic link leads, as it is stored: `\??\C:\x`, or for a relative link
// `..\x`. The target of an alias of a Store program is that program.
func Target(b []byte) (tag uint32, target string, err error) {
	if len(b) < 8 {
		return 0, "", errShort
	}
	tag = binary.LittleEndian.Uint32(b)
	data := b[8:]
	if n := int(binary.LittleEndian.Uint16(b[4:])); n <= len(data) {
		data = data[:n]
	} else {
		return tag, "", errShort
	}
	switch tag {
	case TagMountPoint:
		target, err = substitute(data, 8)
	case TagSymlink:
		target, err = substitute(data, 12)
	case TagLxSymlink: // a version, then UTF-8
		if len(data) < 4 {
			return tag, "", errShort
		}
		target = string(data[4:])
	case TagAppExec:
		target = appTarget(data)
	}
	return tag, target, err
}

// substitute reads the name that the kernel follows; what lies before the names has so
// many bytes.
func substitute(data []byte, before int) (string, error) {
	if len(data) < before {
		return "", errShort
	}
	at, n := before+int(binary.LittleEndian.Uint16(data)), int(binary.LittleEndian.Uint16(data[2:]))
	if at+n > len(data) {
		return "", errors.New("the target of the link lies outside of its reparse point")
	}
	return utf16.WTF8(data[at : at+n]), nil
}

// appTarget reads the third of the strings of an APPEXECLINK: the program. (Not in
// Microsoft's documentation; as known from Windows' own fsutil.)
func appTarget(data []byte) string {
	if len(data) < 4 {
		return ""
	}
	rest := data[4:]
	for range 2 {
		s := stringTo(rest)
		rest = rest[min(len(rest), len(s)+2):]
	}
	return utf16.WTF8(stringTo(rest))
}

// stringTo gives the bytes before the first NUL, in 16-bit units.
func stringTo(b []byte) []byte {
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return b[:i]
		}
	}
	return b[:len(b)/2*2]
}
