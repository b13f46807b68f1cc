package winfile

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"hozen/collector/filetime"
	"hozen/packager/evidence"
)

// Attributes of a file (FILE_ATTRIBUTE_*), from "File Attribute Constants" in
// Microsoft's documentation of fileio.
const (
	ReadOnly           = 0x1
	Hidden             = 0x2
	System             = 0x4
	Directory          = 0x10
	Archive            = 0x20
	Sparse             = 0x200
	Reparse            = 0x400
	Compressed         = 0x800
	Offline            = 0x1000
	Encrypted          = 0x4000
	RecallOnOpen       = 0x40000
	Pinned             = 0x80000
	Unpinned           = 0x100000
	RecallOnDataAccess = 0x400000
)

// An Info is what the kernel says of an open file.
type Info struct {
	Created, Accessed, Written, Changed uint64 // FILETIME
	Attributes                          uint32
	Tag                                 uint32 // of a reparse point; else 0
	Size, Allocated                     int64  // bytes
	Links                               uint32
	Serial                              uint32 // of the volume
	ID                                  uint64 // the file's number on it: of NTFS, the record in the low 48 bits, how often it was used above; see FileID
	Target                              string // of a link, as it is stored
	Owner                               string // SID; "" if it is not known
}

var errShort = errors.New("the answer of the system is cut")

// Basic reads FILE_BASIC_INFORMATION (ntddk.h): four times and the attributes.
func (i *Info) Basic(b []byte) error {
	if len(b) < 36 {
		return errShort
	}
	i.Created, i.Accessed = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	i.Written, i.Changed = binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	i.Attributes = binary.LittleEndian.Uint32(b[32:])
	return nil
}

// Standard reads FILE_STANDARD_INFORMATION (ntddk.h): allocation and size, of the
// stream that is open, and the number of hard links.
func (i *Info) Standard(b []byte) error {
	if len(b) < 22 {
		return errShort
	}
	i.Allocated, i.Size = int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
	i.Links = binary.LittleEndian.Uint32(b[16:])
	return nil
}

// FileID reads FILE_ID_INFO (winbase.h): the serial number of the volume in 64 bits, of
// which the low ones are those that every call gives, and the file's number in 128. A
// number of 64 bits, as of NTFS, is the low half of it and stays what it is. Those of ReFS
// need all 128: they are folded into the first 8 bytes, little-endian, of the SHA-256 of
// the 16 that Windows gave, which no writer of files can make the same for two.
func (i *Info) FileID(b []byte) error {
	if len(b) < 24 {
		return errShort
	}
	i.Serial, i.ID = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[8:])
	if binary.LittleEndian.Uint64(b[16:]) != 0 {
		sum := sha256.Sum256(b[8:24])
		i.ID = binary.LittleEndian.Uint64(sum[:])
	}
	return nil
}

// AttributeTag reads FILE_ATTRIBUTE_TAG_INFORMATION (ntifs.h): attributes, and the tag
// of a reparse point.
func (i *Info) AttributeTag(b []byte) error {
	if len(b) < 8 {
		return errShort
	}
	i.Attributes, i.Tag = binary.LittleEndian.Uint32(b), 0
	if i.Attributes&Reparse != 0 {
		i.Tag = binary.LittleEndian.Uint32(b[4:])
	}
	return nil
}

// Meta makes the description of the file. Windows has no st_mode: all rights are
// shown, as for images. The type is that of the file, a symbolic link for whatever
// leads to another name. A negative size is 0.
func (i *Info) Meta() *evidence.FileMeta {
	m := &evidence.FileMeta{
		Mode: i.kind() | 0o777, Size: max(i.Size, 0), Blocks: (max(i.Allocated, 0) + 511) / 512,
		Dev: uint64(i.Serial), Inode: i.ID, Nlink: uint64(i.Links), LinkTarget: i.Target, Owner: i.Owner,
		Btime: filetime.Time(i.Created), Atime: filetime.Time(i.Accessed), Mtime: filetime.Time(i.Written), Ctime: filetime.Time(i.Changed),
		Attributes: i.Attributes, ReparseTag: i.Tag,
	}
	if m.Mode&evidence.ModeType == evidence.ModeDir {
		m.Size = 0 // NTFS gives that of its index, other file systems what they like
	}
	return m
}

func (i *Info) kind() uint32 {
	if i.Attributes&Reparse != 0 {
		switch i.Tag {
		case TagSymlink, TagMountPoint, TagLxSymlink:
			return evidence.ModeSymlink
		case TagAfUnix:
			return evidence.ModeSocket
		case TagLxFIFO:
			return evidence.ModeFIFO
		case TagLxChar:
			return evidence.ModeChar
		case TagLxBlock:
			return evidence.ModeBlock
		}
	}
	if i.Attributes&Directory != 0 {
		return evidence.ModeDir
	}
	return evidence.ModeRegular
}
