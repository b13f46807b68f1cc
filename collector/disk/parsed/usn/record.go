package usn

import (
	"encoding/binary"
	"errors"
	"fmt"

	"hozen/collector/disk/image/ntfs/layout"
	"hozen/collector/disk/parsed"
	"hozen/collector/disk/parsed/mft"
	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// A Row is one row of disk/parsed/usn.jsonl: a record of the change journal.
type Row struct {
	Offset         int64      `json:"offset"`  // of the record in the file
	USN            uint64     `json:"usn"`     // its number in the journal
	Version        string     `json:"version"` // 2.0, 3.0, 4.0
	Time           string     `json:"time,omitempty"`
	Record         uint64     `json:"record"` // of the file, in the MFT
	Sequence       uint16     `json:"sequence"`
	ParentRecord   uint64     `json:"parent_record"` // of its directory
	ParentSequence uint16     `json:"parent_sequence"`
	FileID         string     `json:"file_id,omitempty"`        // of 128 bits, hexadecimal, where that is no record of an MFT (ReFS)
	ParentFileID   string     `json:"parent_file_id,omitempty"` // likewise
	Name           jsonl.Text `json:"name,omitempty"`
	FullPath       jsonl.Text `json:"full_path,omitempty"` // where $MFT was read too: in the directory of that number
	Reasons        []string   `json:"reasons,omitempty"`   // USN_REASON_ by Microsoft's names
	Sources        []string   `json:"sources,omitempty"`   // USN_SOURCE_
	SecurityID     uint32     `json:"security_id,omitempty"`
	Attributes     []string   `json:"attributes,omitempty"` // FILE_ATTRIBUTE_
	Extents        []Extent   `json:"extents,omitempty"`    // version 4: what was written
	Remaining      uint32     `json:"remaining_extents,omitempty"`

	parent layout.Ref
}

// An Extent is a part of a file that was written.
type Extent struct {
	Offset int64 `json:"offset"` // bytes
	Length int64 `json:"length"` // bytes
}

const (
	leastRecord = 60 // of version 2, without a name
	mostRecord  = 64 << 10
	page        = 4096 // no record goes beyond the end of one
)

// sizeOfRecord gives the length of the record that b begins with; an error if it begins
// with none. b may end before the record does.
func sizeOfRecord(b []byte) (int, error) {
	if len(b) < 8 {
		return 0, errors.New("no room for a record")
	}
	n, major := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:])
	least := map[uint16]uint32{2: leastRecord, 3: 76, 4: 64}[major]
	if least == 0 || binary.LittleEndian.Uint16(b[6:]) > 9 {
		return 0, fmt.Errorf("a record of version %d.%d", major, binary.LittleEndian.Uint16(b[6:]))
	}
	if n < least || n > mostRecord || n%8 != 0 {
		return 0, fmt.Errorf("a record of version %d with %d bytes", major, n)
	}
	return int(n), nil
}

// parseRecord reads a whole record.
func parseRecord(b []byte) (*Row, error) {
	n, err := sizeOfRecord(b)
	if err != nil {
		return nil, err
	}
	if n > len(b) {
		return nil, fmt.Errorf("a record of %d bytes, of which %d are here", n, len(b))
	}
	b = b[:n]
	row := &Row{Version: fmt.Sprintf("%d.%d", binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]))}
	rest := b[8:]
	if b[4] == 2 {
		own := layout.Ref(binary.LittleEndian.Uint64(rest))
		row.parent = layout.Ref(binary.LittleEndian.Uint64(rest[8:]))
		row.Record, row.Sequence = own.Number(), own.Sequence()
		rest = rest[16:]
	} else {
		var own layout.Ref
		own, row.FileID = fileID(rest)
		row.parent, row.ParentFileID = fileID(rest[16:])
		row.Record, row.Sequence = own.Number(), own.Sequence()
		rest = rest[32:]
	}
	row.ParentRecord, row.ParentSequence = row.parent.Number(), row.parent.Sequence()
	row.USN = binary.LittleEndian.Uint64(rest)
	if b[4] == 4 {
		return row, row.extents(rest[8:])
	}
	row.Time = parsed.Stamp(filetime.Bytes(rest[8:]))
	row.Reasons, row.Sources = reasons(binary.LittleEndian.Uint32(rest[16:])), sources(binary.LittleEndian.Uint32(rest[20:]))
	row.SecurityID, row.Attributes = binary.LittleEndian.Uint32(rest[24:]), mft.AttributeNames(binary.LittleEndian.Uint32(rest[28:]))
	size, at := int(binary.LittleEndian.Uint16(rest[32:])), int(binary.LittleEndian.Uint16(rest[34:]))
	if at+size > n || at < len(b)-len(rest)+36 || size%2 != 0 {
		return nil, errors.New("its name lies outside")
	}
	row.Name = jsonl.Text(utf16.WTF8(b[at : at+size]))
	return row, nil
}

// extents reads what a record of version 4 has behind its USN.
func (r *Row) extents(b []byte) error {
	r.Reasons, r.Sources = reasons(binary.LittleEndian.Uint32(b)), sources(binary.LittleEndian.Uint32(b[4:]))
	r.Remaining = binary.LittleEndian.Uint32(b[8:])
	n, size := int(binary.LittleEndian.Uint16(b[12:])), int(binary.LittleEndian.Uint16(b[14:]))
	b = b[16:]
	if n > 0 && (size < 16 || n*size > len(b)) {
		return errors.New("its extents lie outside")
	}
	for i := range n {
		e := b[i*size:]
		r.Extents = append(r.Extents, Extent{int64(binary.LittleEndian.Uint64(e)), int64(binary.LittleEndian.Uint64(e[8:]))})
	}
	return nil
}

// fileID reads a FILE_ID_128: on NTFS a reference to a record and zeros.
func fileID(b []byte) (layout.Ref, string) {
	low, high := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if high != 0 {
		return 0, fmt.Sprintf("%016x%016x", high, low)
	}
	return layout.Ref(low), ""
}

// reasons names the bits of USN_REASON_… (winioctl.h).
func reasons(bits uint32) []string {
	return words(bits, []string{
		0: "DATA_OVERWRITE", 1: "DATA_EXTEND", 2: "DATA_TRUNCATION", 4: "NAMED_DATA_OVERWRITE", 5: "NAMED_DATA_EXTEND",
		6: "NAMED_DATA_TRUNCATION", 8: "FILE_CREATE", 9: "FILE_DELETE", 10: "EA_CHANGE", 11: "SECURITY_CHANGE",
		12: "RENAME_OLD_NAME", 13: "RENAME_NEW_NAME", 14: "INDEXABLE_CHANGE", 15: "BASIC_INFO_CHANGE", 16: "HARD_LINK_CHANGE",
		17: "COMPRESSION_CHANGE", 18: "ENCRYPTION_CHANGE", 19: "OBJECT_ID_CHANGE", 20: "REPARSE_POINT_CHANGE",
		21: "STREAM_CHANGE", 22: "TRANSACTED_CHANGE", 23: "INTEGRITY_CHANGE", 24: "DESIRED_STORAGE_CLASS_CHANGE", 31: "CLOSE",
	})
}

// sources names the bits of USN_SOURCE_… (winioctl.h).
func sources(bits uint32) []string {
	return words(bits, []string{"DATA_MANAGEMENT", "AUXILIARY_DATA", "REPLICATION_MANAGEMENT", "CLIENT_REPLICATION_MANAGEMENT"})
}

func words(bits uint32, names []string) (out []string) {
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
