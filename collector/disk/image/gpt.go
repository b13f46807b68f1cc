package image

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"unicode/utf16"

	"hozen/packager/evidence/fault"
)

const maxGPTEntries = 1 << 20 // bytes of all entries; 16 KiB are usual

// A gpt is one copy of a GUID partition table (UEFI specification, chapter 5).
type gpt struct {
	at        int64 // sector of its header
	other     uint64
	guid      string
	entriesAt uint64 // sector
	entries   []byte
	each      int
	doubt     error // the entries do not have the checksum that the header states
}

// readGPT reads the first copy, or, where that is damaged, the one at the end.
func (t *table) readGPT(r io.ReaderAt, size int64, sectors []int64) bool {
	for _, sector := range sectors {
		last := size/sector - 1
		if last < 2 {
			continue
		}
		g, err := readGPT(r, size, sector, 1)
		why := fault.Join(err, g.doubt)
		if why != nil {
			at := last
			if err == nil && g.other > 1 && g.other < uint64(last) {
				at = int64(g.other)
			}
			backup, again := readGPT(r, size, sector, at)
			switch {
			case again == nil && (err != nil || backup.doubt == nil):
				g, err = backup, nil
				t.notef("the first GPT is damaged (%v): its copy at sector %d was taken", why, at)
			case err == nil:
				t.notef("the GPT is damaged (%v), and so is its copy", why)
			}
		} else if backup, again := readGPT(r, size, sector, int64(min(g.other, 1<<62))); fault.Join(again, backup.doubt) != nil {
			t.notef("the copy of the GPT is damaged: %v", fault.Join(again, backup.doubt))
		}
		if err != nil {
			continue
		}
		t.scheme, t.sector, t.guid = "gpt", sector, g.guid
		t.takeGPT(&g)
		t.sectors = append(t.sectors, Range{0, sector}, Range{sector, sector}, Range{last * sector, sector})
		if entries := (Range{int64(g.entriesAt) * sector, int64(len(g.entries))}); len(g.entries) > 0 {
			t.sectors = append(t.sectors, entries)
		}
		return true
	}
	return false
}

// readGPT reads the header at a sector, and its entries.
func readGPT(r io.ReaderAt, size, sector, at int64) (g gpt, err error) {
	b := make([]byte, 512)
	if at < 1 || at >= size/sector {
		return g, fmt.Errorf("sector %d lies beyond the end of the medium", at)
	}
	if n, err := r.ReadAt(b, at*sector); n < len(b) {
		return g, fmt.Errorf("sector %d: %w", at, err)
	}
	g, sum, bytes, err := parseGPTHeader(b)
	if err != nil {
		return g, fmt.Errorf("sector %d: %w", at, err)
	}
	g.at = at
	if g.entriesAt >= uint64(size/sector) || bytes > size-int64(g.entriesAt)*sector {
		return g, fmt.Errorf("its entries at sector %d lie beyond the end of the medium", g.entriesAt)
	}
	g.entries = make([]byte, bytes)
	if n, err := r.ReadAt(g.entries, int64(g.entriesAt)*sector); n < len(g.entries) {
		return g, fmt.Errorf("its entries at sector %d: %w", g.entriesAt, err)
	}
	if crc32.ChecksumIEEE(g.entries) != sum {
		g.doubt = errors.New("wrong checksum of its entries")
	}
	return g, nil
}

// parseGPTHeader reads a header of 512 bytes.
func parseGPTHeader(b []byte) (g gpt, sum uint32, entries int64, err error) {
	if string(b[:8]) != "EFI PART" {
		return g, 0, 0, errors.New("no GPT header")
	}
	size := binary.LittleEndian.Uint32(b[12:])
	if size < 92 || size > 512 {
		return g, 0, 0, fmt.Errorf("a GPT header of %d bytes", size)
	}
	h := append([]byte(nil), b[:size]...)
	clear(h[16:20])
	if crc32.ChecksumIEEE(h) != binary.LittleEndian.Uint32(b[16:]) {
		return g, 0, 0, errors.New("wrong checksum of the GPT header")
	}
	count, each := int64(binary.LittleEndian.Uint32(b[80:])), int64(binary.LittleEndian.Uint32(b[84:]))
	if each < 128 || each%8 != 0 || each > maxGPTEntries || count > maxGPTEntries/each {
		return g, 0, 0, fmt.Errorf("%d GPT entries of %d bytes", count, each)
	}
	g = gpt{other: binary.LittleEndian.Uint64(b[32:]), guid: guid(b[56:]), entriesAt: binary.LittleEndian.Uint64(b[72:]), each: int(each)}
	return g, binary.LittleEndian.Uint32(b[88:]), count * each, nil
}

func (t *table) takeGPT(g *gpt) {
	for i := 0; i < len(g.entries)/g.each; i++ {
		e := g.entries[i*g.each:]
		if strings.Trim(string(e[:16]), "\x00") == "" {
			continue
		}
		first, last := binary.LittleEndian.Uint64(e[32:]), binary.LittleEndian.Uint64(e[40:])
		if most := uint64(1<<62) / uint64(t.sector); last < first || last >= most {
			t.notef("partition %d runs from sector %d to %d: it is left out", i+1, first, last)
			continue
		}
		t.parts = append(t.parts, Partition{
			Number: i + 1, Start: int64(first) * t.sector, Size: int64(last-first+1) * t.sector,
			Type: guid(e), GUID: guid(e[16:]), Name: gptName(e[56:128]),
			Active: binary.LittleEndian.Uint64(e[48:])&4 != 0,
		})
	}
}

func gptName(b []byte) string {
	u := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		c := binary.LittleEndian.Uint16(b)
		if c == 0 {
			break
		}
		u = append(u, c)
	}
	return string(utf16.Decode(u))
}

// guid is the form of RFC 9562, of 16 bytes whose first three fields are little-endian.
func guid(b []byte) string {
	return fmt.Sprintf("%08X-%04X-%04X-%X-%X", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]),
		binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:16])
}
