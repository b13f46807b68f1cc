package recyclebin

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"hozen/collector/disk/parsed"
	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// A Row is one deleted file or folder.
type Row struct {
	Version int        `json:"version"`           // of the $I file: 1, 2; of INFO2: 4, 5
	Name    jsonl.Text `json:"name"`              // where it was: "C:\Users\a\b.zip"
	Size    uint64     `json:"size"`              // in bytes; of a folder, of all in it
	Deleted *time.Time `json:"deleted,omitempty"` // left out where none is set
	// Contents is the name beside it that holds what was deleted: "$RI3DF3L.zip", "Dc1.txt".
	Contents jsonl.Text `json:"contents"`
	// ShortName is the name in the system's code page, of INFO2 only.
	ShortName jsonl.Text `json:"short_name,omitempty"`
	// Emptied says that an entry of INFO2 was taken out of the bin, restored or destroyed.
	Emptied bool `json:"emptied,omitempty"`
}

// Format is that of $I files and of INFO2.
func Format() parsed.Format {
	return parsed.Format{
		Name: "recyclebin", Doc: "what was thrown into the Recycle Bin: from where, and when",
		Takes: func(f *parsed.File) bool {
			return isI(f.Base()) && inBin(f.Path) || f.IsNamed("INFO2")
		},
		MaxFile: 16 << 20,
		Rows:    rows,
	}
}

// isI says whether a name is that of a $I file, and of none that describes an index.
func isI(base string) bool {
	return len(base) > 2 && strings.EqualFold(base[:2], "$I") && !strings.EqualFold(base, "$I30")
}

// inBin says whether a file lies in a folder of the Recycle Bin.
func inBin(path string) bool {
	return strings.Contains(strings.ToLower(path), "/$recycle.bin/")
}

func rows(ctx context.Context, src *parsed.Source, emit parsed.Emit) error {
	b, err := src.Bytes()
	if err != nil {
		return err
	}
	if src.IsNamed("INFO2") {
		return readInfo2(ctx, b, src.Damaged, func(r Row) error { return emit(r) })
	}
	row, err := ReadI(b)
	if err != nil && row.Name == "" {
		return &parsed.Unparsable{Err: err}
	}
	src.Damaged(err)
	row.Contents = jsonl.Text("$R" + src.Base()[2:])
	return emit(row)
}

// Little-endian offsets in a $I file.
const (
	atSize    = 8
	atDeleted = 16
	atName    = 24 // version 1: 260 units of UTF-16
	atLength  = 24 // version 2: units of UTF-16, the NUL counted
	atName2   = 28
)

// ReadI reads a $I file, all of its bytes. What was read before an error is given with it.
func ReadI(b []byte) (Row, error) {
	if len(b) < atName {
		return Row{}, fmt.Errorf("$I: %d bytes, want at least %d", len(b), atName)
	}
	version := binary.LittleEndian.Uint64(b)
	row := Row{Version: int(version & 0xff), Size: binary.LittleEndian.Uint64(b[atSize:]), Deleted: moment(b[atDeleted:])}
	switch version {
	case 1:
		row.Name = jsonl.Text(utf16.ToNUL(b[atName:]))
		if len(b) < atName+520 {
			return row, fmt.Errorf("$I: %d bytes, want %d", len(b), atName+520)
		}
	case 2:
		if len(b) < atName2 {
			return row, fmt.Errorf("$I: %d bytes, want at least %d", len(b), atName2)
		}
		units := binary.LittleEndian.Uint32(b[atLength:])
		name := b[atName2:]
		if int64(units)*2 > int64(len(name)) {
			row.Name = jsonl.Text(utf16.ToNUL(name))
			return row, fmt.Errorf("$I: a name of %d units in %d bytes", units, len(name))
		}
		row.Name = jsonl.Text(utf16.ToNUL(name[:units*2]))
	default:
		return Row{}, fmt.Errorf("$I: version %d, not 1 or 2", version)
	}
	return row, nil
}

// moment is a FILETIME; nil where none is set.
func moment(b []byte) *time.Time {
	t := filetime.Bytes(b)
	if t.IsZero() {
		return nil
	}
	return &t
}

// readInfo2 reads the list of Windows before Vista: a head of 20 bytes (the version, and
// at 12 the size of an entry), then entries of 280 bytes, or of 800 with a UTF-16 name.
func readInfo2(ctx context.Context, b []byte, damaged func(error), emit func(Row) error) error {
	if len(b) < 20 {
		return &parsed.Unparsable{Err: fmt.Errorf("INFO2: %d bytes, want at least 20", len(b))}
	}
	version, size := binary.LittleEndian.Uint32(b), int(binary.LittleEndian.Uint32(b[12:]))
	if size != 280 && size != 800 {
		return &parsed.Unparsable{Err: fmt.Errorf("INFO2: entries of %d bytes, not 280 or 800", size)}
	}
	for b = b[20:]; len(b) >= size && ctx.Err() == nil; b = b[size:] {
		if err := emit(info2Entry(b[:size], int(version))); err != nil {
			return err
		}
	}
	if len(b) > 0 && ctx.Err() == nil {
		damaged(fmt.Errorf("INFO2: %d bytes behind the last entry", len(b)))
	}
	return ctx.Err()
}

// info2Entry: the name in the code page (260 bytes), number, drive, time of deletion,
// size, then the name in UTF-16.
func info2Entry(b []byte, version int) Row {
	short := b[:260]
	row := Row{Version: version, Size: uint64(binary.LittleEndian.Uint32(b[276:])), Deleted: moment(b[268:])}
	row.Emptied = short[0] == 0 && short[1] != 0 // its first byte is wiped, the rest stays
	if row.Emptied {
		short = short[1:]
	}
	short, _, _ = bytes.Cut(short, []byte{0})
	row.ShortName = jsonl.Text(short)
	row.Name = row.ShortName
	if len(b) == 800 {
		row.Name = jsonl.Text(utf16.ToNUL(b[280:]))
	}
	ext := string(row.Name)
	if i := strings.LastIndexAny(ext, `.\`); i >= 0 && ext[i] == '.' {
		ext = ext[i:]
	} else {
		ext = ""
	}
	row.Contents = jsonl.Text(fmt.Sprintf("D%c%d%s", 'a'+rune(b[264]&31), binary.LittleEndian.Uint32(b[260:]), ext))
	return row
}
