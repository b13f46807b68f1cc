package volatile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

// memContents puts the contents of regular files.
type memContents struct {
	ctx     context.Context
	to      evidence.Sink
	names   owners
	limits  TemporaryLimits
	pick    *memChooser
	victims int
	broken  error // of the sink
}

// putContents walks once more, and puts the files that the limits allow. Those
// that they do not allow get a record of their own, up to limits.Victims; the
// others are counted in one record at the end (each has its row in any case).
func putContents(ctx context.Context, h *collector.Host, to evidence.Sink, trees []memTree, l TemporaryLimits, classes *sizeClasses) error {
	c := &memContents{ctx: ctx, to: to, names: readOwners(h), limits: l}
	var tally evidence.Tally
	if classes == nil {
		tally.Add("contents", evidence.Cut("the trees were not listed to their end"))
	} else {
		c.pick = newMemChooser(h, newQuota(l, classes))
		for i := range trees {
			t := &trees[i]
			if t.Why != "" {
				continue
			}
			err := walkMemory(ctx, h, t, func(e *memEntry) error { return c.entry(t, e) })
			if c.broken != nil {
				return c.broken
			}
			if ctx.Err() != nil {
				tally.Add(t.Point, err) // else the table of rows has it already
			}
		}
	}
	if more := c.victims - l.Victims; more > 0 {
		tally.Add("contents", evidence.Cut("%d files over a limit beyond the %d that have a record: see volatile/temporary.jsonl", more, l.Victims))
	}
	err := tally.Err()
	if err == nil {
		return nil
	}
	return to.Put(ctx, evidence.Item{Path: "volatile/temporary/@/contents", Source: "file systems in memory"},
		func(io.Writer) error { return evidence.Cut("%s", err.Error()) })
}

func (c *memContents) entry(t *memTree, e *memEntry) error {
	if !e.meta.Regular() || e.err != nil {
		return nil
	}
	why, _ := c.pick.choose(t.source(e), e)
	item := evidence.Item{Path: t.folder(e.hidden) + strings.TrimSuffix(e.path, "/"), Source: t.source(e), File: e.meta, OldHashes: true}
	e.meta.Owner, e.meta.Group = string(c.names.users[e.meta.UID]), string(c.names.groups[e.meta.GID])
	switch {
	case strings.HasPrefix(why, "limit"):
		if c.victims++; c.victims > c.limits.Victims {
			return nil
		}
		c.broken = c.to.Put(c.ctx, item, func(io.Writer) error { return evidence.Cut("contents not taken: %s", why) })
	case why != "":
	case c.limits.sparse(e.meta):
		c.broken = c.putSparse(item, e)
	default:
		c.broken = c.to.Put(c.ctx, item, func(w io.Writer) error { return c.copyWhole(w, e) })
	}
	return c.broken
}

func (c *memContents) open(e *memEntry) (*os.File, int64, error) {
	f, err := e.in.file(e.name, e.meta)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, evidence.NotHere("%v", errVanished)
	}
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// copyWhole writes the file as it is, up to the size that it had when it was opened.
func (c *memContents) copyWhole(w io.Writer, e *memEntry) error {
	f, size, err := c.open(e)
	if err != nil {
		return err
	}
	defer f.Close()
	most := min(size, c.limits.PerFile)
	n, err := io.CopyN(w, sparse.UntilDone(c.ctx, f), most)
	switch {
	case err == io.EOF:
		return evidence.Gone("shrank from %d to %d bytes while it was read", size, n)
	case err != nil:
		return err
	case size > most:
		return evidence.Cut("limit for one file: grew to %d bytes since it was listed, the first %d are here", size, most)
	}
	return grown(f, size)
}

// grown says so where a file has another size than when it was opened.
func grown(f *os.File, size int64) error {
	if st, err := f.Stat(); err == nil && st.Size() > size {
		return evidence.Gone("grew from %d to %d bytes while it was read; the first %d are here", size, st.Size(), size)
	}
	return nil
}

// putSparse puts the data extents of a file that is large and mostly holes, and
// then where they belong.
func (c *memContents) putSparse(item evidence.Item, e *memEntry) error {
	var table atomic.Pointer[[]sparse.Extent]
	err := c.to.Put(c.ctx, item, func(w io.Writer) error {
		f, size, err := c.open(e)
		if err != nil {
			return err
		}
		defer f.Close()
		extents, err := sparse.Copy(c.ctx, w, f, size, c.limits.PerFile)
		table.Store(&extents)
		if err != nil {
			return err
		}
		return evidence.Part("sparse: %d bytes of which only the %d data extents are here; see the table of extents", size, len(extents))
	})
	if err != nil || table.Load() == nil {
		return err
	}
	return c.to.Put(c.ctx, evidence.Item{Path: "volatile/temporary/@extents" + strings.TrimPrefix(item.Path, "volatile/temporary") + ".jsonl", Source: item.Source},
		func(w io.Writer) error { return jsonl.Write(w, *table.Load()) })
}
