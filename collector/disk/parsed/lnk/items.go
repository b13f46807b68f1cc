package lnk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// items reads a list of shell items: each begins with its size in 16 bits, and a size of
// 0 ends it.
func items(b []byte) ([]Item, error) {
	out := []Item{}
	for len(b) >= 2 {
		size := int(binary.LittleEndian.Uint16(b))
		if size == 0 {
			return out, nil
		}
		if size < 3 || size > len(b) {
			return out, fmt.Errorf("shell item %d: %d bytes, and %d are left", len(out), size, len(b))
		}
		out = append(out, item(b[2:size]))
		b = b[size:]
	}
	return out, nil
}

// item reads one, without its size. What is not known of its kind keeps its first byte.
func item(b []byte) Item {
	it := Item{Kind: "other", Class: b[0], Bytes: len(b) + 2}
	switch class := b[0]; {
	case class == 0x1f && len(b) >= 18:
		it.Kind, it.Name = "root", jsonl.Text(guid(b[2:]))
	case class == 0x2e && len(b) >= 18: // a volume by its identifier, or a folder of a user
		it.Kind, it.Name = "volume", jsonl.Text(guid(b[2:]))
	case class&0x70 == 0x20 && len(b) > 1:
		it.Kind, it.Name = "volume", jsonl.Text(toNUL(b[1:]))
	case class&0x70 == 0x30 && len(b) >= 14:
		fileItem(&it, b)
	case class&0x70 == 0x40 && len(b) > 3:
		it.Kind, it.Name = "network", jsonl.Text(toNUL(b[3:]))
	case class == 0x61:
		it.Kind = "uri"
	case class&0x70 == 0x70:
		it.Kind = "control"
	case len(b) > 4 && class == 0x00:
		it.Kind = "users"
	}
	return it
}

// fileItem reads a file entry: size, FAT time, attributes, the name, then since XP a block
// with the long name, more times and the record of the MFT.
func fileItem(it *Item, b []byte) {
	it.Kind = "file"
	if b[0]&1 != 0 {
		it.Kind = "folder"
	}
	it.Size = binary.LittleEndian.Uint32(b[2:])
	it.Modified = fatTime(b[6:])
	if b[0]&4 != 0 {
		it.Name = jsonl.Text(utf16.ToNUL(b[12:]))
	} else {
		it.Name = jsonl.Text(toNUL(b[12:]))
	}
	at := bytes.Index(b, []byte{4, 0, 0xef, 0xbe}) // 0xbeef0004, behind its size and version
	if at < 4 {
		return
	}
	fileBlock(it, b[at-4:])
}

// fileBlock reads the extension 0xbeef0004. Its version (3 XP, 7 Vista, 8 Windows 7, 9
// Windows 8.1) says where the name begins.
func fileBlock(it *Item, b []byte) {
	if size := int(binary.LittleEndian.Uint16(b)); size >= 20 && size <= len(b) {
		b = b[:size]
	}
	if len(b) < 20 {
		return
	}
	version := binary.LittleEndian.Uint16(b[2:])
	it.Created, it.Accessed = fatTime(b[8:]), fatTime(b[12:])
	name := 20
	if version >= 7 && len(b) >= 28 {
		v := binary.LittleEndian.Uint64(b[20:])
		it.Record, it.Sequence = v&(1<<48-1), uint16(v>>48)
		name = 38
	}
	if version >= 8 {
		name = 42
	}
	if version >= 9 {
		name = 46
	}
	if name >= len(b) {
		return
	}
	if long := utf16.ToNUL(b[name:]); long != "" {
		it.Short, it.Name = it.Name, jsonl.Text(long)
	}
}

// fatTime reads a date and a time of FAT, in UTC in shell items; nil where none is set.
func fatTime(b []byte) *time.Time {
	d, t := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	if d == 0 {
		return nil
	}
	at := time.Date(1980+int(d>>9), time.Month(d>>5&15), int(d&31), int(t>>11), int(t>>5&63), 2*int(t&31), 0, time.UTC)
	return &at
}

// itemsPath joins the steps that have a name on the way: volume, folders, file.
func itemsPath(list []Item) jsonl.Text {
	var parts []string
	for _, it := range list {
		switch it.Kind {
		case "volume", "folder", "file", "network":
			parts = append(parts, strings.TrimSuffix(string(it.Name), `\`))
		}
	}
	return jsonl.Text(strings.Join(parts, `\`))
}
