// Package vmdk reads VMware's virtual disks where one file holds all: monolithicSparse
// and streamOptimized.
//
// Begin with Open. Disks whose parts or parent lie in other files are refused: the
// descriptor names those files, and could name any.
//
// Source: VMware, "Virtual Disk Format 5.0". All numbers on disk are little-endian.
package vmdk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zlib"

	"hozen/collector/disk/image/lru"
)

// Magic is how every sparse extent begins.
const Magic = "KDMV"

// Flags of the header.
const (
	flagZeroGrain  = 0x4
	flagCompressed = 0x10000
)

const (
	sectorSize    = 512
	headerSize    = 512
	maxDescriptor = 1 << 20
	maxGrain      = 1 << 24 // bytes; 64 KiB are usual
	maxTable      = 1 << 20 // entries of a grain table; 512 are usual
	tablesKept    = 8 << 20 // bytes
	grainsKept    = 8 << 20 // bytes
	atEnd         = 1<<64 - 1
)

// An Image is an open image. It is safe for concurrent use.
type Image struct {
	r         io.ReaderAt
	fileSize  int64
	flags     uint32
	size      int64 // bytes
	grain     int64 // bytes
	perTable  int64 // entries
	directory int64 // offset
	notes     []string
	tables    *lru.Cache[int64, []byte]
	grains    *lru.Cache[int64, []byte]
}

type header struct {
	Magic                            [4]byte
	Version, Flags                   uint32
	Capacity, GrainSize              uint64 // sectors
	DescriptorOffset, DescriptorSize uint64 // sectors
	PerTable                         uint32
	RedundantDirectory, DirectoryAt  uint64 // sectors
	Overhead                         uint64
	Unclean                          byte
	NewLines                         [4]byte
	Compression                      uint16
}

// Open reads the header and the descriptor of an image that lies in size bytes of r.
func Open(r io.ReaderAt, size int64) (*Image, error) {
	m := &Image{r: r, fileSize: size, tables: lru.New[int64, []byte](tablesKept), grains: lru.New[int64, []byte](grainsKept)}
	h, err := m.readHeader(0)
	if err != nil {
		return nil, err
	}
	if h.DirectoryAt == atEnd { // written as a stream: a second header stands before the last sector
		if h, err = m.readHeader(size - 2*sectorSize); err != nil {
			return nil, fmt.Errorf("at its end: %w", err)
		}
	}
	if err := m.descriptor(h); err != nil {
		return nil, err
	}
	if h.Unclean != 0 {
		m.notes = append(m.notes, "it was not closed cleanly")
	}
	return m, m.take(h)
}

func (m *Image) readHeader(at int64) (*header, error) {
	b := make([]byte, headerSize)
	if at < 0 {
		return nil, errors.New("vmdk: the file is too short")
	}
	if n, err := m.r.ReadAt(b, at); n < len(b) {
		return nil, fmt.Errorf("vmdk: header: %w", readError(err))
	}
	if string(b[:4]) != Magic {
		return nil, errors.New("vmdk: header: the magic is missing")
	}
	h := &header{}
	_, err := binary.Decode(b, binary.LittleEndian, h)
	return h, err
}

