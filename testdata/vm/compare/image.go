package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const pageSize = 4096

// A span is a range of physical addresses, end not included.
type span struct {
	start, end int64
	at         int64 // where its bytes are in the image
}

// image is a LiME file in members.
type image struct {
	members []*os.File
	starts  []int64 // of each member
	size    int64
	ranges  []span
}

// openImage reads the headers: 32 bytes, little-endian: "EMiL", version 1, first
// and last address, eight bytes of nothing; then the memory of the range.
func openImage(names []string) (*image, error) {
	m := new(image)
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		st, err := f.Stat()
		if err != nil {
			return nil, err
		}
		m.members, m.starts = append(m.members, f), append(m.starts, m.size)
		m.size += st.Size()
	}
	for at := int64(0); at < m.size; {
		var head [32]byte
		if _, err := m.ReadAt(head[:], at); err != nil {
			return nil, fmt.Errorf("header at %d: %w", at, err)
		}
		word := func(n int) int64 { return int64(binary.LittleEndian.Uint64(head[n:])) }
		if string(head[:8]) != "EMiL\x01\x00\x00\x00" {
			return nil, fmt.Errorf("header at %d: %x is not that of LiME", at, head[:8])
		}
		r := span{start: word(8), end: word(16) + 1, at: at + int64(len(head))}
		if at = r.at + r.end - r.start; r.end <= r.start || at > m.size {
			return nil, fmt.Errorf("range %x-%x does not fit the image of %d bytes", r.start, r.end, m.size)
		}
		m.ranges = append(m.ranges, r)
	}
	if len(m.ranges) == 0 {
		return nil, errors.New("the image is empty")
	}
	return m, nil
}

// ReadAt reads across members.
func (m *image) ReadAt(b []byte, at int64) (n int, err error) {
	for i := len(m.members) - 1; i >= 0; i-- {
		if m.starts[i] > at {
			continue
		}
		for n < len(b) && i < len(m.members) {
			k, err := m.members[i].ReadAt(b[n:], at+int64(n)-m.starts[i])
			if n += k; err != nil && err != io.EOF {
				return n, err
			}
			i++
		}
		break
	}
	if n < len(b) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

// systemRAM gives the ranges that /proc/iomem calls System RAM.
func systemRAM(name string) (all []span, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		var r span
		if !strings.HasSuffix(strings.TrimSpace(line), ": System RAM") {
			continue
		}
		if _, err := fmt.Sscanf(line, "%x-%x", &r.start, &r.end); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", name, line, err)
		}
		r.end++
		all = append(all, r)
	}
	return all, nil
}

// A row is a line of ram.map.jsonl about a range; end is its last address.
type row struct {
	Kind, State string
	Start, End  string
	Offset      *int64
}

// readMap gives the ranges of ram.map.jsonl that are in the image, and of those the
// ones that are zeros there, for whatever reason.
func readMap(name string) (in, zeroed []span, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		if r.Kind != "range" || r.Offset == nil {
			continue
		}
		s := span{at: *r.Offset}
		if _, err := fmt.Sscan(r.Start+" "+r.End, &s.start, &s.end); err != nil {
			return nil, nil, fmt.Errorf("%s: %s: %w", name, lines.Bytes(), err)
		}
		s.end++
		if in = append(in, s); r.State != "read" {
			zeroed = append(zeroed, s)
		}
	}
	return in, zeroed, lines.Err()
}

// joined joins ranges that touch each other.
func joined(all []span) (out []span) {
	for _, r := range all {
		if last := len(out) - 1; last >= 0 && out[last].end == r.start {
			out[last].end = r.end
		} else {
			out = append(out, r)
		}
	}
	return out
}
