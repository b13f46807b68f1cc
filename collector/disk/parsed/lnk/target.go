package lnk

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
	"hozen/packager/evidence/fault"
)

// linkInfo reads LinkInfo (2.3): its offsets count from its beginning; those of the
// UTF-16 paths are there if its head has 36 bytes.
func linkInfo(row *Row, b []byte) error {
	if len(b) < 28 {
		return fmt.Errorf("LinkInfo: %d bytes, want at least 28", len(b))
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	head, flags := u32(4), u32(8)
	var damage []error
	text := func(what string, at uint32, wide bool) jsonl.Text {
		if int64(at) >= int64(len(b)) {
			damage = append(damage, fmt.Errorf("LinkInfo: %s: at %d of %d", what, at, len(b)))
			return ""
		}
		if wide {
			return jsonl.Text(utf16.ToNUL(b[at:]))
		}
		return jsonl.Text(toNUL(b[at:]))
	}
	wide := head >= 36 && len(b) >= 36
	var suffix jsonl.Text
	if at := u32(24); at != 0 {
		suffix = text("common path suffix", at, false)
	}
	if wide && u32(32) != 0 {
		suffix = text("common path suffix", u32(32), true)
	}
	if flags&1 != 0 { // VolumeIDAndLocalBasePath
		row.LocalPath = text("local base path", u32(16), false) + suffix
		if wide && u32(28) != 0 {
			row.LocalPath = text("local base path", u32(28), true) + suffix
		}
		v, err := volumeID(b, u32(12))
		row.Volume = v
		damage = append(damage, err)
	}
	if flags&2 != 0 { // CommonNetworkRelativeLinkAndPathSuffix
		row.SharePath = suffix
		damage = append(damage, networkLink(row, b, u32(20)))
	}
	return fault.Join(damage...)
}

// volumeID reads VolumeID (2.3.1).
func volumeID(b []byte, at uint32) (*Volume, error) {
	if int64(at)+16 > int64(len(b)) {
		return nil, fmt.Errorf("VolumeID: at %d of %d", at, len(b))
	}
	b = b[at:]
	if size := binary.LittleEndian.Uint32(b); int64(size) < int64(len(b)) && size >= 16 {
		b = b[:size]
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	v := &Volume{Type: driveType(u32(4)), Serial: fmt.Sprintf("%08X", u32(8))}
	at = u32(12)
	wide := at == 0x14 && len(b) >= 20
	if wide {
		at = u32(16)
	}
	switch {
	case int64(at) > int64(len(b)):
		return v, fmt.Errorf("VolumeID: label at %d of %d", at, len(b))
	case wide:
		v.Label = jsonl.Text(utf16.ToNUL(b[at:]))
	default:
		v.Label = jsonl.Text(toNUL(b[at:]))
	}
	return v, nil
}

// driveType gives the words for what GetDriveType says.
func driveType(n uint32) string {
	names := []string{"unknown", "no root", "removable", "fixed", "remote", "cdrom", "ramdisk"}
	if int64(n) < int64(len(names)) {
		return names[n]
	}
	return fmt.Sprint(n)
}

// networkLink reads CommonNetworkRelativeLink (2.3.2).
func networkLink(row *Row, b []byte, at uint32) error {
	if int64(at)+20 > int64(len(b)) {
		return fmt.Errorf("CommonNetworkRelativeLink: at %d of %d", at, len(b))
	}
	b = b[at:]
	if size := binary.LittleEndian.Uint32(b); int64(size) < int64(len(b)) && size >= 20 {
		b = b[:size]
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	var damage []error
	text := func(at, wideAt uint32) jsonl.Text {
		if u32(8) > 0x14 && len(b) >= 28 && wideAt != 0 && int64(wideAt) < int64(len(b)) {
			return jsonl.Text(utf16.ToNUL(b[wideAt:]))
		}
		if int64(at) >= int64(len(b)) {
			damage = append(damage, fmt.Errorf("CommonNetworkRelativeLink: a name at %d of %d", at, len(b)))
			return ""
		}
		return jsonl.Text(toNUL(b[at:]))
	}
	wide := func(at int) uint32 {
		if len(b) < at+4 {
			return 0
		}
		return u32(at)
	}
	row.Share = text(u32(8), wide(20))
	if u32(4)&1 != 0 { // ValidDevice
		row.ShareDrive = text(u32(12), wide(24))
	}
	return fault.Join(damage...)
}

// toNUL gives the bytes before the first NUL.
func toNUL(b []byte) []byte {
	b, _, _ = bytes.Cut(b, []byte{0})
	return b
}

// guid writes a GUID of 16 bytes, whose first three parts are little-endian.
func guid(b []byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:16])
}
