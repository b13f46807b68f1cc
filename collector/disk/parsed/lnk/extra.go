package lnk

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// Signatures of the blocks of ExtraData (2.5) that are read.
const (
	blockEnvironment = 0xa0000001
	blockTracker     = 0xa0000003
	blockDarwin      = 0xa0000006
	blockIcon        = 0xa0000007
)

// extra reads ExtraData: blocks of a size and a signature, up to one of less than 4 bytes.
func (l *link) extra() error {
	for len(l.rest) >= 4 {
		size := binary.LittleEndian.Uint32(l.rest)
		if size < 4 {
			l.row.Appended = len(l.rest) - 4
			return nil
		}
		b, err := l.take("block of extra data", int(min(size, 1<<30)))
		if err != nil {
			return err
		}
		if len(b) >= 8 {
			l.block(binary.LittleEndian.Uint32(b[4:]), b)
		}
	}
	return fmt.Errorf("extra data: no end, and %d bytes are left", len(l.rest))
}

func (l *link) block(signature uint32, b []byte) {
	switch signature {
	case blockEnvironment:
		l.row.Environment = pathBlock(b)
	case blockDarwin:
		l.row.Darwin = pathBlock(b)
	case blockIcon:
		l.row.IconEnvironment = pathBlock(b)
	case blockTracker:
		if len(b) < 0x60 {
			l.spoilt(fmt.Errorf("TrackerDataBlock: %d bytes, want 96", len(b)))
			return
		}
		l.row.Tracker = tracker(b)
	}
}

// pathBlock reads a block of 260 bytes in the code page, then 260 units of UTF-16, which
// count more.
func pathBlock(b []byte) jsonl.Text {
	b = b[8:]
	if len(b) >= 260+2 {
		if wide := utf16.ToNUL(b[260:]); wide != "" {
			return jsonl.Text(wide)
		}
	}
	return jsonl.Text(toNUL(b[:min(260, len(b))]))
}

// tracker reads TrackerDataBlock (2.5.10): a machine's name of 16 bytes, then the
// identifiers of volume and file, as they are and as they were at birth.
func tracker(b []byte) *Tracker {
	t := &Tracker{Machine: jsonl.Text(toNUL(b[16:32])), VolumeID: guid(b[32:]), FileID: guid(b[48:]), BirthVolume: guid(b[64:]), BirthFile: guid(b[80:])}
	id := b[48:64]
	if id[7]>>4 == 1 { // RFC 4122 4.1.3: made of a time and an address
		t.MAC = net.HardwareAddr(id[10:16]).String()
		ticks := uint64(binary.LittleEndian.Uint16(id[6:])&0x0fff)<<48 | uint64(binary.LittleEndian.Uint16(id[4:]))<<32 | uint64(binary.LittleEndian.Uint32(id))
		const gregorian = 12219292800 // seconds from 1582-10-15 to 1970
		at := time.Unix(int64(ticks/1e7)-gregorian, int64(ticks%1e7)*100).UTC()
		t.Generated = &at
	}
	return t
}
