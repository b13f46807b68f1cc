package packager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Taker is told what an archive holds, in order, and nothing before the
// checkpoint behind it verified.
type Taker interface {
	// Want says whether the bytes of an item are to be told, by its path in the
	// archive ("data/volatile/sockets.jsonl"); of one that is kept in parts, its own.
	Want(path string) bool
	// Bytes gives a piece of such an item; the pieces follow each other. The memory
	// is used again afterwards. An error ends the reading.
	Bytes(path string, b []byte) error
	// Record gives the record of any item, behind its bytes.
	Record(r RecordLine) error
}

// Take reads an archive once, and tells t of what is authentic in it: also of one
// whose verdict is INVALID, as far as it goes. With o.OnlyFrom it reads no more than what t
// wants and all records, if it can; SHA-1 and MD5, which nobody compared then, are not told.
func Take(ctx context.Context, r io.ReaderAt, size int64, o VerifyOptions, t Taker) (*Report, error) {
	k := &taking{to: t, records: lister{each: func(l RecordLine) error {
		l.SHA1, l.MD5 = "", ""
		return t.Record(l)
	}}}
	rep, err := (*Report)(nil), errReadAll
	if o.OnlyFrom > 0 && size >= o.OnlyFrom {
		rep, err = pick(ctx, r, size, o, k.wants, true, k)
	}
	if errors.Is(err, errReadAll) {
		k.records.each = t.Record
		rep, err = verify(ctx, r, size, o, k)
	}
	if dropped := k.kept.drop(); err == nil {
		err = dropped
	}
	return rep, err
}

// taking keeps what a Taker wants until it is authentic.
type taking struct {
	to      Taker
	records lister
	kept    catter // memory, then a temporary file without a name
	pieces  []piecePath
}

// A piecePath says whose the next n bytes are that are kept.
type piecePath struct {
	path string
	n    int64
}

func (k *taking) begin(name string, size int64) (io.Writer, error) {
	if w, err := k.records.begin(name, size); w != nil || err != nil {
		return w, err
	}
	if !k.wants(name) {
		return nil, nil
	}
	k.pieces = append(k.pieces, piecePath{itemOf(name), size})
	return &k.kept, nil
}

// wants says whether the bytes of a member are to be told.
func (k *taking) wants(name string) bool {
	return strings.HasPrefix(name, dataPrefix) && k.to.Want(itemOf(name))
}

// itemOf is the item that a member is, or is a part of.
func itemOf(name string) string {
	if i := len(name) - len(".p000000"); i > 0 && isPart(name, name[:i]) {
		return name[:i]
	}
	return name
}

func (k *taking) end() error { return nil }

func (k *taking) authentic(n int) error {
	out := &takerWriter{to: k.to, pieces: k.pieces}
	k.kept.w = out
	err := k.kept.authentic(n)
	k.pieces = k.pieces[:0]
	if err != nil {
		return fmt.Errorf("segment %d: %w", n, err)
	}
	return k.records.authentic(n)
}

// A takerWriter gives bytes to a Taker by the paths that they belong to.
type takerWriter struct {
	to     Taker
	pieces []piecePath
}

// Write implements io.Writer.
func (w *takerWriter) Write(b []byte) (int, error) {
	done := 0
	for len(b) > 0 && len(w.pieces) > 0 {
		p := &w.pieces[0]
		n := min(int64(len(b)), p.n)
		if n > 0 {
			if err := w.to.Bytes(p.path, b[:n]); err != nil {
				return done, err
			}
		}
		if p.n -= n; p.n == 0 {
			w.pieces = w.pieces[1:]
		}
		b, done = b[n:], done+int(n)
	}
	return done, nil
}

// ItemPath is the item's own path ("volatile/sockets.jsonl"): what its collector called it.
func (l *RecordLine) ItemPath() string {
	switch {
	case l.Orig != "":
		return l.Orig
	case len(l.OrigB64) > 0:
		return string(bytes.Clone(l.OrigB64))
	}
	return strings.TrimPrefix(l.Path, "data/")
}

// ItemSource is what was read on the host, byte for byte.
func (l *RecordLine) ItemSource() string {
	if len(l.SourceB64) > 0 {
		return string(l.SourceB64)
	}
	return l.Source
}
