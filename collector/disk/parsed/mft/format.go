package mft

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"hozen/collector/disk/image/ntfs/layout"
	"hozen/collector/disk/parsed"
)

// Format reads $MFT. What it learns of directories goes to paths.
func Format(paths *Volumes) parsed.Format {
	return parsed.Format{
		Name: "mft", Doc: "$MFT: every file of an NTFS volume, deleted ones too, with its names, times and streams",
		Takes:   func(f *parsed.File) bool { return f.IsNamed("$MFT") },
		MaxFile: 16 << 30,
		Rows: func(ctx context.Context, src *parsed.Source, emit parsed.Emit) error {
			t := &table{src: src, paths: newPaths(), extensions: map[uint64][]uint64{}}
			if err := t.first(ctx); err != nil {
				return err
			}
			paths.set(src.Path, t.paths)
			return t.rows(ctx, emit)
		},
	}
}

// A table is an MFT on its way.
type table struct {
	src        *parsed.Source
	size       int // bytes of a record
	paths      *Paths
	extensions map[uint64][]uint64 // records that belong to another, by its number
	extended   int
	records    uint64
}

// Bounds of what is kept of the first pass, and of a record.
const (
	maxExtended         = 1 << 21
	maxExtensions       = 1 << 10 // of one record
	leastSize, mostSize = 512, 64 << 10
	usualSize           = 1024
)

// first reads the whole table for the names of directories and for extensions.
func (t *table) first(ctx context.Context) error {
	err := t.src.Data(func(off int64, r io.Reader) error {
		return t.each(ctx, off, r, func(number uint64, b []byte) error {
			t.look(number, b)
			return nil
		})
	})
	if err == nil && t.size == 0 {
		return &parsed.Unparsable{Err: errors.New("no record of an MFT is in it")}
	}
	return err
}

// each calls visit for the records of a part of the table.
func (t *table) each(ctx context.Context, off int64, r io.Reader, visit func(uint64, []byte) error) error {
	head := make([]byte, 4096)
	n, err := io.ReadFull(r, head)
	if t.size == 0 {
		if t.size = sizeOfRecords(head[:n]); t.size == 0 {
			return nil
		}
	}
	rest := io.MultiReader(bytes.NewReader(head[:n]), r)
	if n < len(head) && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF && err != nil {
		return err
	}
	b := make([]byte, t.size)
	for number := uint64(off) / uint64(t.size); ; number++ {
		if number&0xff == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := io.ReadFull(rest, b)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			t.src.Damaged(fmt.Errorf("%d bytes at its end are no record", n))
			return nil
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		t.records = max(t.records, number+1)
		if err := visit(number, b); err != nil {
			return err
		}
	}
}

// sizeOfRecords finds it in the first record, or by where others begin; 0 if there is none.
func sizeOfRecords(b []byte) int {
	for at := 0; at+layoutHeader <= len(b); at += leastSize {
		if m := string(b[at : at+4]); m != layout.MagicFile {
			continue
		}
		if n := int(binary.LittleEndian.Uint32(b[at+28:])); n >= leastSize && n <= mostSize && n&(n-1) == 0 {
			return n
		}
		return usualSize
	}
	return 0
}

const layoutHeader = 48

// look keeps what of a record others need.
func (t *table) look(number uint64, b []byte) {
	if string(b[:4]) != layout.MagicFile {
		return
	}
	own := bytes.Clone(b)
	_ = layout.Restore(own, layout.MagicFile) // damage is told with the row
	r, _ := layout.ParseRecord(number, own)
	if r == nil {
		return
	}
	base := number
	if r.Base != 0 {
		base = r.Base.Number()
		if list := t.extensions[base]; t.extended < maxExtended && len(list) < maxExtensions {
			t.extensions[base] = append(list, number)
			t.extended++
		}
	}
	if r.Flags&layout.IsDir == 0 && r.Base == 0 {
		return
	}
	for _, a := range r.Attributes {
		if a.Kind != layout.TypeFileName || !a.Resident {
			continue
		}
		if name, err := layout.ParseFileName(a.Value); err == nil && name.Space != layout.DOS {
			t.paths.add(base, r, name)
		}
	}
	if r.Base == 0 {
		t.paths.use(number, r)
	}
}

// rows reads the table once more and emits its rows.
func (t *table) rows(ctx context.Context, emit parsed.Emit) error {
	limit := min(t.src.Size, t.src.Limit, int64(t.records)*int64(t.size))
	return t.each(ctx, 0, io.NewSectionReader(t.src, 0, limit), func(number uint64, b []byte) error {
		row := t.row(number, b)
		if row == nil {
			return nil
		}
		for _, d := range row.Damage {
			t.src.Damaged(fmt.Errorf("record %d: %s", number, d))
		}
		return emit(row)
	})
}
