package authenticode

import (
	"bytes"
	"crypto"
	_ "crypto/md5"    // of old signatures
	_ "crypto/sha1"   // of signatures up to 2016
	_ "crypto/sha256" // of those since
	_ "crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"hozen/collector/pe"
)

// Status says what the signatures in a file are worth, by the file alone.
type Status string

// What there is to say of a file.
const (
	Unsigned Status = "unsigned" // it has no signature; a catalogue may have one for it
	Good     Status = "good"     // hash and signature hold: it is as the signer left it
	Changed  Status = "changed"  // the hash is that of another file
	Bad      Status = "bad"      // the signature does not hold, or cannot be read
)

// A Result is what a file's own signatures say. One that is good says nothing of whether
// the signer is to be trusted: everybody can make a certificate in any name.
type Result struct {
	Status     Status      `json:"status"` // of the first signature, which is the one that Windows asks for
	Signatures []Signature `json:"signatures,omitempty"`
	Note       string      `json:"note,omitempty"` // why it is not good
}

const (
	maxCertificates = 4 << 20 // bytes of the table of certificates
	maxNested       = 8       // signatures in one file
)

// Read reads the signatures of a program of size bytes and hashes it. The error says that
// it could not be read; what is wrong with a signature is in the result.
func Read(r io.ReaderAt, size int64) (Result, error) {
	im, err := pe.File(r, size)
	if err != nil {
		return Result{}, err
	}
	parts, certificates, err := im.HashRanges()
	switch {
	case err != nil:
		return Result{Status: Bad, Note: err.Error()}, nil
	case certificates.Size == 0:
		return Result{Status: Unsigned}, nil
	case certificates.Size > maxCertificates:
		return Result{Status: Bad, Note: fmt.Sprintf("certificates of %d bytes, more than %d", certificates.Size, maxCertificates)}, nil
	}
	table := make([]byte, certificates.Size)
	if _, err := io.ReadFull(io.NewSectionReader(r, certificates.At, certificates.Size), table); err != nil {
		return Result{}, err
	}
	messages, note := messagesOf(table)
	h := &hasher{r: r, parts: parts, done: map[crypto.Hash][]byte{}}
	out := Result{Status: Bad, Note: note}
	for _, m := range messages {
		if err := out.add(m, h); err != nil {
			return out, err
		}
	}
	if len(out.Signatures) > 0 {
		out.Status, out.Note = out.Signatures[0].Status, out.Signatures[0].Note
	}
	if end := certificates.At + certificates.Size; out.Status == Good && end != size {
		out.Note = fmt.Sprintf("%d bytes lie behind the certificates", size-end)
	}
	return out, nil
}

// add reads a signature and those nested in it.
func (out *Result) add(der []byte, h *hasher) error {
	todo := [][]byte{der}
	for len(todo) > 0 && len(out.Signatures) < maxNested {
		s, nested := readSignature(todo[0])
		if s.Status == Good {
			sum, err := h.sum(s.hash)
			if err != nil {
				return err
			}
			if !bytes.Equal(sum, s.digest) {
				s.Status, s.Note = Changed, fmt.Sprintf("%s of the file is %s", s.Algorithm, hex.EncodeToString(sum))
			}
		}
		out.Signatures = append(out.Signatures, s)
		todo = append(todo[1:], nested...)
	}
	return nil
}

// hasher hashes the parts of a file that Authenticode counts, once for each algorithm.
type hasher struct {
	r     io.ReaderAt
	parts []pe.Range
	done  map[crypto.Hash][]byte
}

func (h *hasher) sum(kind crypto.Hash) ([]byte, error) {
	if known := h.done[kind]; known != nil {
		return known, nil
	}
	to := kind.New()
	for _, p := range h.parts {
		n, err := io.Copy(to, io.NewSectionReader(h.r, p.At, p.Size))
		if err == nil && n < p.Size {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
	h.done[kind] = to.Sum(nil)
	return h.done[kind], nil
}

// Hash gives the Authenticode hash of a program: what catalogues list it by.
func Hash(r io.ReaderAt, size int64, kind crypto.Hash) ([]byte, error) {
	im, err := pe.File(r, size)
	if err != nil {
		return nil, err
	}
	parts, _, err := im.HashRanges()
	if err != nil {
		return nil, err
	}
	if !kind.Available() {
		return nil, errors.New("hash: not known")
	}
	return (&hasher{r: r, parts: parts, done: map[crypto.Hash][]byte{}}).sum(kind)
}
