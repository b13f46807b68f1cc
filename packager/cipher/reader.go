package cipher

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
)

var (
	// ErrHeader says that a file is not one of age, or its header is cut or was changed.
	ErrHeader = errors.New("the header of the encrypted file cannot be read")
	// ErrIdentity says that no identity that was given opens the file.
	ErrIdentity = errors.New("no identity that was given opens it")
	// ErrPayload says that what follows the header is not whole, or was changed.
	ErrPayload = errors.New("the encrypted file is not whole")
)

// A Reader gives the plain bytes of an encrypted file at any place, in constant memory.
//
// It is for bytes that something else signs. A chunk that fails its own authentication,
// and one that the end of the file cut, is deciphered all the same, as far as its bytes
// are there: what its bytes are worth is for the signatures in them to say, just as it
// is of a plain file that was cut or changed. Err, Whole and FailedAt tell of it.
//
// Its methods may be called concurrently.
type Reader struct {
	src   io.ReaderAt
	aead  cipher.AEAD
	key   []byte
	head  int64
	end   int64 // stored bytes up to which there are chunks
	size  int64 // of the file
	whole bool  // the last chunk says that it is the last

	mu     sync.Mutex
	failed int64 // the first whole chunk that failed of those that were read; -1: none
	at     int64 // the chunk that plain is; -1: none
	plain  []byte
	room   [ChunkSize]byte
	stored [chunk]byte
}

// Open reads the header and finds the end. Errors: ErrHeader, ErrIdentity, or that of r.
// A file that is cut, or has zeros behind its end, is no error.
func Open(r io.ReaderAt, size int64, ids []age.Identity) (*Reader, error) {
	key, head, err := fileKey(r, size, ids)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, NonceSize)
	switch n, err := r.ReadAt(nonce, head); {
	case n == NonceSize:
	case err == io.EOF:
		return nil, fmt.Errorf("%w: it ends within its nonce", ErrHeader)
	default:
		return nil, err
	}
	key, err = hkdf.Key(sha256.New, key, nonce, "payload", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, err
	}
	c := &Reader{src: r, aead: aead, key: key, head: head + NonceSize, size: size, failed: -1, at: -1}
	return c, c.findEnd(size)
}

// Header gives the header that a file begins with, without its nonce. Errors: ErrHeader, or
// that of r: a disk that does not answer is not a file that was changed.
func Header(r io.ReaderAt, size int64) ([]byte, error) {
	begin := &remembering{r: io.NewSectionReader(r, 0, min(size, maxHeader))}
	header, err := age.ExtractHeader(begin)
	switch {
	case begin.err != nil:
		return nil, begin.err
	case err != nil:
		return nil, fmt.Errorf("%w: %v", ErrHeader, err)
	}
	// What is authenticated is the header as it is written anew: there must be one form only.
	same := make([]byte, len(header))
	if _, err := r.ReadAt(same, 0); err != nil && err != io.EOF {
		return nil, err
	}
	if !bytes.Equal(same, header) {
		return nil, fmt.Errorf("%w: not in its one form", ErrHeader)
	}
	return header, nil
}

// remembering keeps the error of a reader whose user gives another one.
type remembering struct {
	r   io.Reader
	err error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

func fileKey(r io.ReaderAt, size int64, ids []age.Identity) (key []byte, head int64, err error) {
	header, err := Header(r, size)
	if err != nil {
		return nil, 0, err
	}
	if len(ids) == 0 {
		return nil, 0, ErrIdentity
	}
	key, err = age.DecryptHeader(header, ids...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, 0, ErrIdentity
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %v", ErrHeader, err)
	}
	return key, int64(len(header)), nil
}

// findEnd finds the last chunk: at the end of the file, or before zeros that follow it.
func (c *Reader) findEnd(size int64) error {
	if ok, err := c.endsAt(size); ok || err != nil {
		c.end, c.whole = size, ok
		return err
	}
	last, err := c.beforeZeros(size)
	if err != nil {
		return err
	}
	for end := last; end < size && end <= last+tagSize; end++ {
		if ok, err := c.endsAt(end); ok || err != nil {
			c.end, c.whole = end, ok
			return err
		}
	}
	c.end = max(last, min(c.head, size))
	// A tag may end in zeros, too.
	if n := c.end - c.head; n > 0 {
		if up := (n + chunk - 1) / chunk * chunk; up-n <= tagSize && c.head+up <= size {
			c.end = c.head + up
		}
	}
	return nil
}

// endsAt says whether the last chunk ends there.
func (c *Reader) endsAt(end int64) (bool, error) {
	n := end - c.head
	if n < tagSize || n > tagSize && n%chunk == tagSize {
		return false, nil
	}
	i := (n - 1) / chunk
	stored, err := c.load(i, end)
	if err != nil {
		return false, err
	}
	_, err = c.aead.Open(c.room[:0], nonceOf(i, true), stored, nil)
	return err == nil, nil
}

// beforeZeros gives where the zeros at the end of the file begin.
func (c *Reader) beforeZeros(size int64) (int64, error) {
	for size > c.head {
		n := min(size-c.head, chunk)
		b := c.stored[:n]
		if m, err := c.src.ReadAt(b, size-n); int64(m) < n {
			return 0, short(err)
		}
		if left := bytes.TrimRight(b, "\x00"); len(left) > 0 {
			return size - n + int64(len(left)), nil
		}
		size -= n
	}
	return size, nil
}

func short(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// load reads the stored bytes of chunk i of a file that ends at end.
func (c *Reader) load(i, end int64) ([]byte, error) {
	off := c.head + i*chunk
	b := c.stored[:min(chunk, end-off)]
	if n, err := c.src.ReadAt(b, off); n < len(b) {
		return nil, short(err)
	}
	return b, nil
}

func nonceOf(i int64, last bool) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSize)
	binary.BigEndian.PutUint64(nonce[3:11], uint64(i))
	if last {
		nonce[11] = 1
	}
	return nonce
}

