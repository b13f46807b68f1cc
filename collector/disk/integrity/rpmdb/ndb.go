package rpmdb

import (
	"encoding/binary"
	"fmt"
	"io"
)

// NDB gives the headers in Packages.db of rpm's ndb (rpm, lib/backend/ndb/rpmpkg.c), in the
// order of its slots. Numbers are little-endian. A slot names a package, and where its
// blob lies in blocks of 16 bytes; a blob has a head of four numbers before its bytes.
// An error of each ends it; damage of one blob is told at the end, as ErrDamaged.
func NDB(r io.ReaderAt, size int64, each func(blob []byte) error) error {
	const (
		magic, slotMagic, blobMagic = 0x506d7052, 0x746f6c53, 0x53626c42 // "RpmP", "Slot", "BlbS"
		pageSize, slotSize          = 4096, 16
		maxSlotPages                = 1 << 14
	)
	head := make([]byte, 32)
	if _, err := r.ReadAt(head, 0); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	pages := binary.LittleEndian.Uint32(head[12:])
	if binary.LittleEndian.Uint32(head) != magic || binary.LittleEndian.Uint32(head[4:]) != 0 || pages > maxSlotPages || int64(pages)*pageSize > size {
		return fmt.Errorf("%w: no Packages.db of ndb", ErrDamaged)
	}
	slots := make([]byte, int64(pages)*pageSize)
	if _, err := r.ReadAt(slots, 0); err != nil {
		return fmt.Errorf("slots: %w", err)
	}
	bad, read := 0, int64(0)
	for at := 32; at+slotSize <= len(slots); at += slotSize {
		s := slots[at:]
		if binary.LittleEndian.Uint32(s) != slotMagic {
			bad++
			continue
		}
		number, block := binary.LittleEndian.Uint32(s[4:]), int64(binary.LittleEndian.Uint32(s[8:]))
		if number == 0 {
			continue // free
		}
		blob := make([]byte, 16)
		if _, err := r.ReadAt(blob, block*16); err != nil {
			bad++
			continue
		}
		length := int64(binary.LittleEndian.Uint32(blob[12:]))
		if read += length; read > size || length > maxBlob || block*16+16+length > size ||
			binary.LittleEndian.Uint32(blob) != blobMagic || binary.LittleEndian.Uint32(blob[4:]) != number {
			bad++
			continue
		}
		body := make([]byte, length)
		if _, err := r.ReadAt(body, block*16+16); err != nil {
			bad++
			continue
		}
		if err := each(body); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("%w: %d slots or blobs", ErrDamaged, bad)
	}
	return nil
}
