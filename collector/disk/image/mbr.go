package image

import (
	"encoding/binary"
	"fmt"
	"io"
)

const maxLogical = 256 // partitions in an extended one; Linux knows 60 and less

// An mbr is a master or an extended boot record.
type mbr struct {
	valid     bool // ends in 55 AA
	signature uint32
	entries   [4]mbrEntry
}

type mbrEntry struct {
	flag, kind   byte
	start, count uint32 // sectors
}

// parseMBR reads a boot record of 512 bytes.
func parseMBR(b []byte) (m mbr) {
	m.valid = len(b) >= 512 && b[510] == 0x55 && b[511] == 0xaa
	if !m.valid {
		return m
	}
	m.signature = binary.LittleEndian.Uint32(b[440:])
	for i := range m.entries {
		e := b[446+16*i:]
		m.entries[i] = mbrEntry{e[0], e[4], binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])}
	}
	return m
}

func (m *mbr) protective() bool {
	for _, e := range m.entries {
		if m.valid && e.kind == 0xee {
			return true
		}
	}
	return false
}

// empty says that the record names no partition.
func (m *mbr) empty() bool {
	for _, e := range m.entries {
		if m.valid && (e.kind != 0 || e.count != 0) {
			return false
		}
	}
	return true
}

// sane says that the record is one, and not the code of a boot sector: every entry is
// empty or possible on a medium of so many sectors, and at least one is not empty.
func (m *mbr) sane(sectors int64) bool {
	if !m.valid || m.empty() {
		return false
	}
	for _, e := range m.entries {
		if e.flag&0x7f != 0 || e.kind != 0 && e.count != 0 && (e.start == 0 || int64(e.start) >= sectors) {
			return false
		}
	}
	return true
}

func (e *mbrEntry) extended() bool { return e.kind == 0x05 || e.kind == 0x0f || e.kind == 0x85 }

func (e *mbrEntry) used() bool { return e.kind != 0 && e.count != 0 }

func (t *table) mbrPartition(number int, e mbrEntry, base int64) Partition {
	return Partition{
		Number: number, Start: (base + int64(e.start)) * t.sector, Size: int64(e.count) * t.sector,
		Type: fmt.Sprintf("0x%02x", e.kind), Active: e.flag == 0x80,
	}
}

// takeMBR takes the four entries, then the logical partitions in the first extended one.
func (t *table) takeMBR(r io.ReaderAt, size int64, m mbr) {
	followed := false
	for i, e := range m.entries {
		if !e.used() {
			continue
		}
		p := t.mbrPartition(i+1, e, 0)
		if e.extended() {
			p.Type = "extended"
		}
		t.parts = append(t.parts, p)
		if e.extended() && followed {
			t.notef("partition %d is a second extended one: it is not followed", i+1)
		}
		if e.extended() && !followed {
			followed = true
			defer t.takeLogical(r, size, int64(e.start)) // they are numbered from 5 and come last
		}
	}
}

// takeLogical follows the chain of extended boot records: the first entry of each is a
// partition (relative to the record), the second the next record (relative to the
// first).
func (t *table) takeLogical(r io.ReaderAt, size, base int64) {
	seen := map[int64]bool{}
	number := 5
	for at := base; ; {
		if seen[at] || len(seen) >= maxLogical || at > size/t.sector {
			t.notef("the chain of logical partitions does not end at sector %d: what follows is not read", at)
			return
		}
		seen[at] = true
		b := make([]byte, 512)
		if n, err := r.ReadAt(b, at*t.sector); n < len(b) {
			t.notef("the extended boot record at sector %d cannot be read: %v", at, err)
			return
		}
		m := parseMBR(b)
		if !m.valid {
			t.notef("no extended boot record at sector %d: what follows is not known", at)
			return
		}
		t.sectors = append(t.sectors, Range{at * t.sector, t.sector})
		next := int64(-1)
		for _, e := range m.entries[:2] {
			switch {
			case e.used() && e.extended():
				next = base + int64(e.start)
			case e.used():
				t.parts = append(t.parts, t.mbrPartition(number, e, at))
				number++
			}
		}
		if next < 0 {
			return
		}
		at = next
	}
}
