package image

import (
	"encoding/binary"
	"io"

	"hozen/collector/disk/image/ext4"
)

// A mark is how a file system, or what else fills a partition, says what it is.
type mark struct {
	at   int64
	text string
	what string
}

// marks are looked for in this order. Kernel and vendors document them; util-linux
// (libblkid) has them all in one place.
func marks() []mark {
	return []mark{
		{0, "LUKS\xba\xbe\x00\x01", "luks1"},
		{0, "LUKS\xba\xbe\x00\x02", "luks2"},
		{3, "-FVE-FS-", "bitlocker"},
		{3, "NTFS    ", "ntfs"},
		{3, "EXFAT   ", "exfat"},
		{3, "ReFS\x00\x00\x00\x00", "refs"},
		{82, "FAT32   ", "fat32"},
		{54, "FAT16   ", "fat16"},
		{54, "FAT12   ", "fat12"},
		{0, "XFSB", "xfs"},
		{32, "NXSB", "apfs"},
		{0x10040, "_BHRfS_M", "btrfs"},
		{0, "LABELONE", "lvm2"},
		{512, "LABELONE", "lvm2"},
		{1024, "LABELONE", "lvm2"},
		{1536, "LABELONE", "lvm2"},
		{4096, "\xfc\x4e\x2b\xa9", "md raid"},
		{0, "\xfc\x4e\x2b\xa9", "md raid"},
		{1024, "\x10\x20\xf5\xf2", "f2fs"},
		{0, "hsqs", "squashfs"},
		{0x10034, "ReIsEr", "reiserfs"},
		{0x8000, "JFS1", "jfs"},
		{4096 + 24, "\xc6\x85\x73\xf6", "bcache"},
		{4096 - 10, "SWAPSPACE2", "swap"},
		{8192 - 10, "SWAPSPACE2", "swap"},
		{16384 - 10, "SWAPSPACE2", "swap"},
		{65536 - 10, "SWAPSPACE2", "swap"},
		{4096 - 10, "S1SUSPEND", "swap (suspended)"},
		{1024, "H+\x00\x04", "hfsplus"},
		{1024, "HX\x00\x05", "hfsplus"},
		{1024, "BD", "hfs"},
		{0x8001, "CD001", "iso9660"},
	}
}

const detectBytes = 0x10048 + 8

// Detect names what lies in size bytes at start by its magic; "" if unknown or
// unreadable.
func Detect(r io.ReaderAt, start, size int64) string {
	b := make([]byte, max(0, min(detectBytes, size)))
	n, _ := r.ReadAt(b, start)
	if what := detectIn(b[:n]); what != "" {
		return what
	}
	for _, at := range []int64{32768 * 4096, 8193 * 1024, 16384 * 2048} { // copies of ext's superblock
		b := make([]byte, 1024)
		if at+1024 > size {
			continue
		}
		if n, _ := r.ReadAt(b, start+at); n == len(b) && binary.LittleEndian.Uint16(b[0x5a:]) == 1 {
			if kind := ext4.Kind(b); kind != "" {
				return kind
			}
		}
	}
	return ""
}

func detectIn(b []byte) string {
	for _, m := range marks() {
		end := m.at + int64(len(m.text))
		if int64(len(b)) < end || string(b[m.at:end]) != m.text {
			continue
		}
		return m.what
	}
	if len(b) >= 2048 {
		return ext4.Kind(b[1024:2048])
	}
	return ""
}
