package packager

import (
	"io"
	"os"
	"sync"
	"unsafe"

	"hozen/packager/evidence/fault"
)

// A blockDevice is the open file below a blockFile.
type blockDevice interface {
	io.WriterAt
	File
	Truncate(size int64) error
}

// pieceSize is how much a blockFile writes at once.
const pieceSize = 1 << 20

// A blockFile writes whole blocks only, from an aligned buffer, as direct output
// wants it (open(2), O_DIRECT). At Sync the block that is not full is written with
// zeros behind it, and once more when it is: a power cut leaves zeros at the end,
// which the format allows. Close cuts the file to its true length.
type blockFile struct {
	blockDevice
	mu     sync.Mutex
	block  int64  // a power of two; divides pieceSize
	buf    []byte // of pieceSize
	have   int64  // bytes of buf that are not written, or not as a full block
	off    int64  // where buf[0] goes
	broken error  // after one nothing is written: there would be a hole
}

func newBlockFile(d blockDevice, block int64) *blockFile {
	room := make([]byte, pieceSize+block)
	skip := int64(0)
	if over := int64(uintptr(unsafe.Pointer(unsafe.SliceData(room)))) & (block - 1); over > 0 {
		skip = block - over
	}
	return &blockFile{blockDevice: d, block: block, buf: room[skip : skip+pieceSize]}
}

// Write implements io.Writer.
func (f *blockFile) Write(b []byte) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(b) > 0 && f.broken == nil {
		k := copy(f.buf[f.have:], b)
		f.have += int64(k)
		n, b = n+k, b[k:]
		if f.have == pieceSize {
			f.flush()
		}
	}
	return n, f.broken
}

// flush writes the buffer, the last block filled up with zeros, and keeps what of
// it was no full block.
func (f *blockFile) flush() {
	if f.broken != nil || f.have == 0 {
		return
	}
	full := f.have / f.block * f.block
	end := min((f.have+f.block-1)/f.block*f.block, pieceSize)
	clear(f.buf[f.have:end])
	if _, f.broken = f.WriteAt(f.buf[:end], f.off); f.broken != nil {
		return
	}
	copy(f.buf, f.buf[full:f.have])
	f.off, f.have = f.off+full, f.have-full
}

// Sync implements File.
func (f *blockFile) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
	if f.broken != nil {
		return f.broken
	}
	return f.blockDevice.Sync()
}

// Close implements File. What was not written after an error is lost, as it is with
// any file; the zeros behind what was written stay then.
func (f *blockFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return f.blockDevice.Close() // it was said
	}
	if f.flush(); f.broken != nil {
		return fault.Join(f.broken, f.blockDevice.Close())
	}
	err := f.Truncate(f.off + f.have)
	if err == nil {
		err = f.blockDevice.Sync()
	}
	f.broken = os.ErrClosed
	return fault.Join(err, f.blockDevice.Close())
}
