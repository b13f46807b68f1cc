package packager

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"hash"

	"hozen/packager/evidence"
)

// oldHashes are the SHA-1 and the MD5 of an item whose Item.OldHashes asks for
// them: they match old lists of known files, and prove nothing. A nil *oldHashes
// does nothing.
type oldHashes struct{ sha1, md5 hash.Hash }

func newOldHashes(wanted bool) *oldHashes {
	if !wanted {
		return nil
	}
	return &oldHashes{sha1.New(), md5.New()}
}

// The sizes from which a piece is hashed on several cores at once: twice by SHA-256,
// and by the old ones, which are slower.
const (
	worthParallel = 256 << 10
	worthOld      = 32 << 10
)

// begin goes on with both hashes of a piece, beside the caller where the piece is
// large; wait must be called before the piece may change.
func (o *oldHashes) begin(b []byte) (wait func()) {
	switch {
	case o == nil || len(b) == 0:
	case len(b) < worthOld:
		o.sha1.Write(b)
		o.md5.Write(b)
	default:
		one, five := beside(func() { o.sha1.Write(b) }), beside(func() { o.md5.Write(b) })
		return func() { one(); five() }
	}
	return func() {}
}

// beside runs f on another core.
func beside(f func()) (wait func()) {
	done := make(chan struct{})
	go func() { f(); close(done) }()
	return func() { <-done }
}

// end puts the hashes into the record of an item that has its bytes in the archive.
func (o *oldHashes) end(r *evidence.Record, l *RecordLine) {
	if o == nil {
		return
	}
	o.sha1.Sum(r.SHA1[:0])
	o.md5.Sum(r.MD5[:0])
	l.SHA1, l.MD5 = hex.EncodeToString(r.SHA1[:]), hex.EncodeToString(r.MD5[:])
}
