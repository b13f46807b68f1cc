package rpmdb

import (
	"encoding/binary"
	"fmt"
)

// readLog finds the pages in a write-ahead log (section 4): frames with the salts of the
// log's head and a sum over all before them, up to the last that ends a transaction.
func (db *sqlite) readLog(size int64) error {
	const headSize, frameHead = 32, 24
	head := make([]byte, headSize)
	if size < headSize {
		return nil // empty: nothing was written since the last checkpoint
	}
	if _, err := db.wal.ReadAt(head, 0); err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.BigEndian.Uint32(head) {
	case 0x377f0682:
	case 0x377f0683:
		order = binary.BigEndian
	default:
		return fmt.Errorf("%w: no write-ahead log", ErrDamaged)
	}
	if int(binary.BigEndian.Uint32(head[8:])) != db.page {
		return fmt.Errorf("%w: a write-ahead log with other pages", ErrDamaged)
	}
	sum := walSum(order, [2]uint32{}, head[:24])
	if sum != [2]uint32{binary.BigEndian.Uint32(head[24:]), binary.BigEndian.Uint32(head[28:])} {
		return nil // its head was being written: it does not count yet
	}
	db.log = map[uint32]int64{}
	open, frame := map[uint32]int64{}, make([]byte, frameHead+db.page)
	for off := int64(headSize); off+int64(len(frame)) <= size && off/int64(len(frame)) < maxPages; off += int64(len(frame)) {
		if _, err := db.wal.ReadAt(frame, off); err != nil {
			return fmt.Errorf("write-ahead log: %w", err)
		}
		sum = walSum(order, walSum(order, sum, frame[:8]), frame[frameHead:])
		if string(frame[8:16]) != string(head[16:24]) || sum != [2]uint32{binary.BigEndian.Uint32(frame[16:]), binary.BigEndian.Uint32(frame[20:])} {
			break // of an older log, or cut
		}
		open[binary.BigEndian.Uint32(frame)] = off + frameHead
		if binary.BigEndian.Uint32(frame[4:]) != 0 {
			for n, at := range open {
				db.log[n] = at
			}
			clear(open)
		}
	}
	return nil
}

func walSum(order binary.ByteOrder, s [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		s[0] += order.Uint32(b) + s[1]
		s[1] += order.Uint32(b[4:]) + s[0]
	}
	return s
}
