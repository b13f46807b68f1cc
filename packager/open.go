package packager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"hozen/packager/evidence/fault"
)

// ErrNoMember is returned by Cat for a path that the authentic part of the
// archive does not have.
var ErrNoMember = errors.New("no such item in the authentic part of the archive")

// List gives the records of all items that an authentic checkpoint covers, in
// order: failures included. An error of each ends it and is returned.
func List(ctx context.Context, r io.ReaderAt, size int64, o VerifyOptions, each func(RecordLine) error) (*Report, error) {
	return verify(ctx, r, size, o, &lister{each: each})
}

// lister collects the records of a segment and hands them on when it is authentic.
type lister struct {
	each func(RecordLine) error
	buf  bytes.Buffer
}

func (l *lister) begin(name string, _ int64) (io.Writer, error) {
	if isRecords(name) {
		return &l.buf, nil
	}
	return nil, nil
}

func (l *lister) end() error { return nil }

func (l *lister) authentic(k int) error {
	defer l.buf.Reset()
	for line := range bytes.Lines(l.buf.Bytes()) {
		record, err := decodeRecord(line)
		if err != nil {
			return fmt.Errorf("records of segment %d: %w", k, err)
		}
		if err := l.each(record); err != nil {
			return err
		}
	}
	return nil
}

// Cat writes one item to w: a member by its path in the archive
// ("data/volatile/sockets.jsonl", "custody/genesis.json"), or an item that is
// kept in parts by its own path. Not one byte is written before the checkpoint
// behind it verified; until then they wait in a temporary file outside of any
// directory, if there are more than a few MiB.
func Cat(ctx context.Context, r io.ReaderAt, size int64, o VerifyOptions, path string, w io.Writer) (*Report, error) {
	c := &catter{path: path, w: w}
	rep, err := visitOnly(ctx, r, size, o, func(name string) bool { return name == path || isPart(name, path) }, c)
	if err := fault.Join(err, c.drop()); err != nil {
		return rep, err
	}
	if !c.found {
		return rep, fmt.Errorf("%s: %w", path, ErrNoMember)
	}
	return rep, nil
}

// visitOnly reads what is wanted, or, where that does not do, the whole archive.
func visitOnly(ctx context.Context, r io.ReaderAt, size int64, o VerifyOptions, want func(string) bool, v visitor) (*Report, error) {
	if o.OnlyFrom > 0 && size >= o.OnlyFrom && want != nil {
		if rep, err := pick(ctx, r, size, o, want, false, v); !errors.Is(err, errReadAll) {
			return rep, err
		}
	}
	return verify(ctx, r, size, o, v)
}

type catter struct {
	path  string
	w     io.Writer
	begun bool // a member of the item was met, and is not authentic yet
	found bool
	mem   bytes.Buffer
	spill *os.File
}

const catInMemory = 8 << 20

func (c *catter) begin(name string, _ int64) (io.Writer, error) {
	if name == c.path || isPart(name, c.path) {
		c.begun = true
		return c, nil
	}
	return nil, nil
}

// isPart says whether name is <path>.p followed by six digits.
func isPart(name, path string) bool {
	n, ok := strings.CutPrefix(name, path+".p")
	return ok && len(n) == 6 && strings.Trim(n, "0123456789") == ""
}

// Write keeps bytes that are not authentic yet.
func (c *catter) Write(b []byte) (n int, err error) {
	if c.spill == nil && c.mem.Len()+len(b) > catInMemory {
		if c.spill, err = os.CreateTemp("", "hozen-unverified-*"); err != nil {
			return 0, err
		}
		os.Remove(c.spill.Name()) // where that is allowed: else drop does it
	}
	if c.spill != nil {
		return c.spill.Write(b)
	}
	return c.mem.Write(b)
}

func (c *catter) end() error { return nil }

func (c *catter) authentic(int) error {
	c.found = c.found || c.begun
	if _, err := c.mem.WriteTo(c.w); err != nil {
		return err
	}
	if c.spill == nil {
		return nil
	}
	if _, err := c.spill.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(c.w, c.spill); err != nil {
		return err
	}
	return c.drop()
}

func (c *catter) drop() error {
	if c.spill == nil {
		return nil
	}
	name := c.spill.Name()
	err := c.spill.Close()
	c.spill = nil
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return err
}
