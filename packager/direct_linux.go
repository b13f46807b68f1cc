package packager

import (
	"os"
	"syscall"
)

// mapped is a file opened for O_DIRECT, with the memory that it is written from.
type mapped struct {
	*os.File
	block []byte
}

// openDirect opens a file a second time, past the page cache, and gives a block
// for it. A file system that cannot do that says EINVAL (open(2)).
func openDirect(name string) (directWriter, []byte, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|syscall.O_DIRECT|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil, err
	}
	// Memory of its own is aligned to pages.
	block, err := syscall.Mmap(-1, 0, directBlock, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return &mapped{f, block}, block, nil
}

// Close closes the file and gives the block back.
func (m *mapped) Close() error {
	err := m.File.Close()
	if e := syscall.Munmap(m.block); err == nil {
		err = e
	}
	return err
}
