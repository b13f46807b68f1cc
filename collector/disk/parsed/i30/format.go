package i30

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"hozen/collector/disk/image/ntfs/layout"
	"hozen/collector/disk/parsed"
	"hozen/collector/disk/parsed/mft"
	"hozen/collector/jsonl"
)

// A Row is one row of disk/parsed/i30.jsonl: a name in the index of a directory.
type Row struct {
	Directory      jsonl.Text `json:"directory,omitempty"` // whose index it is, on the host
	Offset         int64      `json:"offset"`              // of the entry in the file; in slack, of the name's value less 16
	Slack          bool       `json:"slack,omitempty"`     // it is in no index any more
	Free           bool       `json:"free,omitempty"`      // the whole block is in no index any more, where that is known: images, raw volumes
	Torn           bool       `json:"torn,omitempty"`      // the block is: what is here may be of two times
	Record         *uint64    `json:"record,omitempty"`    // of the file; absent where it is overwritten
	Sequence       *uint16    `json:"sequence,omitempty"`
	Name           jsonl.Text `json:"name"`
	Namespace      string     `json:"namespace"`
	ParentRecord   uint64     `json:"parent_record"`
	ParentSequence uint16     `json:"parent_sequence"`
	mft.Stamps
	Size       int64    `json:"size"`      // bytes
	Allocated  int64    `json:"allocated"` // bytes
	Attributes []string `json:"attributes,omitempty"`
}

// Format reads index allocations.
func Format() parsed.Format {
	return parsed.Format{
		Name: "i30", Doc: "$I30: the names in the indexes of directories, those in their slack (deleted, renamed) too",
		Takes: func(f *parsed.File) bool {
			base := strings.ToUpper(f.Base())
			return base == "$I30" || strings.HasSuffix(base, ":$I30") || strings.HasSuffix(base, ":$I30:$INDEX_ALLOCATION")
		},
		MaxFile: 1 << 30,
		Rows:    rows,
	}
}

const (
	usualBlock = 4096
	mostBlock  = 64 << 10
	header     = 24 // of a block, before its node
)

func rows(ctx context.Context, src *parsed.Source, emit parsed.Emit) error {
	x := &index{src: src, emit: emit}
	if at := strings.LastIndex(strings.ToUpper(src.Name()), ":$I30"); at > 0 {
		x.directory = src.Name()[:at]
	}
	err := src.Data(func(off int64, r io.Reader) error { return x.part(ctx, off, r) })
	if err == nil && x.blocks == 0 && src.Size > 0 {
		return &parsed.Unparsable{Err: errors.New("no block of an index is in it")}
	}
	return err
}

// An index is one on its way.
type index struct {
	src       *parsed.Source
	emit      parsed.Emit
	directory string
	size      int // bytes of a block
	blocks    int
	parent    layout.Ref // of the names that were seen last
}

func (x *index) part(ctx context.Context, off int64, r io.Reader) error {
	b := make([]byte, usualBlock)
	for ; ; off += int64(len(b)) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := io.ReadFull(r, b)
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if x.size == 0 && n >= header+16 && string(b[:4]) == layout.MagicIndex {
			if x.size = sizeOfBlock(b[:n]); x.size > len(b) {
				more := make([]byte, x.size)
				k, err := io.ReadFull(r, more[copy(more, b[:n]):])
				if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
					return err
				}
				b, n = more, n+k
			}
		}
		if err := x.block(off, b[:n]); err != nil {
			return err
		}
		if n < len(b) {
			return nil
		}
	}
}

// sizeOfBlock is what the first block says of its node, and the header.
func sizeOfBlock(b []byte) int {
	n := int64(binary.LittleEndian.Uint32(b[header+8:])) + header
	if n < usualBlock || n > mostBlock || n&(n-1) != 0 {
		return usualBlock
	}
	return int(n)
}

// block emits the names of one block. One that was never used has none.
func (x *index) block(off int64, b []byte) error {
	if len(b) < header+16 || allZero(b) {
		return nil
	}
	used := true
	if err := layout.Restore(b, layout.MagicIndex); err != nil {
		if used = string(b[:4]) == layout.MagicIndex; !used && string(b[:4]) != layout.MagicBad {
			x.src.Damaged(fmt.Errorf("block at %d: %w", off, err))
			return x.slack(off, b, header)
		}
		x.src.Damaged(fmt.Errorf("block at %d: %w", off, err))
		used = false
	}
	x.blocks++
	var failed error
	at := int64(header) + int64(binary.LittleEndian.Uint32(b[header:]))
	end, err := layout.ParseNode(b[header:], func(e layout.Entry) bool {
		number, sequence := e.File.Number(), e.File.Sequence()
		row := x.row(off+at, e.FileName)
		row.Record, row.Sequence, row.Torn = &number, &sequence, !used
		row.Free = x.isFree(off)
		x.parent = e.Parent
		at += int64(binary.LittleEndian.Uint16(b[at+8:]))
		failed = x.emit(row)
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		x.src.Damaged(fmt.Errorf("block at %d: %w", off, err))
	}
	return x.slack(off, b, header+end)
}

func (x *index) row(off int64, n layout.FileName) *Row {
	return &Row{
		Directory: jsonl.Text(x.directory), Offset: off, Name: jsonl.Text(n.Name), Namespace: mft.Namespace(n.Space),
		ParentRecord: n.Parent.Number(), ParentSequence: n.Parent.Sequence(), Stamps: mft.StampsOf(n.Times),
		Size: n.Size, Allocated: n.Allocated, Attributes: mft.AttributeNames(n.Attributes),
	}
}

// isFree asks who reads the file whether the index uses a block.
func (x *index) isFree(off int64) bool {
	r, ok := x.src.Reader().(interface {
		InUse(off int64) (inUse, known bool)
	})
	if !ok {
		return false
	}
	inUse, known := r.InUse(off)
	return known && !inUse
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
