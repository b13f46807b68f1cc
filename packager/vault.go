package packager

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"

	"hozen/packager/cipher"
)

// Where an archive is encrypted, the custody log speaks of the stored bytes, so that it
// can be held against them without a key; the statements in the archive speak of the
// plain ones, so that they are the same whether it is encrypted or not.

// A vault encrypts what is written to it, on its way to the file.
type vault struct {
	io.Writer // the plain bytes
	age       *cipher.Writer
	file      *hashedFile
}

func newVault(f File, recipients []string) (*vault, error) {
	v := &vault{file: &hashedFile{File: f, sum: sha256.New()}}
	var err error
	if v.age, err = cipher.NewWriter(v.file, recipients); err != nil {
		return nil, err
	}
	v.Writer = v.age
	return v, nil
}

// Sync implements File. What age holds back does not get out by it: pad does that.
func (v *vault) Sync() error { return v.file.Sync() }

// Close implements File. The end of the encryption is not written: Seal does that.
func (v *vault) Close() error { return v.file.Close() }

// A hashedFile knows the hash of what was written to it.
type hashedFile struct {
	File
	sum hash.Hash
	n   int64
}

// Write implements io.Writer.
func (h *hashedFile) Write(b []byte) (int, error) {
	n, err := h.File.Write(b)
	h.sum.Write(b[:n])
	h.n += int64(n)
	return n, err
}

// name is that of the archive's file when it is sealed.
func (w *Writer) name() string {
	if len(w.o.Genesis.Recipients) > 0 {
		return EncryptedName(w.o.ID)
	}
	return ArchiveName(w.o.ID)
}

// stored tells of the bytes that are in the file. All frames were written: nobody else
// writes meanwhile.
func (w *Writer) stored() Prefix {
	if w.vault == nil {
		return w.s.out.at()
	}
	f := w.vault.file
	return Prefix{Bytes: f.n, SHA256: hex.EncodeToString(f.sum.Sum(nil))}
}

// finish writes the end of the encryption.
func (w *Writer) finish() error {
	if w.vault == nil {
		return nil
	}
	return w.vault.age.Close()
}

// padHeader is the least that a pad has.
const padHeader = 8

// pad gives the frame that stands behind the marker that ends at off, in an archive that
// is encrypted: zeros, until the byte behind it is the second of a chunk of the cipher.
// So the chunk with the marker is full, and gets out.
func pad(off int64) []byte {
	return skippable(magicPad, make([]byte, padEnd(off)-off-padHeader))
}

// padEnd is where the pad that begins at off ends.
func padEnd(off int64) int64 {
	n := off + padHeader - 1
	return (n+cipher.ChunkSize-1)/cipher.ChunkSize*cipher.ChunkSize + 1
}
