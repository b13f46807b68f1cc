// Package cipher is the encryption of an archive: age (https://age-encryption.org/v1),
// so that `age -d` opens it without this program. What is encrypted is the whole of
// <id>.tar.zst; the stored file is <id>.tar.zst.age.
//
// Begin with recipient.go (to whom) and writer.go; identity.go is who opens it, and
// reader.go reads the plain bytes at any place, of a file that was cut, too.
package cipher

import "bytes"

const (
	// ChunkSize is how many plain bytes are encrypted together (age, "Payload").
	ChunkSize = 64 << 10
	tagSize   = 16
	chunk     = ChunkSize + tagSize // as stored
	// NonceSize is the length of the nonce behind the header: with it, the header fixes the key
	// of all chunks.
	NonceSize = 16
	// maxHeader bounds the header of a file that is read: one of 300 post-quantum recipients fits.
	maxHeader = 1 << 20
)

const intro = "age-encryption.org/v1\n"

// Is says whether a file that begins with these bytes is one of age, or may be: 22 bytes
// are enough to know.
func Is(begin []byte) bool {
	n := min(len(begin), len(intro))
	return n > 0 && bytes.Equal(begin[:n], []byte(intro[:n]))
}

// Stored gives how many bytes of a stored file there are when its writer has let go of
// all whole chunks before the plain byte at plain. head is the length of header and nonce.
func Stored(head, plain int64) int64 { return head + plain/ChunkSize*chunk }
