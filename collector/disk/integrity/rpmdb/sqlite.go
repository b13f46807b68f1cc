package rpmdb

import (
	"encoding/binary"
	"fmt"
	"io"
)

// sqliteMagic begins a database (SQLite, fileformat2.html, section 1.3).
const sqliteMagic = "SQLite format 3\x00"

// A sqlite is a database that is read without a lock and without writing: the pages of
// its write-ahead log go before its own.
type sqlite struct {
	r       io.ReaderAt
	page    int // size in bytes
	usable  int
	count   uint32
	log     map[uint32]int64 // offsets of pages in the log
	wal     io.ReaderAt
	visited int
}

// SQLite gives the blob of each row of the table Packages of rpmdb.sqlite, in the order
// of the table. wal is the write-ahead log beside it; nil if there is none. An error of
// each ends it and is returned; damage ends it with ErrDamaged, after what could be read.
func SQLite(r io.ReaderAt, size int64, wal io.ReaderAt, walSize int64, each func(blob []byte) error) error {
	db, err := openSQLite(r, size, wal, walSize)
	if err != nil {
		return err
	}
	var root uint32
	err = db.table(1, 0, func(record []byte) error {
		cols, err := columns(record, 5)
		if err != nil {
			return err
		}
		if string(cols[0]) == "table" && string(cols[1]) == "Packages" {
			var n uint64
			for _, b := range cols[3] {
				n = n<<8 | uint64(b)
			}
			root = uint32(n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if root == 0 {
		return fmt.Errorf("%w: no table Packages", ErrDamaged)
	}
	return db.table(root, 0, func(record []byte) error {
		cols, err := columns(record, 2)
		if err != nil {
			return err
		}
		return each(cols[1])
	})
}

func openSQLite(r io.ReaderAt, size int64, wal io.ReaderAt, walSize int64) (*sqlite, error) {
	head := make([]byte, 100)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if string(head[:16]) != sqliteMagic {
		return nil, fmt.Errorf("%w: no SQLite database", ErrDamaged)
	}
	page := int(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = 65536
	}
	if page < 512 || page&(page-1) != 0 || page-int(head[20]) < 480 {
		return nil, fmt.Errorf("%w: pages of %d bytes, %d of them reserved", ErrDamaged, page, head[20])
	}
	db := &sqlite{r: r, page: page, usable: page - int(head[20]), wal: wal}
	if wal != nil {
		if err := db.readLog(walSize); err != nil {
			return nil, err
		}
	}
	pages := size / int64(page)
	for n := range db.log {
		pages = max(pages, int64(n))
	}
	if pages > maxPages {
		return nil, fmt.Errorf("%w: %d pages", ErrDamaged, pages)
	}
	db.count = uint32(pages)
	return db, nil
}

// read gives page n, from 1.
func (db *sqlite) read(n uint32) ([]byte, error) {
	if n == 0 || n > db.count {
		return nil, fmt.Errorf("%w: page %d of %d", ErrDamaged, n, db.count)
	}
	if db.visited++; db.visited > 4*int(db.count)+16 {
		return nil, fmt.Errorf("%w: pages that lead in a circle", ErrDamaged)
	}
	b := make([]byte, db.page)
	if off, ok := db.log[n]; ok {
		_, err := db.wal.ReadAt(b, off)
		return b, err
	}
	_, err := db.r.ReadAt(b, int64(n-1)*int64(db.page))
	return b, err
}

// table goes through a table's b-tree (section 1.6): 5 is an inner page, 13 a leaf.
func (db *sqlite) table(n uint32, depth int, row func(record []byte) error) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: a tree deeper than %d", ErrDamaged, maxDepth)
	}
	b, err := db.read(n)
	if err != nil {
		return err
	}
	head := b
	if n == 1 {
		head = b[100:]
	}
	cells, size := int(binary.BigEndian.Uint16(head[3:])), 8
	if head[0] == 5 {
		size = 12
	} else if head[0] != 13 {
		return fmt.Errorf("%w: page %d is of type %d, not of a table", ErrDamaged, n, head[0])
	}
	if size+2*cells > len(head) {
		return fmt.Errorf("%w: page %d has %d cells", ErrDamaged, n, cells)
	}
	for i := range cells {
		at := int(binary.BigEndian.Uint16(head[size+2*i:]))
		if at+4 > db.usable {
			return fmt.Errorf("%w: a cell at %d of page %d", ErrDamaged, at, n)
		}
		if head[0] == 5 {
			err = db.table(binary.BigEndian.Uint32(b[at:]), depth+1, row)
		} else {
			err = db.cell(b[at:db.usable], row)
		}
		if err != nil {
			return err
		}
	}
	if head[0] == 5 {
		return db.table(binary.BigEndian.Uint32(head[8:]), depth+1, row)
	}
	return nil
}

// cell reads a row: its length, its number, what fits into the page, and the first of the
// pages with the rest.
func (db *sqlite) cell(b []byte, row func(record []byte) error) error {
	length, n := varint(b)
	if n == 0 || length > maxBlob {
		return fmt.Errorf("%w: a row of %d bytes", ErrDamaged, length)
	}
	_, k := varint(b[n:])
	if k == 0 {
		return fmt.Errorf("%w: a row without a number", ErrDamaged)
	}
	b = b[n+k:]
	total, most := int(length), db.usable-35
	local := total
	if total > most {
		least := (db.usable-12)*32/255 - 23
		if local = least + (total-least)%(db.usable-4); local > most {
			local = least
		}
	}
	if local > len(b) || total > local && local+4 > len(b) {
		return fmt.Errorf("%w: a row of %d bytes ends behind its page", ErrDamaged, total)
	}
	record := append([]byte(nil), b[:local]...)
	if total > local {
		var err error
		if record, err = db.overflow(record, total, binary.BigEndian.Uint32(b[local:])); err != nil {
			return err
		}
	}
	return row(record)
}

func (db *sqlite) overflow(record []byte, total int, next uint32) ([]byte, error) {
	for len(record) < total {
		b, err := db.read(next)
		if err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(b)
		record = append(record, b[4:4+min(total-len(record), db.usable-4)]...)
	}
	return record, nil
}

// columns gives the bytes of the first columns of a record (section 2.1).
func columns(record []byte, want int) ([][]byte, error) {
	size, n := varint(record)
	if n == 0 || size < uint64(n) || size > uint64(len(record)) {
		return nil, fmt.Errorf("%w: the head of a record has %d bytes", ErrDamaged, size)
	}
	head, body := record[n:size], record[size:]
	var out [][]byte
	for len(out) < want {
		kind, n := varint(head)
		if n == 0 {
			return nil, fmt.Errorf("%w: a record with %d columns", ErrDamaged, len(out))
		}
		head = head[n:]
		length := uint64(0)
		switch {
		case kind >= 12:
			length = (kind - 12) / 2
		case kind < 7:
			length = [...]uint64{0, 1, 2, 3, 4, 6, 8}[kind]
		case kind == 7:
			length = 8
		}
		if length > uint64(len(body)) {
			return nil, fmt.Errorf("%w: a column of %d bytes", ErrDamaged, length)
		}
		out, body = append(out, body[:length]), body[length:]
	}
	return out, nil
}

// varint reads up to nine bytes, seven bits each, the ninth with eight (section 1.6).
func varint(b []byte) (v uint64, n int) {
	for n < len(b) && n < 9 {
		c := b[n]
		n++
		if n == 9 {
			return v<<8 | uint64(c), n
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, n
		}
	}
	return 0, 0
}
