package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"hozen/collector"
	"hozen/collector/winfile"
	"hozen/packager/evidence"
)

// Files of a live Windows can be had in two ways: opened like any file, or read from
// the sectors of their volume. Which one gave the bytes is in the row, and what the
// other one gave: its refusal, or, of a small file, whether it has the same bytes.

const (
	wayFile, wayVolume = "file", "volume"
	// maxCompared bounds the files that are read in both ways.
	maxCompared = 256 << 10
)

// chooseWay notes which way the open file came, and gives its description on that way.
func (c *contents) chooseWay(m *evidence.FileMeta) *evidence.FileMeta {
	raw, ok := c.src.(*collector.RawFile)
	if !ok {
		// Of what is packed or encrypted the disk has other bytes.
		packed := m.Attributes&winfile.Encrypted != 0 || m.ReparseTag != 0
		c.way, c.keep = wayFile, !packed && m.Size > 0 && m.Size <= maxCompared
		return m
	}
	if c.way = wayVolume; raw.Why != nil {
		c.other = "file: " + raw.Why.Error()
	}
	return raw.Meta
}

// otherWay holds what was read of a file against what lies on its volume.
func otherWay(h *collector.Host, f *file, have []byte) string {
	if h.Raw == nil {
		return ""
	}
	raw, err := h.RawReader(f.path)
	if err != nil {
		return "volume: " + err.Error()
	}
	defer raw.Close()
	b, err := io.ReadAll(io.LimitReader(raw, maxCompared+1))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return "volume: " + err.Error()
	case bytes.Equal(b, have):
		return "volume: the same bytes"
	case raw.Meta.Size != f.meta.Size || !raw.Meta.Mtime.Equal(f.meta.Mtime):
		return fmt.Sprintf("volume: an older state (%d bytes, modified %s)", raw.Meta.Size, stamp(raw.Meta.Mtime))
	}
	return "volume: other bytes, though size and time of modification are the same"
}

// withStreams adds the alternate streams of files of a live Windows to their names,
// beside which an image lists them.
func withStreams(h *collector.Host, dir string, names []string) []string {
	if h.Drives == nil {
		return names
	}
	all := make([]string, 0, len(names))
	for _, name := range names {
		all = append(all, name)
		_, streams, _ := h.LstatStreams(join(dir, name)) // what cannot be looked at is looked at again, and said
		for _, s := range streams {
			all = append(all, name+":"+s.Name)
		}
	}
	return all
}
