package cipher

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// badDisk gives an error for what lies at a place.
type badDisk struct {
	io.ReaderAt
	at int64
}

var errDisk = errors.New("input/output error")

func (d badDisk) ReadAt(p []byte, off int64) (int, error) {
	if off <= d.at && d.at < off+int64(len(p)) {
		return 0, errDisk
	}
	return d.ReaderAt.ReadAt(p, off)
}

// A disk that does not answer is not a header that was changed: nothing is said of the file.
func TestDiskErrorIsNone(t *testing.T) {
	to, ids := party(t, false)
	b := encrypt(t, noise(t, 2*ChunkSize), to)
	header, err := Header(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	head := int64(len(header))
	for _, at := range []int64{0, head - 1, head, head + NonceSize - 1, int64(len(b)) - 1} {
		if _, err := Open(badDisk{bytes.NewReader(b), at}, int64(len(b)), ids); !errors.Is(err, errDisk) || errors.Is(err, ErrHeader) {
			t.Errorf("byte %d of %d: %v", at, len(b), err)
		}
	}
}