// descriptor holds the text that describes the disk to what can be read.
func (m *Image) descriptor(h *header) error {
	at, size := h.DescriptorOffset, h.DescriptorSize
	if at == 0 {
		return nil
	}
	if at > uint64(m.fileSize)/sectorSize || size > maxDescriptor/sectorSize {
		return fmt.Errorf("vmdk: a descriptor of %d sectors at %d", size, at)
	}
	b := make([]byte, size*sectorSize)
	if n, err := m.r.ReadAt(b, int64(at)*sectorSize); n < len(b) {
		return fmt.Errorf("vmdk: descriptor: %w", readError(err))
	}
	text, _, _ := strings.Cut(string(b), "\x00")
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`))
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "parentcid":
			if value != "ffffffff" {
				return errors.New("vmdk: the image holds only what differs from a parent, which it names")
			}
		case "createtype":
			if value != "monolithicsparse" && value != "streamoptimized" {
				return fmt.Errorf("vmdk: its parts lie in other files, which it names (type %q)", value)
			}
		}
	}
	return nil
}

func (m *Image) take(h *header) error {
	if h.GrainSize == 0 || h.GrainSize > maxGrain/sectorSize || h.GrainSize&(h.GrainSize-1) != 0 {
		return fmt.Errorf("vmdk: grains of %d sectors", h.GrainSize)
	}
	if h.PerTable == 0 || h.PerTable > maxTable {
		return fmt.Errorf("vmdk: %d entries in a table", h.PerTable)
	}
	if h.Capacity > 1<<50/sectorSize {
		return fmt.Errorf("vmdk: a disk of %d sectors", h.Capacity)
	}
	if h.DirectoryAt > uint64(m.fileSize)/sectorSize {
		return fmt.Errorf("vmdk: the directory at sector %d lies beyond the end of the file", h.DirectoryAt)
	}
	if h.Flags&flagCompressed != 0 && h.Compression != 1 {
		return fmt.Errorf("vmdk: unknown compression %d", h.Compression)
	}
	m.flags, m.size, m.grain = h.Flags, int64(h.Capacity)*sectorSize, int64(h.GrainSize)*sectorSize
	m.perTable, m.directory = int64(h.PerTable), int64(h.DirectoryAt)*sectorSize
	return nil
}

// Size is the size of the disk in bytes.
func (m *Image) Size() int64 { return m.size }

// Notes says what a reader must know of the image.
func (m *Image) Notes() []string { return m.notes }

// ReadAt reads of the disk, as io.ReaderAt says. Grains that are not there are zeros.
func (m *Image) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("vmdk: read at %d", off)
	}
	for n < len(p) {
		if off >= m.size {
			return n, io.EOF
		}
		in := off % m.grain
		part := p[n:min(int64(len(p)), int64(n)+min(m.grain-in, m.size-off))]
		if err := m.readGrain(part, off/m.grain, in); err != nil {
			return n, fmt.Errorf("vmdk: disk offset %d: %w", off, err)
		}
		n, off = n+len(part), off+int64(len(part))
	}
	return n, nil
}

func (m *Image) readGrain(p []byte, grain, in int64) error {
	at, err := m.grainAt(grain)
	if err != nil {
		return err
	}
	if at == 0 || at == 1 && m.flags&flagZeroGrain != 0 {
		clear(p)
		return nil
	}
	if m.flags&flagCompressed == 0 {
		return m.read(p, at*sectorSize+in)
	}
	b, err := m.inflated(at * sectorSize)
	if err != nil {
		return err
	}
	if int64(len(b)) < in+int64(len(p)) {
		return fmt.Errorf("its grain has only %d bytes", len(b))
	}
	copy(p, b[in:])
	return nil
}

// grainAt gives the sector of a grain: 0 if there is none.
func (m *Image) grainAt(grain int64) (int64, error) {
	i := grain / m.perTable
	table, ok := m.tables.Get(i)
	if !ok {
		b := make([]byte, 4)
		if err := m.read(b, m.directory+i*4); err != nil {
			return 0, fmt.Errorf("entry %d of the directory: %w", i, err)
		}
		if at := int64(binary.LittleEndian.Uint32(b)); at != 0 {
			table = make([]byte, m.perTable*4)
			if err := m.read(table, at*sectorSize); err != nil {
				return 0, fmt.Errorf("its table of grains: %w", err)
			}
		}
		m.tables.Put(i, table, int64(len(table))+64)
	}
	if table == nil {
		return 0, nil
	}
	return int64(binary.LittleEndian.Uint32(table[grain%m.perTable*4:])), nil
}

// inflated gives a compressed grain: its sector on the disk (8 bytes), its size (4),
// and so many bytes of zlib.
func (m *Image) inflated(at int64) ([]byte, error) {
	if b, ok := m.grains.Get(at); ok {
		return b, nil
	}
	head := make([]byte, 12)
	if err := m.read(head, at); err != nil {
		return nil, err
	}
	size := int64(binary.LittleEndian.Uint32(head[8:]))
	if size > 2*m.grain+1024 {
		return nil, fmt.Errorf("a compressed grain of %d bytes", size)
	}
	in := make([]byte, size)
	if err := m.read(in, at+12); err != nil {
		return nil, err
	}
	z, err := zlib.NewReader(bytes.NewReader(in))
	if err != nil {
		return nil, fmt.Errorf("its grain at %d: %w", at, err)
	}
	defer z.Close()
	b, err := io.ReadAll(io.LimitReader(z, m.grain))
	if err != nil {
		return nil, fmt.Errorf("its grain at %d: %w", at, err)
	}
	m.grains.Put(at, b, int64(len(b)))
	return b, nil
}

func (m *Image) read(p []byte, at int64) error {
	if at > m.fileSize-int64(len(p)) {
		return fmt.Errorf("%d bytes at %d lie beyond the end of the file", len(p), at)
	}
	if n, err := m.r.ReadAt(p, at); n < len(p) {
		return readError(err)
	}
	return nil
}

func readError(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
