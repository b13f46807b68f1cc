package packager

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// DirectDir is a Dir whose files do not pass through the page cache of the machine:
// what is collected of its memory is not overwritten by the archive on its way out.
// Where the system or the file system cannot do that, it is a Dir.
type DirectDir struct{ Dir }

// Create implements Disk.
func (d DirectDir) Create(name string) (File, error) {
	f, err := d.Dir.Create(name)
	if err != nil {
		return nil, err
	}
	plain := f.(*os.File)
	direct, block, err := openDirect(filepath.Join(string(d.Dir), name))
	if err != nil {
		return plain, nil
	}
	return &directFile{plain: plain, direct: direct, block: block}, nil
}

const (
	directBlock = 1 << 20 // is written at once
	directAlign = 4096    // of address, offset and length: enough for every disk in use (open(2), O_DIRECT)
)

// A directFile collects what is written into blocks. The last bytes, less than
// directAlign of them, must go another way: Sync appends them through the page
// cache, and the next block covers them.
type directFile struct {
	mu     sync.Mutex
	plain  *os.File // O_APPEND, and it holds the lock
	direct directWriter
	block  []byte // aligned
	n      int    // bytes in block
	at     int64  // where block belongs; a multiple of directAlign
	tail   int    // of the bytes in block, those that plain has
	failed error
}

type directWriter interface {
	io.WriterAt
	io.Closer
}

// Write keeps the bytes; an error may be that of an earlier Write.
func (f *directFile) Write(b []byte) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n < len(b) {
		if f.failed != nil {
			return n, f.failed
		}
		k := copy(f.block[f.n:], b[n:])
		f.n += k
		n += k
		if f.n == len(f.block) {
			f.flush()
		}
	}
	return n, f.failed
}

// flush writes what is whole, and keeps the rest.
func (f *directFile) flush() {
	whole := f.n &^ (directAlign - 1)
	if f.failed != nil || whole == 0 {
		return
	}
	if _, err := f.direct.WriteAt(f.block[:whole], f.at); err != nil {
		if !errors.Is(err, syscall.EINVAL) {
			f.failed = err
			return
		}
		// This disk wants another alignment: append it as everybody does.
		if f.appendTail(whole); f.failed != nil {
			return
		}
	}
	f.n = copy(f.block, f.block[whole:f.n])
	f.at += int64(whole)
	f.tail = max(0, f.tail-whole)
}

// appendTail appends block[tail:n] through the page cache.
func (f *directFile) appendTail(n int) {
	if f.failed == nil && f.tail < n {
		_, f.failed = f.plain.Write(f.block[f.tail:n])
		f.tail = n
	}
}

// Sync implements File.
func (f *directFile) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
	f.appendTail(f.n)
	if f.failed != nil {
		return f.failed
	}
	return f.plain.Sync()
}

// Close implements File.
func (f *directFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
	f.appendTail(f.n)
	err := f.failed
	if f.failed = os.ErrClosed; f.block != nil {
		err = errors.Join(err, f.direct.Close())
		f.block, f.n = nil, 0
	}
	return errors.Join(err, f.plain.Close())
}
