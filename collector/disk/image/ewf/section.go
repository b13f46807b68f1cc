package ewf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/klauspost/compress/zlib"

	"hozen/packager/evidence/fault"
)

const (
	fileHeader    = 13 // bytes
	sectionHeader = 76
	tableHeader   = 24
	maxErrors     = 1 << 16 // ranges of bad sectors
)

// readSegment follows the sections of one segment: each names the offset of the
// next, which must lie behind it.
func (m *Image) readSegment(i int) error {
	head := make([]byte, fileHeader)
	if err := m.read(i, head, 0); err != nil {
		return err
	}
	if string(head[:8]) != Magic {
		return errors.New("the signature is missing")
	}
	if n := int(binary.LittleEndian.Uint16(head[9:])); n != i+1 {
		return fmt.Errorf("it calls itself number %d (give the first one, .E01)", n)
	}
	sectors := int64(0) // where the last section "sectors" ends
	for at := int64(fileHeader); ; {
		s, err := m.readSection(i, at)
		if err != nil {
			if at == fileHeader {
				return err
			}
			m.notef("segment %d: %v: what follows is not read", i+1, err)
			return nil
		}
		if s.kind == "sectors" {
			sectors = s.end
		}
		if err := m.take(i, s, sectors); err != nil {
			return fmt.Errorf("section %q at %d: %w", s.kind, at, err)
		}
		m.ended = s.kind == "done"
		if m.ended || s.kind == "next" {
			return nil
		}
		if s.next <= at {
			m.notef("segment %d: section %q at %d leads back to %d: what follows is not read", i+1, s.kind, at, s.next)
			return nil
		}
		at = s.next
	}
}

type section struct {
	kind          string
	data, end     int64 // of its data, in the segment
	next          int64 // offset of the next section
	claimed, left int64 // size that it gives itself, and what of its data is there
}

func (m *Image) readSection(i int, at int64) (s section, err error) {
	b := make([]byte, sectionHeader)
	if err := m.read(i, b, at); err != nil {
		return s, fmt.Errorf("section at %d: %w", at, err)
	}
	if adler32.Checksum(b[:72]) != binary.LittleEndian.Uint32(b[72:]) {
		return s, fmt.Errorf("section at %d: wrong checksum", at)
	}
	kind, _, _ := strings.Cut(string(b[:16]), "\x00")
	next, size := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	if next > 1<<62 || size > 1<<62 {
		return s, fmt.Errorf("section %q at %d: impossible sizes", kind, at)
	}
	s = section{kind: kind, data: at + sectionHeader, next: int64(next), claimed: int64(size)}
	s.end = at + s.claimed
	if s.end < s.data || s.end > m.segments[i].Size { // some imagers write 0 in sections without data
		s.end = min(max(s.next, s.data), m.segments[i].Size)
	}
	s.left = s.end - s.data
	return s, nil
}

// take keeps what a section says. What we do not know is passed over.
func (m *Image) take(i int, s section, sectors int64) error {
	switch s.kind {
	case "volume", "disk", "data":
		return m.takeVolume(i, s)
	case "table":
		return m.takeTable(i, s, sectors)
	case "table2":
		m.takeTable2(i, s)
	case "header", "header2":
		m.takeHeader(i, s)
	case "hash", "digest":
		m.takeHashes(i, s)
	case "error2":
		m.takeErrors(i, s)
	case "ltree":
		return errors.New("logical evidence (.L01): it holds files, not a disk")
	}
	return nil
}

// takeVolume reads the geometry; later segments repeat it as "data".
func (m *Image) takeVolume(i int, s section) error {
	if m.volume {
		return nil
	}
	b := make([]byte, min(s.left, 94))
	if err := m.read(i, b, s.data); err != nil || len(b) < 94 {
		return fault.Join(err, fmt.Errorf("%d bytes", len(b)))
	}
	per, sector := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	count := binary.LittleEndian.Uint64(b[16:])
	if s.left < 1052 { // the form of SMART, with 32 bits
		count &= 1<<32 - 1
	}
	chunk := uint64(per) * uint64(sector)
	if sector == 0 || sector > 1<<16 || chunk == 0 || chunk > maxChunk || count > 1<<62/uint64(sector) {
		return fmt.Errorf("%d sectors of %d bytes, %d in a chunk", count, sector, per)
	}
	m.sector, m.chunk, m.size, m.volume = sector, int64(chunk), int64(count*uint64(sector)), true
	return nil
}

