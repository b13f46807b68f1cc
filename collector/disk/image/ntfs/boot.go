package ntfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A boot is what the boot sector says of the volume (BIOS parameter block of NTFS,
// Microsoft's "NTFS overview", libyal's "New Technologies File System").
type boot struct {
	cluster    int64 // bytes
	volume     int64 // bytes
	mft        int64 // cluster of $MFT
	mirror     int64 // cluster of $MFTMirr
	recordSize int64 // bytes of a record of the MFT
	indexSize  int64 // bytes of a record of an index
}

// Magic is at offset 3 of the boot sector.
const Magic = "NTFS    "

func parseBoot(b []byte) (boot, error) {
	if len(b) < 512 || string(b[3:11]) != Magic {
		return boot{}, errors.New("no boot sector of NTFS")
	}
	sector := int64(binary.LittleEndian.Uint16(b[11:]))
	if sector < 256 || sector > 4096 || sector&(sector-1) != 0 {
		return boot{}, fmt.Errorf("boot sector: a sector of %d bytes", sector)
	}
	per := int64(b[13])
	if b[13] > 0x80 { // a power of two, from Windows 10 on
		per = 1 << (256 - int(b[13])&0xff)
	}
	v := boot{cluster: sector * per, mft: int64(binary.LittleEndian.Uint64(b[48:])), mirror: int64(binary.LittleEndian.Uint64(b[56:]))}
	sectors := binary.LittleEndian.Uint64(b[40:])
	if per <= 0 || per&(per-1) != 0 || v.cluster > 2<<20 || sectors == 0 || sectors > 1<<62/uint64(sector) {
		return boot{}, fmt.Errorf("boot sector: clusters of %d sectors, %d sectors in all", per, sectors)
	}
	v.volume = int64(sectors) * sector
	v.recordSize, v.indexSize = sizeOf(int8(b[64]), v.cluster), sizeOf(int8(b[68]), v.cluster)
	if v.recordSize < 512 || v.recordSize > maxRecord || v.indexSize < 512 || v.indexSize > maxRecord {
		return boot{}, fmt.Errorf("boot sector: records of %d and %d bytes", v.recordSize, v.indexSize)
	}
	return v, nil
}

// maxRecord bounds a record; 1 and 4 KiB are usual.
const maxRecord = 64 << 10

// sizeOf reads a size that is a number of clusters, or, if negative, the power of
// two of bytes.
func sizeOf(n int8, cluster int64) int64 {
	if n >= 0 {
		return int64(n) * cluster
	}
	if n < -31 {
		return 0
	}
	return 1 << -n
}
