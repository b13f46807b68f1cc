package contents

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// files takes files without a name, each once.
func (t *taking) files(list []*heldFile) error {
	for _, f := range list {
		if err := t.file(f); err != nil {
			return err
		}
	}
	return nil
}

// file takes one. A file with holes is taken as its data extents, so that one of
// terabytes with a few pages in it costs a few pages.
func (t *taking) file(f *heldFile) error {
	row := Content{
		Kind: f.kind, Path: folder + f.memberName(), Name: jsonl.Text(f.name), Holders: f.holders, MoreHolders: f.more,
		Dev: proc.Device(f.key.dev), Inode: f.key.inode, Size: f.meta.Size,
	}
	item := evidence.Item{Path: row.Path, Source: f.sources[0], File: f.meta, OldHashes: true}
	limit := min(t.o.PerFile, t.left)
	holes := f.meta.Blocks*512 < f.meta.Size
	if holes || f.meta.Size > limit {
		item.File = nil // less than its size is written
	}
	var extents atomic.Pointer[[]sparse.Extent]
	var taken atomic.Int64
	err := t.to.Put(t.ctx, item, func(w io.Writer) error {
		file, err := t.open(f)
		if err != nil {
			return err
		}
		defer file.Close()
		return t.copy(&counter{w, &taken}, file, limit, &extents)
	})
	row.Taken = taken.Load()
	t.left -= row.Taken
	if err == nil && extents.Load() != nil {
		row.Extents = folder + "@extents/" + f.memberName() + ".jsonl"
		err = t.to.Put(t.ctx, evidence.Item{Path: row.Extents, Source: item.Source},
			func(w io.Writer) error { return jsonl.Write(w, *extents.Load()) })
	}
	t.rows = append(t.rows, row)
	return err
}

// copy writes the file, or the parts of it that hold data where they are not all of it.
func (t *taking) copy(w io.Writer, f *os.File, limit int64, extents *atomic.Pointer[[]sparse.Extent]) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if limit <= 0 && st.Size() > 0 {
		return evidence.Cut("the limit of %d bytes for all contents is reached", t.o.Total)
	}
	list, err := sparse.Copy(t.ctx, w, f, st.Size(), limit)
	if len(list) == 1 && list[0].Offset == 0 && list[0].Length == st.Size() || st.Size() == 0 {
		return err
	}
	extents.Store(&list)
	if err != nil {
		return err
	}
	return evidence.Part("sparse: %d bytes of which only the %d data extents are here; see the table of extents", st.Size(), len(list))
}

// open opens the file by the first of its names that still leads to it.
func (t *taking) open(f *heldFile) (*os.File, error) {
	var all []error
	for _, name := range f.sources {
		file, err := t.host.OpenFollow(name)
		if err != nil {
			all = append(all, err)
			continue
		}
		m, err := t.host.Stat(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
		if err == nil && m.Dev == f.key.dev && m.Inode == f.key.inode {
			return file, nil
		}
		file.Close()
		all = append(all, fault.Join(err, evidence.NotHere("%s: leads to another file now", name)))
	}
	return nil, fault.Join(all...)
}

// A counter counts what passes.
type counter struct {
	w io.Writer
	n *atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n.Add(int64(n))
	return n, err
}