func (m *Image) takeTable(i int, s section, sectors int64) error {
	if !m.volume {
		return errors.New("a table before the description of the media")
	}
	b := make([]byte, tableHeader)
	if err := m.read(i, b, s.data); err != nil {
		return err
	}
	count := int64(binary.LittleEndian.Uint32(b))
	damaged := adler32.Checksum(b[:20]) != binary.LittleEndian.Uint32(b[20:])
	if room := (s.left - tableHeader) / 4; count > room || count > maxTable {
		m.notef("segment %d: table at %d claims %d entries and has room for %d", i+1, s.data, count, room)
		count = max(0, min(room, maxTable))
	}
	if len(m.tables) == maxTables {
		return fmt.Errorf("more than %d tables", maxTables)
	}
	first := int64(0)
	if n := len(m.tables); n > 0 {
		first = m.tables[n-1].first + m.tables[n-1].count
	}
	t := table{segment: i, at: s.data, first: first, count: count, end: sectors, summed: sectors != 0, damaged: damaged}
	if sectors == 0 { // SMART: the chunks follow the entries
		t.end = s.end
	}
	m.tables = append(m.tables, t)
	return nil
}

// takeTable2 remembers the copy of the table before it, and believes it where the
// head of the first is damaged.
func (m *Image) takeTable2(i int, s section) {
	n := len(m.tables)
	if n == 0 || m.tables[n-1].segment != i {
		return
	}
	t, b := &m.tables[n-1], make([]byte, tableHeader)
	if m.read(i, b, s.data) != nil || adler32.Checksum(b[:20]) != binary.LittleEndian.Uint32(b[20:]) {
		return
	}
	count := int64(binary.LittleEndian.Uint32(b))
	if count > (s.left-tableHeader)/4 || count > maxTable || count != t.count && !t.damaged {
		return
	}
	t.second, t.count = s.data, count
}

func (m *Image) takeHashes(i int, s section) {
	b := make([]byte, min(s.left, 80))
	if err := m.read(i, b, s.data); err != nil || len(b) < 36 {
		m.notef("segment %d: section %q at %d cannot be read", i+1, s.kind, s.data)
		return
	}
	end := 32
	if s.kind == "digest" {
		end = 76
	}
	if len(b) < end+4 || adler32.Checksum(b[:end]) != binary.LittleEndian.Uint32(b[end:]) {
		m.notef("segment %d: section %q at %d: wrong checksum, its hashes are not taken", i+1, s.kind, s.data)
		return
	}
	m.md5 = notZero(b[:16], m.md5)
	if s.kind == "digest" {
		m.sha1 = notZero(b[16:36], m.sha1)
	}
}

func notZero(b, otherwise []byte) []byte {
	if bytes.Count(b, []byte{0}) == len(b) {
		return otherwise
	}
	return b
}

func (m *Image) takeErrors(i int, s section) {
	const head = 520 // count, 512 unknown bytes, checksum
	b := make([]byte, head)
	if err := m.read(i, b, s.data); err != nil {
		m.notef("segment %d: the list of bad sectors cannot be read: %v", i+1, err)
		return
	}
	count := int64(binary.LittleEndian.Uint32(b))
	if n := min((s.left-head)/8, maxErrors); count > n {
		m.notef("segment %d: of %d ranges of bad sectors only %d are taken", i+1, count, max(n, 0))
		count = max(n, 0)
	}
	b = make([]byte, count*8)
	if err := m.read(i, b, s.data+head); err != nil {
		m.notef("segment %d: the list of bad sectors cannot be read: %v", i+1, err)
		return
	}
	for ; len(b) > 0 && len(m.bad) < maxErrors; b = b[8:] {
		m.bad = append(m.bad, Range{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])})
	}
}

// takeHeader reads lines of values below a line of names. header2 has UTF-16 and
// more values; what is there already is kept.
func (m *Image) takeHeader(i int, s section) {
	b := make([]byte, min(s.left, maxText))
	if err := m.read(i, b, s.data); err != nil {
		return
	}
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		m.notef("segment %d: section %q: %v", i+1, s.kind, err)
		return
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, maxText))
	if err != nil {
		m.notef("segment %d: section %q: %v", i+1, s.kind, err)
	}
	for k, v := range parseHeader(text) {
		if _, known := m.header[k]; !known && v != "" {
			m.header[k] = v
		}
	}
}

// parseHeader gives the first category of a header, whatever its encoding.
func parseHeader(b []byte) map[string]string {
	text := string(b)
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe {
		u := make([]uint16, len(b)/2)
		for i := range u {
			u[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		text = string(utf16.Decode(u[1:]))
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	if len(lines) < 4 {
		return nil
	}
	out := map[string]string{}
	values := strings.Split(lines[3], "\t")
	for i, name := range strings.Split(lines[2], "\t") {
		if i < len(values) && name != "" && len(name) < 16 && len(out) < 64 {
			out[name] = values[i]
		}
	}
	return out
}

func (m *Image) read(segment int, b []byte, at int64) error {
	n, err := m.segments[segment].R.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read at %d: %w", at, err)
}