// Size is the number of plain bytes, those of a chunk that is cut included.
func (c *Reader) Size() int64 {
	n := c.end - c.head
	if n <= 0 {
		return 0
	}
	full, rest := n/chunk, n%chunk
	if c.whole && rest > 0 {
		return full*ChunkSize + rest - tagSize
	}
	return full*ChunkSize + min(rest, ChunkSize)
}

// Head is the length of header and nonce; End that of the file without what follows its
// last chunk; Whole says that the last chunk is the last one that was written.
func (c *Reader) Head() int64 { return c.head }

// End is the length of the file without zeros that follow its last byte.
func (c *Reader) End() int64 { return c.end }

// Whole says that the last chunk there is the last that was written.
func (c *Reader) Whole() bool { return c.whole }

// FailedAt gives the first plain byte of the first whole chunk, of those read so far, that
// fails its own authentication; -1 if none did.
func (c *Reader) FailedAt() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed < 0 {
		return -1
	}
	return c.failed * ChunkSize
}

// Err says whether the file is as age wants it, as far as it was read: ErrPayload if not.
func (c *Reader) Err() error {
	switch at := c.FailedAt(); {
	case at >= 0:
		return fmt.Errorf("%w: the chunk at plain byte %d was changed", ErrPayload, at)
	case !c.whole:
		return fmt.Errorf("%w: it has no end", ErrPayload)
	}
	return nil
}

// ReadAt implements io.ReaderAt. Errors are those of the file below, or io.EOF.
func (c *Reader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("a place before the beginning")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	size := c.Size()
	for n < len(p) {
		if off >= size {
			return n, io.EOF
		}
		if err := c.chunk(off / ChunkSize); err != nil {
			return n, err
		}
		k := copy(p[n:], c.plain[off%ChunkSize:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

// chunk deciphers chunk i. The lock is held.
func (c *Reader) chunk(i int64) error {
	if c.at == i {
		return nil
	}
	c.at = -1
	stored, err := c.load(i, c.end)
	if err != nil {
		return err
	}
	last := c.whole && c.head+i*chunk+int64(len(stored)) == c.end
	if len(stored) == chunk || c.whole {
		if c.plain, err = c.aead.Open(c.room[:0], nonceOf(i, last), stored, nil); err == nil {
			c.at = i
			return nil
		}
		if c.failed < 0 || i < c.failed {
			c.failed = i
		}
	}
	c.at = i
	return c.guess(i, stored)
}

// guess is for a chunk whose tag is not there, or wrong. The last chunk is ciphered
// otherwise than all others, and which it is can only be seen by what comes out: of the
// two texts one is noise, and what a seal is made of has many zeros.
func (c *Reader) guess(i int64, stored []byte) error {
	var zeros [2]int
	for n, last := range []bool{false, true} {
		if err := c.decipher(i, last, stored); err != nil {
			return err
		}
		zeros[n] = bytes.Count(c.plain, []byte{0})
	}
	if zeros[1] > zeros[0]+4+len(c.plain)/64 {
		return nil
	}
	return c.decipher(i, false, stored)
}

// decipher undoes the stream cipher, and checks nothing.
func (c *Reader) decipher(i int64, last bool, stored []byte) error {
	s, err := chacha20.NewUnauthenticatedCipher(c.key, nonceOf(i, last))
	if err != nil {
		return err
	}
	s.SetCounter(1) // 0 made the key of the tag (RFC 8439 section 2.8)
	n := min(len(stored), ChunkSize)
	c.plain = c.room[:n]
	s.XORKeyStream(c.plain, stored[:n])
	return nil
}

// Moved looks whether the first chunk that failed, or the piece that the file ends with,
// is a chunk of another place of the same file: then something was taken out, put in or
// changed places, and nothing was merely cut. It is slow, and only worth it where
// something failed: some seconds for the chunks of 4 GiB around.
func (c *Reader) Moved() (at, from int64, found bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := (c.end - c.head + chunk - 1) / chunk
	i, reach := c.failed, min(1<<16, count+1<<12)
	if i < 0 {
		if i, reach = count-1, 1<<10; c.whole || i < 0 {
			return 0, 0, false, nil
		}
	}
	c.at = -1
	// A tag may end in zeros, which were taken for what follows the end.
	for end := c.end; end <= min(c.end+tagSize, c.size); end++ {
		stored, err := c.load(i, end)
		if err != nil {
			return 0, 0, false, err
		}
		if from, found := c.placeOf(stored, i, reach); found {
			return i, from, true, nil
		}
		if len(stored) == chunk {
			break
		}
	}
	return 0, 0, false, nil
}

// placeOf looks for the place near i that a chunk is of.
func (c *Reader) placeOf(stored []byte, i, reach int64) (int64, bool) {
	for d := int64(1); d <= reach; d++ {
		for _, j := range []int64{i + d, i - d} {
			for _, last := range []bool{false, true} {
				if j < 0 || !last && len(stored) < chunk || last && d > 1<<10 {
					continue
				}
				if _, err := c.aead.Open(c.room[:0], nonceOf(j, last), stored, nil); err == nil {
					return j, true
				}
			}
		}
	}
	return 0, false
}
