// Package sparse copies the parts of files that hold data, and leaves the holes
// out: a file of terabytes with a few pages in it is taken in a moment.
//
// Begin with Copy.
package sparse

import (
	"context"
	"io"
	"os"

	"hozen/packager/evidence"
)

// An Extent is one row of a table of extents: length bytes that belong at offset
// of the file, and follow the bytes of the row before in the item. What lies
// between is a hole, which reads as zeros.
type Extent struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// Next finds the next part of f at or after at that holds data; false if there is
// none before size. What is neither a file of the kernel nor has the method NextData
// (collector.HoleReader) has no holes.
func Next(f io.ReaderAt, at, size int64) (from, to int64, ok bool) {
	switch f := f.(type) {
	case *os.File:
		return nextOf(f, at, size)
	case interface {
		NextData(off int64) (from, to int64, err error)
	}:
		from, to, err := f.NextData(at)
		if err != nil || from < at || to <= from && from < size {
			return at, size, at < size // reading tells what is wrong
		}
		return from, min(to, size), from < size
	}
	return at, size, at < size
}

// maxExtents bounds the extents of one file that are written.
const maxExtents = 1 << 16

// Copy writes the parts of a file of size bytes that hold data, at most limit
// bytes, and says where they were. A file whose holes cannot be told is one
// extent. What a limit left out is an evidence.Cut.
func Copy(ctx context.Context, w io.Writer, f io.ReaderAt, size, limit int64) (out []Extent, err error) {
	for at := int64(0); at < size; {
		from, to, ok := Next(f, at, size)
		if !ok {
			return out, nil
		}
		if len(out) == maxExtents {
			return out, evidence.Cut("more than %d extents", maxExtents)
		}
		want := min(to-from, limit)
		n, err := io.Copy(w, UntilDone(ctx, io.NewSectionReader(f, from, want)))
		out = append(out, Extent{from, n})
		limit -= n
		switch {
		case err != nil:
			return out, err
		case n < want:
			return out, evidence.Gone("shrank while it was read")
		case want < to-from:
			return out, evidence.Cut("more data than the limit for one file")
		}
		at = to
	}
	return out, nil
}

// UntilDone gives a reader of r that ends with ctx, with its cause.
func UntilDone(ctx context.Context, r io.Reader) io.Reader { return untilDone{ctx, r} }

type untilDone struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (u untilDone) Read(b []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(b)
}
