package ram

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	kcoreName = "/proc/kcore"
	// maxHeaders bounds the headers and notes of /proc/kcore that are read.
	maxHeaders = 8 << 20

	elfHeaderSize  = 64 // Elf64_Ehdr, elf(5)
	programHdrSize = 56 // Elf64_Phdr
	ptLoad, ptNote = 1, 4
)

// A load is a PT_LOAD program header of /proc/kcore (fs/proc/kcore.c).
type load struct{ vaddr, paddr, offset, size uint64 }

// A kcore is what the headers of /proc/kcore say.
type kcore struct {
	order binary.ByteOrder
	loads []load
	notes []byte // contents of the PT_NOTE segments
	head  []byte // the bytes of the file that all this was read from
}

// parseKcore reads the headers of an ELF64 core file of either byte order. Of
// damaged headers it gives an error; loads whose numbers wrap are left out.
func parseKcore(r io.ReaderAt) (*kcore, error) {
	head := make([]byte, elfHeaderSize)
	if err := readFull(r, head, 0); err != nil {
		return nil, fmt.Errorf("ELF header: %w", err)
	}
	if !bytes.Equal(head[:4], []byte("\x7fELF")) || head[4] != 2 {
		return nil, fmt.Errorf("ELF header: %x is not that of an ELF64 file", head[:5])
	}
	k := &kcore{order: binary.LittleEndian, head: head}
	if head[5] == 2 {
		k.order = binary.BigEndian
	}
	at, size, count := k.order.Uint64(head[32:]), k.order.Uint16(head[54:]), int(k.order.Uint16(head[56:]))
	if size != programHdrSize || count == 0 || at < elfHeaderSize || at > maxHeaders {
		return nil, fmt.Errorf("ELF header: %d program headers of %d bytes at %#x", count, size, at)
	}
	table := make([]byte, count*programHdrSize)
	if err := readFull(r, table, int64(at)); err != nil {
		return nil, fmt.Errorf("program headers: %w", err)
	}
	k.keep(table, at)
	for ; len(table) > 0; table = table[programHdrSize:] {
		k.program(r, table[:programHdrSize])
	}
	if len(k.loads) == 0 {
		return nil, errors.New("program headers: no memory in them")
	}
	return k, nil
}

// program takes one program header.
func (k *kcore) program(r io.ReaderAt, p []byte) {
	l := load{k.order.Uint64(p[16:]), k.order.Uint64(p[24:]), k.order.Uint64(p[8:]), k.order.Uint64(p[32:])}
	switch k.order.Uint32(p) {
	case ptLoad:
		const most = 1 << 63
		if l.size > 0 && l.size < most && l.offset < most-l.size && l.vaddr <= -l.size {
			k.loads = append(k.loads, l)
		}
	case ptNote:
		if l.offset > maxHeaders || l.size > maxHeaders-l.offset || uint64(len(k.notes))+l.size > maxHeaders {
			return
		}
		notes := make([]byte, l.size)
		n, _ := r.ReadAt(notes, int64(l.offset)) // without them there are other ways to check
		k.notes = append(k.notes, notes[:n]...)
		k.keep(notes[:n], l.offset)
	}
}

// keep puts bytes of the file to their place in head; what was not read is zeros.
func (k *kcore) keep(b []byte, at uint64) {
	if end := int(at) + len(b); end > len(k.head) {
		k.head = append(k.head, make([]byte, end-len(k.head))...)
	}
	copy(k.head[at:], b)
}

// readFull reads all of b or gives an error.
func readFull(r io.ReaderAt, b []byte, at int64) error {
	for len(b) > 0 {
		n, err := r.ReadAt(b, at)
		b, at = b[n:], at+int64(n)
		if len(b) == 0 {
			return nil
		}
		if err == nil && n == 0 {
			err = io.ErrNoProgress
		}
		if err != nil {
			return err
		}
	}
	return nil
}
