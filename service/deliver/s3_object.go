package deliver

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"hozen/service/deliver/s3"
)

// Limits of S3 (Amazon S3 User Guide, "Multipart upload limits"): a part other than the
// last has at least 5 MiB, an upload at most 10,000 parts.
const (
	leastPart   = 5 << 20
	mostParts   = 10_000
	smallPart   = 8 << 20 // of the first parts, in bytes
	largePart   = 14 << 20
	smallsFirst = 2_000
)

// partSize is how many bytes part n (from 1) gets: 128 GB at most in all.
func partSize(n int) int {
	if n <= smallsFirst {
		return smallPart
	}
	return largePart
}

// object is a file on its way into a bucket.
type object struct {
	d         *bucket
	name, key string
	whole     bool   // it is there
	upload    string // id of the multipart upload; "" : not begun
	parts     []s3.Part
	at        int64 // bytes in parts that are long enough to have others behind them
	buf       []byte
	flushed   int   // bytes of buf that were sent as the last part so far
	size      int64 // that it will have; -1: nobody knows
	sum       hash.Hash
	known     bool // sum has all bytes from the beginning
	read      bool
}

func (u *object) begin() { u.sum, u.known = sha256.New(), u.at == 0 }

// SetSize implements Sizer.
func (u *object) SetSize(n int64) { u.size = n }

// Offset implements Upload.
func (u *object) Offset() int64 { return u.at + int64(u.flushed) }

// Write implements Upload.
func (u *object) Write(ctx context.Context, p []byte) error {
	if u.whole {
		return fmt.Errorf("%s: %w", u.name, ErrDiffers)
	}
	u.sum.Write(p)
	for len(p) > 0 {
		room := partSize(len(u.parts) + 1)
		if len(u.buf) >= room { // not before more comes: the last part goes with the commit
			if err := u.keep(ctx); err != nil {
				return err
			}
			continue
		}
		if cap(u.buf) < room && len(u.buf)+len(p) > piece { // at once: growing would take it twice
			u.buf = append(make([]byte, 0, room), u.buf...)
		}
		n := min(len(p), room-len(u.buf))
		u.buf, p = append(u.buf, p[:n]...), p[n:]
	}
	return ctx.Err()
}

// keep sends what is held as a part that has others behind it.
func (u *object) keep(ctx context.Context) error {
	part, err := u.send(ctx)
	if err != nil {
		return err
	}
	u.parts, u.at = append(u.parts, part), u.at+part.Size
	u.buf, u.flushed = u.buf[:0], 0
	return nil
}

// send puts what is held as the next part; it may be put again, longer.
func (u *object) send(ctx context.Context) (part s3.Part, err error) {
	if u.upload == "" {
		if u.upload, err = u.d.core.Begin(ctx, u.key); err != nil {
			return part, s3Error(u.name, err)
		}
	}
	n := len(u.parts) + 1
	if n > mostParts {
		return part, fmt.Errorf("%s: over %d parts: too large for this destination", u.name, mostParts)
	}
	part, err = u.d.core.PutPart(ctx, u.key, u.upload, n, u.buf)
	return part, s3Error(fmt.Sprintf("%s: part %d", u.name, n), err)
}

// Flush implements Upload. What is too short to have a part behind it is sent all the
// same, and once more when more is there.
func (u *object) Flush(ctx context.Context) error {
	if u.whole || u.size >= 0 || len(u.buf) == u.flushed {
		return ctx.Err()
	}
	if len(u.buf) >= leastPart {
		return u.keep(ctx)
	}
	if _, err := u.send(ctx); err != nil {
		return err
	}
	u.flushed = len(u.buf)
	return nil
}

// Check implements Resumer: the server has stated the MD5 of each part. Parts of another
// one, or encrypted by a key of the server's, are sent again.
func (u *object) Check(ctx context.Context, own io.Reader) error {
	if u.whole {
		return nil // Commit reads it
	}
	own = withContext{ctx, io.TeeReader(own, u.sum)}
	at := int64(0)
	for _, p := range u.parts {
		h := md5.New()
		n, err := io.Copy(h, io.LimitReader(own, p.Size))
		if err != nil {
			return err
		}
		if n != p.Size || p.ETag != hex.EncodeToString(h.Sum(nil)) {
			u.Rewind(at)
			return nil
		}
		at += p.Size
	}
	u.known = true
	return nil
}

// Rewind implements Resumer.
func (u *object) Rewind(to int64) {
	if u.whole {
		return
	}
	for u.at > max(to, 0) {
		last := len(u.parts) - 1
		u.at, u.parts = u.at-u.parts[last].Size, u.parts[:last]
	}
	u.begin()
}

// Commit implements Upload.
func (u *object) Commit(ctx context.Context, size int64, sum string) error {
	if u.whole {
		return u.readBack(ctx, size, sum)
	}
	if got := hex.EncodeToString(u.sum.Sum(nil)); u.at+int64(len(u.buf)) != size || u.known && got != sum {
		return fmt.Errorf("%s: %w: %d bytes are there, want %d with SHA-256 %s", u.name, ErrDiffers, u.at+int64(len(u.buf)), size, sum)
	}
	if err := u.end(ctx, sum); err != nil {
		return err
	}
	u.whole, u.at, u.buf, u.flushed = true, size, nil, 0
	if u.d.options.ReadBack {
		return u.readBack(ctx, size, sum)
	}
	if !u.known { // each part had its MD5 with it; better is to look, if we may
		if err := u.readBack(ctx, size, sum); err != nil && !errors.Is(err, ErrCredentials) {
			return err
		}
	}
	return nil
}

// end makes the object, of one PUT or of the parts.
func (u *object) end(ctx context.Context, sum string) error {
	if u.upload == "" {
		return s3Error(u.name, u.d.core.Put(ctx, u.key, u.buf))
	}
	if len(u.buf) > 0 || len(u.parts) == 0 {
		if err := u.keep(ctx); err != nil {
			return err
		}
	}
	// Another writer cannot have the name, but one of ours that was killed can have ended it.
	if _, err := u.d.core.Size(ctx, u.key); err == nil {
		return fmt.Errorf("%s: %w", u.name, ErrDiffers)
	}
	return s3Error(u.name+" (SHA-256 "+sum+")", u.d.core.Complete(ctx, u.key, u.upload, u.parts))
}

func sha256of(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}

// readBack reads the whole object.
func (u *object) readBack(ctx context.Context, size int64, sum string) error {
	r, err := u.d.core.Get(ctx, u.key)
	if err != nil {
		return s3Error(u.name+": reading it back", err)
	}
	defer r.Close()
	if err := sameAs(ctx, u.name, r, size, sum); err != nil {
		return err
	}
	u.read = true
	return nil
}

// Proof implements Prover.
func (u *object) Proof() Proof {
	if u.read {
		return ReadBack
	}
	return Acknowledged
}
