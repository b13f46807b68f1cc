package image

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sync"

	"hozen/packager/evidence/fault"
)

const hashBlock = 4 << 20 // bytes that are read ahead of the hashing

// hashRows reads the whole medium once, and holds its hashes to those that the
// container states. An error names every hash that differs.
func hashRows(ctx context.Context, d *Disk) ([]HashRow, error) {
	names := []string{"md5", "sha1", "sha256"}
	sums := []hash.Hash{md5.New(), sha1.New(), sha256.New()}
	if err := hashAll(&section{ctx: ctx, r: d, end: d.Size}, sums); err != nil {
		return nil, fmt.Errorf("the medium was not hashed: %w", err)
	}
	var rows []HashRow
	var differ error
	for i, name := range names {
		got := sums[i].Sum(nil)
		row := HashRow{Algorithm: name, Computed: hex.EncodeToString(got)}
		for _, s := range d.Stored {
			if s.Algorithm != name {
				continue
			}
			equal := bytes.Equal(s.Sum, got)
			row.Stored, row.Equal = hex.EncodeToString(s.Sum), &equal
			if !equal {
				differ = fault.Join(differ, fmt.Errorf("the medium does not have the %s that its container states: it was changed, or is damaged", name))
			}
		}
		rows = append(rows, row)
	}
	return rows, differ
}

// hashAll reads r to its end. While one block is hashed, by all hashes at once, the
// next is read.
func hashAll(r io.Reader, sums []hash.Hash) error {
	var bufs [2][]byte
	for i := range bufs {
		bufs[i] = make([]byte, hashBlock)
	}
	var hashing sync.WaitGroup
	defer hashing.Wait()
	for i := 0; ; i++ {
		b := bufs[i%2]
		n, err := io.ReadFull(r, b)
		hashing.Wait()
		for _, h := range sums {
			hashing.Add(1)
			go func() {
				defer hashing.Done()
				h.Write(b[:n])
			}()
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF && n < len(b) && endOf(r) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// endOf says whether a short block was the last, and not a medium that ends too soon.
func endOf(r io.Reader) bool {
	s, ok := r.(*section)
	return !ok || s.at >= s.end
}
