package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"hozen/collector"
	"hozen/collector/disk/timeline"
	"hozen/collector/memory/ram"
	"hozen/packager/evidence"
)

type filler = func(io.Writer) error

// putTree puts every regular file of a tree, one item each.
func putTree(w evidence.Sink, root string) error {
	return filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		return put(w, "bench/"+filepath.ToSlash(rel), name, info.Size(), func(to io.Writer) error {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(to, f)
			return err
		})
	})
}

// manyFiles makes empty files, 300 in a directory.
func manyFiles(root string, count int) error {
	for n := 0; n < count; n++ {
		dir := fmt.Sprintf("%s/part-%03d/package-%03d", root, n/300/40, n/300%40)
		if n%300 == 0 {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(fmt.Sprintf("%s/module_%06d.py", dir, n), nil, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// putWalk puts the rows of every object below a directory.
func putWalk(w evidence.Sink, root string) error {
	h := &collector.Host{Root: root, Elevated: os.Geteuid() == 0}
	seen := &timeline.Seen{}
	if err := timeline.Timeline(timeline.Options{Seen: seen}).Collect(context.Background(), h, w); err != nil {
		return err
	}
	return timeline.Notable(timeline.NotableOptions{Seen: seen}).Collect(context.Background(), h, w)
}

// putMade puts items of three kinds in turn until size is reached: random
// bytes of known size, text of known size, and text whose size nobody knows
// beforehand, as a kernel file has it.
func putMade(w evidence.Sink, size int64) error {
	noise := newNoise()
	for n := int64(0); size > 0; n++ {
		part := min(size, 96<<20) // more than one member of 64 MiB
		size -= part
		source, known := io.Reader(noise), part
		switch n % 3 {
		case 1:
			source = &lines{}
		case 2:
			source, known = &lines{}, -1
		}
		err := put(w, fmt.Sprintf("bench/made-%05d", n), "made up", known, func(to io.Writer) error {
			_, err := io.CopyN(to, source, part)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lines is an endless text of numbered lines.
type lines struct {
	n    int64
	rest []byte
}

// Read implements io.Reader.
func (l *lines) Read(b []byte) (int, error) {
	total := 0
	for total < len(b) {
		if len(l.rest) == 0 {
			l.n++
			l.rest = fmt.Appendf(l.rest[:0], "%012d a line of a log that is much like the one before it, for %x\n", l.n, l.n*0x9e3779b9)
		}
		n := copy(b[total:], l.rest)
		l.rest = l.rest[n:]
		total += n
	}
	return total, nil
}

// putRAM takes the RAM of a made machine, with our keys out of memory.
func putRAM(w evidence.Sink, dir string) error {
	c := ram.RAM(ram.Options{})
	h := &collector.Host{Root: dir, Live: true, Elevated: true}
	ctx := context.Background()
	return w.(collector.Hider).Blackout(ctx, func() error { return c.Collect(ctx, h, w) })
}
