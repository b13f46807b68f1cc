// Package vhd reads Microsoft's virtual hard disks, fixed and dynamic (.vhd; not .vhdx).
//
// Begin with Open. A differencing disk is refused: it names a parent, and could name
// any file.
//
// Source: "Virtual Hard Disk Image Format Specification", version 1.0. All numbers on
// disk are big-endian.
package vhd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"hozen/packager/evidence/fault"
)

// Magic begins the footer, which is the last sector of the file; a dynamic disk has a
// copy of it in the first.
const Magic = "conectix"

// FooterSize is the size of the footer in bytes.
const FooterSize = 512

// Types of disks.
const (
	typeFixed   = 2
	typeDynamic = 3
)

const (
	headMagic  = "cxsparse"
	headSize   = 1024
	unused     = 1<<32 - 1
	maxBlock   = 1 << 28 // bytes of a block; 2 MiB are usual
	sectorSize = 512
)

// An Image is an open image. It is safe for concurrent use.
type Image struct {
	r        io.ReaderAt
	fileSize int64
	size     int64
	notes    []string
	fixed    bool
	table    int64 // offset of the table of blocks
	entries  int64
	block    int64 // bytes
	bitmap   int64 // bytes before the data of each block
}

// Open reads the footer of an image that lies in size bytes of r, and the header of a
// dynamic one.
func Open(r io.ReaderAt, size int64) (*Image, error) {
	m := &Image{r: r, fileSize: size}
	b := make([]byte, FooterSize)
	if n, err := r.ReadAt(b, max(size-FooterSize, 0)); n < len(b) {
		return nil, fmt.Errorf("vhd: footer: %w", readError(err))
	}
	if err := checkFooter(b); err != nil {
		if n, e := r.ReadAt(b, 0); n < len(b) || checkFooter(b) != nil {
			return nil, fmt.Errorf("vhd: footer: %w", fault.Join(err, e))
		}
		m.notes = append(m.notes, fmt.Sprintf("its footer is damaged (%v): the copy was taken", err))
	}
	kind, states, head := binary.BigEndian.Uint32(b[60:]), binary.BigEndian.Uint64(b[48:]), binary.BigEndian.Uint64(b[16:])
	if states == 0 || states > 1<<50 {
		return nil, fmt.Errorf("vhd: a disk of %d bytes", states)
	}
	m.size = int64(states)
	switch kind {
	case typeFixed:
		m.fixed = true
		if have := size - FooterSize; m.size > have {
			m.notes = append(m.notes, fmt.Sprintf("the footer states %d bytes, and there are %d: it is cut", m.size, have))
		}
		return m, nil
	case typeDynamic:
		return m, m.readHead(head)
	}
	return nil, fmt.Errorf("vhd: the disk is of type %d: only what differs from another file is in a differencing disk", kind)
}

func checkFooter(b []byte) error {
	if string(b[:8]) != Magic {
		return errors.New("the magic is missing")
	}
	return checkSum(b, 64)
}

// checkSum holds a structure to its checksum: the complement of the sum of all bytes
// but its own.
func checkSum(b []byte, at int) error {
	sum := uint32(0)
	for i, c := range b {
		if i < at || i >= at+4 {
			sum += uint32(c)
		}
	}
	if ^sum != binary.BigEndian.Uint32(b[at:]) {
		return errors.New("wrong checksum")
	}
	return nil
}

func (m *Image) readHead(at uint64) error {
	b := make([]byte, headSize)
	if at > uint64(m.fileSize) {
		return fmt.Errorf("vhd: the header at %d lies beyond the end of the file", at)
	}
	if n, err := m.r.ReadAt(b, int64(at)); n < len(b) {
		return fmt.Errorf("vhd: header: %w", readError(err))
	}
	if string(b[:8]) != headMagic {
		return errors.New("vhd: header: the magic is missing")
	}
	if err := checkSum(b, 36); err != nil {
		m.notes = append(m.notes, "its header has a wrong checksum")
	}
	table := binary.BigEndian.Uint64(b[16:])
	m.entries, m.block = int64(binary.BigEndian.Uint32(b[28:])), int64(binary.BigEndian.Uint32(b[32:]))
	if m.block < sectorSize || m.block > maxBlock || m.block&(m.block-1) != 0 {
		return fmt.Errorf("vhd: blocks of %d bytes", m.block)
	}
	if table > uint64(m.fileSize) || m.entries*4 > m.fileSize-int64(table) {
		return fmt.Errorf("vhd: a table of %d blocks at %d goes on beyond the end of the file", m.entries, table)
	}
	m.table = int64(table)
	m.bitmap = (m.block/sectorSize/8 + sectorSize - 1) &^ (sectorSize - 1)
	if m.entries*m.block < m.size {
		return fmt.Errorf("vhd: a disk of %d bytes, and %d blocks of %d", m.size, m.entries, m.block)
	}
	return nil
}

// Size is the size of the disk in bytes.
func (m *Image) Size() int64 { return m.size }

// Fixed says that the disk lies in the file as it is.
func (m *Image) Fixed() bool { return m.fixed }

// Notes says what a reader must know of the image.
func (m *Image) Notes() []string { return m.notes }

// ReadAt reads of the disk, as io.ReaderAt says. Blocks that are not there are zeros.
// (The bitmap of a block is not looked at: what it does not mark was written as zeros.)
func (m *Image) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("vhd: read at %d", off)
	}
	for n < len(p) {
		if off >= m.size {
			return n, io.EOF
		}
		part, at := p[n:min(int64(len(p)), int64(n)+m.size-off)], off
		if !m.fixed {
			in := off % m.block
			part = part[:min(int64(len(part)), m.block-in)]
			if at, err = m.blockAt(off / m.block); err != nil {
				return n, fmt.Errorf("vhd: disk offset %d: %w", off, err)
			}
			if at == 0 {
				clear(part)
				n, off = n+len(part), off+int64(len(part))
				continue
			}
			at += in
		} else {
			part = part[:max(0, min(int64(len(part)), m.fileSize-FooterSize-off))]
		}
		k, err := m.r.ReadAt(part, at)
		n, off = n+k, off+int64(k)
		if k < len(part) || k == 0 {
			return n, fmt.Errorf("vhd: disk offset %d: %w", off, readError(err))
		}
	}
	return n, nil
}

// blockAt gives where the data of a block begin; 0 if there are none.
func (m *Image) blockAt(block int64) (int64, error) {
	b := make([]byte, 4)
	if n, err := m.r.ReadAt(b, m.table+block*4); n < len(b) {
		return 0, fmt.Errorf("entry %d of the table: %w", block, readError(err))
	}
	sector := binary.BigEndian.Uint32(b)
	if sector == unused {
		return 0, nil
	}
	return int64(sector)*sectorSize + m.bitmap, nil
}

func readError(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
