package ram

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"hozen/collector"
)

const (
	crashName = "/dev/crash"
	memName   = "/dev/mem"
	// byAddress: the offset in the file is the physical address.
	byAddress = "the offset is the physical address"
)

// A device is a file by which memory, or what is known of it, is read.
type device interface {
	io.ReaderAt
	io.Closer
}

// An opener opens a source of physical memory, or another file of the kernel.
type opener func(h *collector.Host, name string) (device, error)

// A source is where physical memory is read. The zero source has none.
type source struct {
	name    string
	dev     device
	pieces  []piece // ascending; nil: all addresses, at their own offset
	head    []byte  // the headers of /proc/kcore
	how     string  // how a physical address is found
	checked string  // what was read to see that the addresses are right; "" if nothing
	note    []byte  // VMCOREINFO
}

func (s *source) close() {
	if s.dev != nil {
		s.dev.Close()
	}
}

// errNotInSource is the error of an address that a source does not have.
var errNotInSource = errors.New("the source does not have it")

// readAt reads at a physical address, at most to the end of the piece that has
// it. It gives an error where it read nothing.
func (s *source) readAt(b []byte, at uint64) (int, error) {
	offset := int64(at)
	if s.pieces != nil {
		i := sort.Search(len(s.pieces), func(i int) bool { return s.pieces[i].end > at })
		if i == len(s.pieces) || s.pieces[i].start > at {
			return 0, errNotInSource
		}
		p := s.pieces[i]
		b = b[:min(uint64(len(b)), p.end-at)]
		offset = p.offset + int64(at-p.start)
	}
	n, err := s.dev.ReadAt(b, offset)
	switch {
	case n > 0:
		return n, nil
	case err == nil || err == io.EOF:
		return 0, io.ErrUnexpectedEOF
	}
	return 0, err
}

// readFull reads all of b, over the borders of pieces.
func (s *source) readFull(b []byte, at uint64) error {
	for len(b) > 0 {
		n, err := s.readAt(b, at)
		if err != nil {
			return err
		}
		b, at = b[n:], at+uint64(n)
	}
	return nil
}

// has gives the ranges that the source can have, joined where they touch; nil
// if it has all addresses.
func (s *source) has() (out []span) {
	for _, p := range s.pieces {
		if n := len(out); n > 0 && out[n-1].end == p.start {
			out[n-1].end = p.end
		} else {
			out = append(out, p.span)
		}
	}
	return out
}

// An attempt is what came of a source.
type attempt struct {
	name string
	err  error
}

// choose opens the first source that can be read and shows the right memory.
func choose(h *collector.Host, open opener, m *iomem, page uint64) (*source, []attempt) {
	var tried []attempt
	for _, name := range []string{kcoreName, crashName, memName} {
		s, err := use(h, open, name, m, page)
		tried = append(tried, attempt{name, err})
		if err == nil {
			return s, tried
		}
	}
	return &source{}, tried
}

func use(h *collector.Host, open opener, name string, m *iomem, page uint64) (s *source, err error) {
	s = &source{name: name, how: byAddress}
	if s.dev, err = open(h, name); err != nil {
		return nil, err
	}
	if name == kcoreName {
		err = s.useKcore(m, page)
	} else if len(m.ram) == 0 {
		err = fmt.Errorf("%s: %w", iomemName, errNoRanges)
	}
	if err == nil {
		s.checked, s.note, err = s.check(h)
	}
	if err == nil && s.checked == "" {
		err = s.probe(m)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

var errNoRanges = errors.New("it says no addresses of RAM")

// useKcore finds physical memory in /proc/kcore. Where /proc/iomem hides its
// addresses, the ranges are those of the kernel's own headers.
func (s *source) useKcore(m *iomem, page uint64) error {
	k, err := parseKcore(s.dev)
	if err != nil {
		return err
	}
	s.head = k.head
	if s.pieces, s.how, err = k.direct(m.ram, page); err != nil {
		return err
	}
	if len(s.pieces) == 0 {
		return errNoDirectMap
	}
	return nil
}

// probe is the lesser check where the kernel does not say where its note is: the
// first page of the kernel's own code must be readable, and not be empty.
func (s *source) probe(m *iomem) error {
	if m.code == 0 {
		return nil
	}
	b := make([]byte, 4096)
	if err := s.readFull(b, m.code); err != nil {
		return fmt.Errorf("kernel code at %#x: %w", m.code, err)
	}
	if !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
		return fmt.Errorf("kernel code at %#x: %w: zeros", m.code, errOtherMemory)
	}
	s.checked = fmt.Sprintf("the kernel's code at %#x is not empty (%s says no address of the note VMCOREINFO)", m.code, vmcoreinfoName)
	return nil
}
