package image

import (
	"fmt"
	"io"
	"strings"
)

// A Partition is a part of the medium that a table names, or all of it where there is
// no table.
type Partition struct {
	Number int    // as sgdisk and fdisk count; 0 for a medium without a table
	Start  int64  // bytes
	Size   int64  // bytes; what lies beyond the end of the medium is not counted
	Type   string // GPT: the type's GUID; MBR: "0x83"
	Name   string // GPT: its name; it may hold any character
	GUID   string // GPT: its own GUID
	FS     string // what it holds, by its magic ("ext4", "ntfs", "luks2"); "" if unknown
	Active bool   // marked as bootable
	Cut    bool   // the table says that it goes on beyond the end of the medium
}

// String is one line for a person who has to choose.
func (p Partition) String() string {
	what := p.FS
	if what == "" {
		what = "unknown contents"
	}
	s := fmt.Sprintf("%d: %s, %d MiB at %d, type %s", p.Number, what, p.Size>>20, p.Start, p.Type)
	if p.Number == 0 {
		s = fmt.Sprintf("the whole medium: %s, %d bytes", what, p.Size)
	}
	if p.Name != "" {
		s += fmt.Sprintf(", %q", p.Name)
	}
	return s
}

// A table is what was found of partition tables.
type table struct {
	scheme  string // "gpt", "mbr", "none"
	sector  int64  // bytes
	parts   []Partition
	notes   []string
	sectors []Range // where the tables themselves lie, in order
	guid    string  // of the disk (GPT), or its signature (MBR)
}

// Not inlined, for the size of the program.
//
//go:noinline
func (t *table) notef(format string, a ...any) {
	if len(t.notes) < 32 {
		t.notes = append(t.notes, fmt.Sprintf(format, a...))
	}
}

// Partitions lists the partitions in the order of their numbers: one with number 0 if
// there is no table.
func (d *Disk) Partitions() []Partition { return append([]Partition(nil), d.partitions.parts...) }

// Scheme is "gpt", "mbr" or "none".
func (d *Disk) Scheme() string { return d.partitions.scheme }

// readPartitions finds the tables of a medium. sector is 0 if it is unknown: then 512
// is tried before 4096.
func readPartitions(r io.ReaderAt, size int64, sector int) *table {
	t := &table{scheme: "none", sector: 512}
	sizes := []int64{512, 4096}
	if sector >= 512 {
		t.sector = int64(sector)
		sizes = []int64{int64(sector), 512, 4096}
	}
	first := make([]byte, 512)
	if n, err := r.ReadAt(first, 0); n < len(first) {
		t.notef("the first sector cannot be read: %v", err)
	}
	m := parseMBR(first)
	fs := Detect(r, 0, size)
	switch boot := fs == "ntfs" || fs == "exfat" || strings.HasPrefix(fs, "fat") || fs == "bitlocker" || fs == "refs"; {
	case (m.protective() || m.empty()) && !boot && t.readGPT(r, size, sizes):
		if !m.protective() {
			t.notef("no protective MBR stands before the GPT")
		}
	case m.sane(size/t.sector) && !boot:
		t.scheme, t.guid = "mbr", fmt.Sprintf("%08x", m.signature)
		t.sectors = append(t.sectors, Range{0, t.sector})
		t.takeMBR(r, size, m)
		if fs != "" {
			t.notef("the medium begins as %s too", fs)
		}
		if m.protective() {
			t.notef("the MBR speaks of a GPT, of which neither copy can be read")
		}
	default:
		t.parts = []Partition{{Size: size, Type: "none", FS: fs}}
		return t
	}
	for i := range t.parts {
		t.bound(&t.parts[i], size)
		if t.parts[i].Type != "extended" {
			t.parts[i].FS = Detect(r, t.parts[i].Start, t.parts[i].Size)
		}
	}
	return t
}

// bound holds a partition to the medium.
func (t *table) bound(p *Partition, size int64) {
	if p.Start > size {
		p.Size, p.Cut = 0, true
	} else if p.Size > size-p.Start {
		p.Size, p.Cut = size-p.Start, true
	}
	if p.Cut {
		t.notef("partition %d goes on beyond the end of the medium", p.Number)
	}
}
