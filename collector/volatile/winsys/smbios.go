package winsys

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"hozen/collector/jsonl"
)

// SMBIOS is what the firmware says of the machine: the strings of structures 0 (BIOS),
// 1 (system), 2 (board) and 3 (chassis) of DMTF DSP0134, "System Management BIOS
// Reference Specification".
type SMBIOS struct {
	BIOSMaker, BIOSVersion, BIOSDate         jsonl.Text
	Maker, Model, Version, Serial, UUID, SKU jsonl.Text
	BoardMaker, BoardName, BoardSerial       jsonl.Text
	Chassis                                  string // number of the type
	ChassisTag                               jsonl.Text
}

// ParseSMBIOS reads RawSMBIOSData, which GetSystemFirmwareTable('RSMB') gives: four bytes
// of versions, a length, and the structures
// (https://learn.microsoft.com/windows/win32/api/sysinfoapi/nf-sysinfoapi-getsystemfirmwaretable).
// What stands before damage is given with the error.
func ParseSMBIOS(b []byte) (s SMBIOS, err error) {
	if len(b) < 8 {
		return s, fmt.Errorf("SMBIOS: %d bytes", len(b))
	}
	old := b[1] < 2 || b[1] == 2 && b[2] < 6 // before 2.6 the UUID was in network order
	t := b[8:]
	if n := binary.LittleEndian.Uint32(b[4:]); uint64(n) < uint64(len(t)) {
		t = t[:n]
	}
	for len(t) >= 4 {
		kind, size := t[0], int(t[1])
		if size < 4 || size > len(t) {
			return s, fmt.Errorf("SMBIOS: structure of type %d: %d bytes of %d", kind, size, len(t))
		}
		head := t[:size]
		texts, rest, ok := smbiosStrings(t[size:])
		if !ok {
			return s, fmt.Errorf("SMBIOS: structure of type %d: strings without an end", kind)
		}
		if kind == 127 { // end of the table
			return s, nil
		}
		s.take(kind, head, texts, old)
		t = rest
	}
	return s, nil
}

// smbiosStrings cuts the strings behind a structure: each ended by NUL, and one NUL more.
func smbiosStrings(b []byte) (texts []string, rest []byte, ok bool) {
	end := strings.Index(string(b), "\x00\x00")
	if end < 0 {
		return nil, nil, false
	}
	if end > 0 {
		texts = strings.Split(string(b[:end]), "\x00")
	}
	return texts, b[end+2:], true
}

func (s *SMBIOS) take(kind byte, head []byte, texts []string, old bool) {
	text := func(at int) jsonl.Text {
		if at >= len(head) || head[at] == 0 || int(head[at]) > len(texts) {
			return ""
		}
		return jsonl.Text(strings.TrimSpace(texts[head[at]-1]))
	}
	set := func(to *jsonl.Text, at int) {
		if *to == "" { // the first structure of a type is the machine's own
			*to = text(at)
		}
	}
	switch kind {
	case 0:
		set(&s.BIOSMaker, 4)
		set(&s.BIOSVersion, 5)
		set(&s.BIOSDate, 8)
	case 1:
		set(&s.Maker, 4)
		set(&s.Model, 5)
		set(&s.Version, 6)
		set(&s.Serial, 7)
		set(&s.SKU, 0x19)
		if len(head) >= 0x18 && s.UUID == "" {
			s.UUID = jsonl.Text(smbiosUUID(head[8:24], old))
		}
	case 2:
		set(&s.BoardMaker, 4)
		set(&s.BoardName, 5)
		set(&s.BoardSerial, 7)
	case 3:
		set(&s.ChassisTag, 8)
		if len(head) > 5 && s.Chassis == "" {
			s.Chassis = fmt.Sprint(head[5] & 0x7f)
		}
	}
}

// smbiosUUID writes a UUID as Linux does; "" where there is none (all bytes 0 or 255).
func smbiosUUID(b []byte, old bool) string {
	if bytes.Count(b, []byte{0}) == len(b) || bytes.Count(b, []byte{0xff}) == len(b) {
		return ""
	}
	if old {
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	}
	return strings.ToLower(strings.Trim(guid(b), "{}"))
}
