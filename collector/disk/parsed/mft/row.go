package mft

import (
	"fmt"

	"hozen/collector/disk/image/ntfs/layout"
	"hozen/collector/disk/parsed"
	"hozen/collector/jsonl"
)

// A Row is one row of disk/parsed/mft.jsonl: a record of the MFT with its extensions.
type Row struct {
	Record     uint64     `json:"record"`               // its number
	OwnRecord  *uint32    `json:"own_record,omitempty"` // the number that it says itself, where that is another
	Sequence   uint16     `json:"sequence"`             // how often it was used
	InUse      bool       `json:"in_use"`               // false: what it was of is deleted
	Directory  bool       `json:"directory,omitempty"`
	FullPath   jsonl.Text `json:"full_path,omitempty"` // by the name that programs see
	Links      uint16     `json:"links"`
	LSN        uint64     `json:"lsn,omitempty"`        // of the last change in $LogFile
	Base       *Reference `json:"base,omitempty"`       // the record that this one belongs to, where it has a row of its own
	Extensions []uint64   `json:"extensions,omitempty"` // records that belong to this one, and are in this row
	Stamps
	Attributes  []string   `json:"attributes,omitempty"` // FILE_ATTRIBUTE_ by Microsoft's names
	SecurityID  uint32     `json:"security_id,omitempty"`
	USN         uint64     `json:"usn,omitempty"`
	Size        int64      `json:"size"`               // bytes of the contents
	Allocated   int64      `json:"allocated"`          // bytes
	Resident    bool       `json:"resident,omitempty"` // the contents lie in the record
	Names       []NameRow  `json:"names,omitempty"`
	Streams     []Stream   `json:"streams,omitempty"` // alternate ones
	Reparse     string     `json:"reparse,omitempty"` // tag of the reparse point, hexadecimal
	ReparseName string     `json:"reparse_name,omitempty"`
	ObjectID    string     `json:"object_id,omitempty"` // a GUID
	Earlier     []string   `json:"si_before_fn,omitempty"`
	Whole       []string   `json:"si_whole_seconds,omitempty"`
	Damage      []string   `json:"damage,omitempty"`
	Data        *DataFlags `json:"data,omitempty"`

	text int  // bytes of the paths of Names
	more bool // there are more names or streams
}

// DataFlags say how contents are stored.
type DataFlags struct {
	Compressed bool `json:"compressed,omitempty"`
	Encrypted  bool `json:"encrypted,omitempty"`
	Sparse     bool `json:"sparse,omitempty"`
}

// A Reference is one to a record.
type Reference struct {
	Record   uint64 `json:"record"`
	Sequence uint16 `json:"sequence"`
}

// Stamps are the four times of $STANDARD_INFORMATION or of a $FILE_NAME; absent where
// they are not set.
type Stamps struct {
	Created  string `json:"created,omitempty"`
	Modified string `json:"modified,omitempty"`
	Changed  string `json:"changed,omitempty"` // of the record
	Accessed string `json:"accessed,omitempty"`
}

// A NameRow is a name of the file ($FILE_NAME), with what it says of it.
type NameRow struct {
	Name           jsonl.Text `json:"name"`
	Namespace      string     `json:"namespace"` // posix, win32, dos, win32_and_dos
	FullPath       jsonl.Text `json:"full_path"`
	ParentRecord   uint64     `json:"parent_record"`
	ParentSequence uint16     `json:"parent_sequence"`
	Stamps
	Size       int64    `json:"size,omitempty"` // when the name was last written
	Allocated  int64    `json:"allocated,omitempty"`
	Attributes []string `json:"attributes,omitempty"`
	Reparse    string   `json:"reparse,omitempty"`
}

// A Stream is an alternate stream of the file.
type Stream struct {
	Name      jsonl.Text `json:"name"`
	Size      int64      `json:"size"`
	Allocated int64      `json:"allocated"`
	Resident  bool       `json:"resident,omitempty"`
	Content   jsonl.Text `json:"content,omitempty"` // of Zone.Identifier, if it is resident
	DataFlags
}

// StampsOf gives the four times as rows have them.
func StampsOf(t layout.Times) Stamps {
	return Stamps{parsed.Stamp(t.Created), parsed.Stamp(t.Modified), parsed.Stamp(t.Changed), parsed.Stamp(t.Accessed)}
}

// Namespace names that of a file name.
func Namespace(n uint8) string {
	if n > layout.Win32AndDOS {
		return fmt.Sprintf("%d", n)
	}
	return [...]string{"posix", "win32", "dos", "win32_and_dos"}[n]
}

// AttributeNames gives the names of the bits of FILE_ATTRIBUTE_… (winnt.h; "File Attribute
// Constants", Microsoft) without that beginning; unknown bits come as a number.
func AttributeNames(bits uint32) (out []string) {
	names := [...]string{
		0: "READONLY", 1: "HIDDEN", 2: "SYSTEM", 4: "DIRECTORY", 5: "ARCHIVE", 6: "DEVICE", 7: "NORMAL", 8: "TEMPORARY",
		9: "SPARSE_FILE", 10: "REPARSE_POINT", 11: "COMPRESSED", 12: "OFFLINE", 13: "NOT_CONTENT_INDEXED", 14: "ENCRYPTED",
		15: "INTEGRITY_STREAM", 16: "VIRTUAL", 17: "NO_SCRUB_DATA", 18: "RECALL_ON_OPEN", 19: "PINNED", 20: "UNPINNED",
		22: "RECALL_ON_DATA_ACCESS", 28: "MFT_DIRECTORY", 29: "MFT_INDEX_VIEW",
	}
	for i, name := range names {
		if bit := uint32(1) << i; name != "" && bits&bit != 0 {
			out, bits = append(out, name), bits&^bit
		}
	}
	if bits != 0 {
		out = append(out, fmt.Sprintf("%#x", bits))
	}
	return out
}

// reparseName names the tags that tell a responder something ([MS-FSCC] section 2.1.2.1).
func reparseName(tag uint32) string {
	if tag&0xffff0fff == 0x9000001A {
		return "CLOUD"
	}
	return map[uint32]string{
		0xA0000003: "MOUNT_POINT", 0xA000000C: "SYMLINK", 0x8000001B: "APPEXECLINK", 0x80000013: "DEDUP",
		0x80000017: "WOF", 0x8000000A: "DFS", 0x80000012: "DFSR", 0xA000001D: "LX_SYMLINK", 0x80000023: "AF_UNIX",
		0x80000024: "LX_FIFO", 0x80000025: "LX_CHR", 0x80000026: "LX_BLK", 0x9000001C: "PROJFS", 0xA0000022: "PROJFS_TOMBSTONE",
		0x80000018: "WCI", 0xA000001F: "WCI_TOMBSTONE", 0x80000009: "SIS", 0xC0000004: "HSM", 0x80000006: "HSM2",
		0x80000021: "ONEDRIVE", 0x80000008: "WIM", 0x8000001E: "STORAGE_SYNC", 0xA0000019: "GLOBAL_REPARSE",
	}[tag]
}
