package pe

import (
	"bytes"
	"fmt"
	"io"
)

const (
	pageSize = 4096     // of memory: each may be missing
	fileStep = 1 << 16  // of a file
	maxKept  = 16 << 20 // bytes of pages that are kept at once
)

// step is how much is read at once.
func (im *Image) step() int64 {
	if im.mapped {
		return pageSize
	}
	return fileStep
}

// raw reads n bytes at an offset of the file, or of the image in memory, through the pages
// that are kept: a table is read in many small steps.
func (im *Image) raw(at int64, n int) ([]byte, error) {
	if at < 0 || n < 0 {
		return nil, fmt.Errorf("offset %#x: %w", at, errDamaged)
	}
	out := make([]byte, 0, n)
	for len(out) < n {
		from := at + int64(len(out))
		page := from &^ (im.step() - 1)
		b, err := im.page(page)
		if int64(len(b)) <= from-page {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return out, fmt.Errorf("offset %#x: %w", from, err)
		}
		b = b[from-page:]
		out = append(out, b[:min(len(b), n-len(out))]...)
	}
	return out, nil
}

func (im *Image) page(at int64) ([]byte, error) {
	if b, ok := im.pages[at]; ok {
		return b, nil
	}
	b := make([]byte, im.step())
	n, err := im.mem.ReadAt(b, im.base+at)
	if n == 0 && err != nil {
		return nil, err
	}
	b = b[:max(0, min(n, len(b)))]
	if int64(len(im.pages)) >= maxKept/im.step() {
		clear(im.pages)
	}
	im.pages[at] = b
	return b, nil
}

// offset gives where in the file, or in the mapped image, an RVA lies, and how many bytes
// follow it there. zero is how many of what comes then the loader would fill with zeros.
func (im *Image) offset(rva uint32) (at int64, n, zero uint32, ok bool) {
	if im.mapped {
		if rva >= im.SizeOfImage {
			return 0, 0, 0, false
		}
		return int64(rva), im.SizeOfImage - rva, 0, true
	}
	if im.SectionAlignment < pageSize && im.SectionAlignment == im.FileAlignment || rva < im.SizeOfHeaders {
		if int64(rva) >= im.size {
			return 0, 0, 0, false
		}
		return int64(rva), uint32(min(im.size-int64(rva), 1<<32-1)), 0, true
	}
	for _, s := range im.Sections {
		size := s.VirtualSize
		if size == 0 {
			size = s.RawSize
		}
		if rva < s.RVA || rva-s.RVA >= size {
			continue
		}
		in := rva - s.RVA
		stored := min(s.RawSize, (size+pageSize-1)&^(pageSize-1))
		if in >= stored {
			return 0, 0, size - in, true
		}
		rawAt := s.RawAt &^ 511 // the loader rounds it down
		return int64(rawAt) + int64(in), stored - in, size - min(size, stored), true
	}
	return 0, 0, 0, false
}

// ReadRVA gives n bytes at an RVA, as the loader maps them; fewer with an error.
func (im *Image) ReadRVA(rva uint32, n int) ([]byte, error) {
	at, has, zero, ok := im.offset(rva)
	if !ok || n < 0 {
		return nil, fmt.Errorf("RVA %#x: %w", rva, errDamaged)
	}
	stored := int(min(int64(n), int64(has)))
	b, err := im.raw(at, stored)
	if err == nil && stored < n {
		fill := int(min(int64(n-stored), int64(zero)))
		b = append(b, make([]byte, fill)...)
		if stored+fill < n {
			err = fmt.Errorf("RVA %#x with %d bytes: %w", rva, n, errDamaged)
		}
	}
	return b, err
}

// text reads bytes at an RVA up to their NUL, at most most.
func (im *Image) text(rva uint32, most int) (string, error) {
	for size := min(64, most); ; size = min(2*size, most) {
		if im.names += size; im.names > maxNames {
			return "", fmt.Errorf("text at RVA %#x: more than %d bytes of names", rva, maxNames)
		}
		b, err := im.ReadRVA(rva, size)
		if i := bytes.IndexByte(b, 0); i >= 0 {
			return string(b[:i]), nil
		}
		if err != nil || size == most {
			if err == nil {
				err = fmt.Errorf("text at RVA %#x: has no end within %d bytes", rva, most)
			}
			return string(b), err
		}
	}
}
