package usn

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"hozen/collector/disk/parsed"
	"hozen/collector/disk/parsed/mft"
	"hozen/collector/jsonl"
)

// Format reads the change journal; paths has what package mft knows of directories.
func Format(paths *mft.Volumes) parsed.Format {
	return parsed.Format{
		Name: "usn", Doc: "$UsnJrnl:$J: what was created, written, renamed and deleted on an NTFS volume, and when",
		Takes:   func(f *parsed.File) bool { return f.IsNamed("$UsnJrnl:$J", "$J") },
		MaxFile: 8 << 30,
		Rows: func(ctx context.Context, src *parsed.Source, emit parsed.Emit) error {
			j := &journal{ctx: ctx, src: src, emit: emit, paths: paths.Of(path.Dir(path.Dir(src.Path)))}
			return src.Data(j.part)
		},
	}
}

// A journal is one on its way.
type journal struct {
	ctx   context.Context
	src   *parsed.Source
	emit  parsed.Emit
	paths *mft.Paths
}

// chunk is how much is read at once: whole pages.
const chunk = 256 * page

// part reads the records of a part of the journal that holds data.
func (j *journal) part(off int64, r io.Reader) error {
	b := make([]byte, chunk)
	kept := 0 // of b, from the read before
	for {
		n, err := io.ReadFull(r, b[kept:])
		end := errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF
		if err != nil && !end {
			return err
		}
		have := b[:kept+n]
		done, err := j.records(have, off, end)
		if err != nil || end {
			return err
		}
		off += int64(done)
		kept = copy(b, have[done:])
	}
}

// records emits the records in b, which lies at off of the file, and gives how much of it
// is done: the last bytes may be the begin of a record that goes on.
func (j *journal) records(b []byte, off int64, end bool) (at int, err error) {
	bad := -1 // where damage began that is not told yet
	for at+8 <= len(b) {
		if at%page == 0 {
			if j.ctx.Err() != nil {
				return at, context.Cause(j.ctx)
			}
			if k := zeroPages(b[at:]); k > 0 {
				at += k
				continue
			}
		}
		if allZero(b[at : at+8]) { // the rest of a page, mostly
			at += 8
			continue
		}
		n, err := sizeOfRecord(b[at:])
		if err == nil && at+n > len(b) && !end {
			break
		}
		var row *Row
		if err == nil {
			row, err = parseRecord(b[at:])
		}
		if err != nil {
			if bad < 0 {
				bad = at
				j.src.Damaged(fmt.Errorf("at %d: %w", off+int64(at), err))
			}
			at += 8
			continue
		}
		bad = -1
		row.Offset = off + int64(at)
		if row.Name != "" && j.paths != nil && row.ParentFileID == "" {
			row.FullPath = jsonl.Text(j.paths.Path(row.parent, string(row.Name)))
		}
		if err := j.emit(row); err != nil {
			return at, err
		}
		at += n
	}
	return at, nil
}

// zeroPages counts the bytes of whole pages of zeros that b begins with.
func zeroPages(b []byte) (n int) {
	for len(b)-n >= page && allZero(b[n:n+page]) {
		n += page
	}
	return n
}

// allZero looks at whole words; what is left over of b at its end it does not.
func allZero(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
	}
	return true
}
