package ntfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// Types of attributes that are read (Microsoft, "ATTRIBUTE_TYPE_CODE").
const (
	typeStandard   = 0x10
	typeList       = 0x20
	typeFileName   = 0x30
	typeData       = 0x80
	typeIndexRoot  = 0x90
	typeIndexAlloc = 0xA0
	typeBitmap     = 0xB0
	typeReparse    = 0xC0
)

// Flags of a record and of an attribute.
const (
	recordInUse    = 1
	recordIsDir    = 2
	attrCompressed = 0x0001
	attrEncrypted  = 0x4000
)

// A record is one entry of the MFT.
type record struct {
	number uint64
	seq    uint16
	links  uint16
	flags  uint16
	base   uint64 // the record that this one is an extension of; 0 if of none
	attrs  []attribute
}

// An attribute is one of a record, or a part of one that is spread over several.
type attribute struct {
	kind  uint32
	name  string
	id    uint16
	flags uint16
	// resident is the value, where it lies in the record.
	resident []byte
	inRecord bool
	// Of one that does not: where its clusters are, and its sizes (of the first part only).
	first               int64 // VCN
	runs                []run
	unit                uint16 // log2 of the clusters of a compression unit
	actual, initialized int64
}

// restore puts back the last two bytes of each 512 bytes of a record that was
// written in one go (multi-sector header: "FILE", "INDX").
func restore(b []byte, magic string) error {
	if len(b) < 48 || string(b[:4]) != magic {
		return fmt.Errorf("not %q but %q", magic, b[:min(4, len(b))])
	}
	at, n := int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	if n == 0 || at+2*n > len(b) || (n-1)*512 > len(b) {
		return errors.New("its update sequence lies outside")
	}
	for i := 1; i < n; i++ {
		end := b[i*512-2 : i*512]
		if end[0] != b[at] || end[1] != b[at+1] {
			return fmt.Errorf("torn: sector %d is of another write", i)
		}
		end[0], end[1] = b[at+2*i], b[at+2*i+1]
	}
	return nil
}

// parseRecord reads an entry of the MFT whose update sequence was put back. What
// was read before an error is given with it.
func parseRecord(number uint64, b []byte) (*record, error) {
	r := &record{
		number: number, seq: binary.LittleEndian.Uint16(b[16:]), links: binary.LittleEndian.Uint16(b[18:]),
		flags: binary.LittleEndian.Uint16(b[22:]), base: binary.LittleEndian.Uint64(b[32:]) & refMask,
	}
	at, used := int(binary.LittleEndian.Uint16(b[20:])), int(binary.LittleEndian.Uint32(b[24:]))
	if used < 0 || used > len(b) {
		used = len(b)
	}
	for at >= 0 && at+8 <= used && binary.LittleEndian.Uint32(b[at:]) != 0xffffffff {
		n := int(binary.LittleEndian.Uint32(b[at+4:]))
		if n < 24 || at+n > used {
			return r, fmt.Errorf("an attribute of %d bytes at %d of %d", n, at, used)
		}
		a, err := parseAttribute(b[at : at+n])
		if err != nil {
			return r, fmt.Errorf("attribute %#x at %d: %w", a.kind, at, err)
		}
		r.attrs = append(r.attrs, a)
		at += n
	}
	return r, nil
}

// refMask is the number in a reference; the rest is the sequence number.
const refMask = 1<<48 - 1

func parseAttribute(b []byte) (attribute, error) {
	a := attribute{kind: binary.LittleEndian.Uint32(b), flags: binary.LittleEndian.Uint16(b[12:]), id: binary.LittleEndian.Uint16(b[14:])}
	if n, at := 2*int(b[9]), int(binary.LittleEndian.Uint16(b[10:])); n > 0 {
		if at+n > len(b) {
			return a, errors.New("its name lies outside")
		}
		a.name = text(b[at : at+n])
	}
	if b[8] == 0 {
		n, at := int64(binary.LittleEndian.Uint32(b[16:])), int64(binary.LittleEndian.Uint16(b[20:]))
		if at+n > int64(len(b)) {
			return a, errors.New("its value lies outside")
		}
		a.resident, a.inRecord = b[at:at+n], true
		a.actual, a.initialized = n, n
		return a, nil
	}
	if len(b) < 64 {
		return a, fmt.Errorf("%d bytes", len(b))
	}
	a.first, a.unit = int64(binary.LittleEndian.Uint64(b[16:])), binary.LittleEndian.Uint16(b[34:])
	a.actual, a.initialized = int64(binary.LittleEndian.Uint64(b[48:])), int64(binary.LittleEndian.Uint64(b[56:]))
	at := int(binary.LittleEndian.Uint16(b[32:]))
	if at > len(b) || a.first < 0 || a.first > maxCluster {
		return a, errors.New("its runs lie outside")
	}
	var err error
	a.runs, err = parseRuns(b[at:], a.first)
	return a, err
}

// text decodes UTF-16. A surrogate without its other half, which Windows allows in
// a name, becomes the three bytes of its number (WTF-8), so that nothing is lost.
func text(b []byte) string {
	out := make([]byte, 0, len(b))
	for i := 0; i+1 < len(b); i += 2 {
		u := rune(binary.LittleEndian.Uint16(b[i:]))
		if !utf16.IsSurrogate(u) {
			out = utf8.AppendRune(out, u)
			continue
		}
		if i+3 < len(b) {
			if r := utf16.DecodeRune(u, rune(binary.LittleEndian.Uint16(b[i+2:]))); r != utf8.RuneError {
				out = utf8.AppendRune(out, r)
				i += 2
				continue
			}
		}
		out = append(out, 0xe0|byte(u>>12), 0x80|byte(u>>6&0x3f), 0x80|byte(u&0x3f))
	}
	return string(out)
}
