package deliver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"regexp"
	"strings"

	"hozen/packager/evidence/fault"
)

// Parts of a file at an HTTPS server: NAME.p000000, NAME.p000001, … as the archive
// format cuts large files; cat(1) joins them. The last word is NAME.joined.sha256, one
// line as sha256sum(1) writes it.
const (
	wholePart  = 64 << 20 // of a file whose size is known, in bytes
	streamPart = 8 << 20  // of one that grows; it is held in memory until it is acknowledged
	maxParts   = 1_000_000
	markSuffix = ".joined.sha256"
)

func partName(name string, n int) string { return fmt.Sprintf("%s.p%06d", name, n) }

// webParts is a file in numbered parts.
type webParts struct {
	d     *web
	name  string
	sizes []int64 // of the parts that are acknowledged
	at    int64   // their sum
	sum   hash.Hash
	known bool   // sum has all bytes from the beginning
	mark  string // SHA-256 of the file that is there, whole; "" if none is
	size  int64  // that the file will have; -1: nobody knows
	buf   []byte
	now   *flight
	read  bool
}

func openParts(ctx context.Context, d *web, name string) (*webParts, error) {
	u := &webParts{d: d, name: name, size: -1, sum: sha256.New()}
	n, err := d.size(ctx, name+markSuffix)
	if err != nil {
		return nil, err
	}
	if n >= 0 {
		if u.mark, err = d.readMark(ctx, name); err != nil {
			return nil, err
		}
	}
	for len(u.sizes) < maxParts {
		n, err := d.size(ctx, partName(name, len(u.sizes)))
		if err != nil {
			return nil, err
		}
		if n < 0 {
			break
		}
		u.sizes, u.at = append(u.sizes, n), u.at+n
	}
	u.known = u.at == 0
	return u, nil
}

// readMark gives the hash that the mark states; a word that is no hash if we may not read it.
func (d *web) readMark(ctx context.Context, name string) (string, error) {
	r, err := d.get(ctx, name+markSuffix)
	if err != nil {
		return "", err
	}
	if r == nil {
		return "unreadable", nil
	}
	b, err := io.ReadAll(io.LimitReader(r, 1024))
	if err = fault.Join(err, r.Close()); err != nil {
		return "", err
	}
	if m := regexp.MustCompile(`^([0-9a-f]{64})  (\S+)\n$`).FindStringSubmatch(string(b)); m != nil && m[2] == name {
		return m[1], nil
	}
	return "", fmt.Errorf("%s%s: %w: not a line of sha256sum", name, markSuffix, ErrDiffers)
}

// SetSize implements Sizer.
func (u *webParts) SetSize(n int64) { u.size = n }

// Offset implements Upload.
func (u *webParts) Offset() int64 { return u.at }

// Write implements Upload.
func (u *webParts) Write(ctx context.Context, p []byte) error {
	if u.mark != "" {
		return fmt.Errorf("%s: %w", u.name, ErrDiffers)
	}
	u.sum.Write(p)
	if u.size >= 0 {
		return u.stream(ctx, p)
	}
	if u.buf == nil {
		u.buf = make([]byte, 0, streamPart)
	}
	for len(p) > 0 {
		n := min(len(p), streamPart-len(u.buf))
		u.buf, p = append(u.buf, p[:n]...), p[n:]
		if len(u.buf) == streamPart {
			if err := u.Flush(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// stream sends large parts without holding them.
func (u *webParts) stream(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		if u.now == nil {
			size := min(wholePart, u.size-u.at)
			if size <= 0 {
				return fmt.Errorf("%s: more than the %d bytes that were said", u.name, u.size)
			}
			u.sizes = append(u.sizes, size)
			u.now = launch(ctx, u.d, partName(u.name, len(u.sizes)-1), size)
		}
		n, err := u.now.write(p)
		if err != nil {
			return err
		}
		p = p[n:]
		if u.now.left == 0 {
			u.at, u.now = u.at+u.sizes[len(u.sizes)-1], nil
		}
	}
	return ctx.Err()
}

// Flush implements Upload: what is held becomes a part, as short as it is. Of a file
// whose size is known, a part ends where it ends.
func (u *webParts) Flush(ctx context.Context) error {
	if len(u.buf) == 0 {
		return ctx.Err()
	}
	if err := u.d.put(ctx, partName(u.name, len(u.sizes)), bytes.NewReader(u.buf), int64(len(u.buf))); err != nil {
		return err
	}
	u.sizes, u.at = append(u.sizes, int64(len(u.buf))), u.at+int64(len(u.buf))
	u.buf = u.buf[:0]
	return nil
}

// Check implements Resumer. Parts that the server does not let us read are believed by their size.
func (u *webParts) Check(ctx context.Context, own io.Reader) error {
	at := int64(0)
	for i, size := range u.sizes {
		same, err := u.samePart(ctx, i, size, io.TeeReader(own, u.sum))
		if err != nil {
			return err
		}
		if !same && u.mark != "" {
			return fmt.Errorf("%s: %w", u.name, ErrDiffers)
		}
		if !same {
			u.Rewind(at)
			return nil
		}
		at += size
	}
	u.known = true // sum has exactly what is there
	return nil
}

func (u *webParts) samePart(ctx context.Context, i int, size int64, own io.Reader) (bool, error) {
	r, err := u.d.get(ctx, partName(u.name, i))
	if err != nil {
		return false, err
	}
	if r == nil {
		n, err := io.CopyN(io.Discard, own, size)
		if err == io.EOF {
			err = nil
		}
		return n == size, err
	}
	defer r.Close()
	same, err := common(ctx, r, own, size)
	return same == size, err
}

// Rewind implements Resumer.
func (u *webParts) Rewind(to int64) {
	for u.mark == "" && u.at > max(to, 0) {
		last := len(u.sizes) - 1
		u.at, u.sizes = u.at-u.sizes[last], u.sizes[:last]
		u.known = u.at == 0
		u.sum.Reset()
	}
}

// Commit implements Upload.
func (u *webParts) Commit(ctx context.Context, size int64, sum string) error {
	if u.mark != "" {
		if u.mark != sum || u.at != size {
			return fmt.Errorf("%s: %w: %d bytes with SHA-256 %s", u.name, ErrDiffers, u.at, u.mark)
		}
		return u.readBack(ctx, size, sum)
	}
	if err := u.Flush(ctx); err != nil {
		return err
	}
	if got := hex.EncodeToString(u.sum.Sum(nil)); u.at != size || u.known && got != sum {
		return fmt.Errorf("%s: %w: %d bytes are there, want %d with SHA-256 %s", u.name, ErrDiffers, u.at, size, sum)
	}
	if err := u.removeStale(ctx); err != nil {
		return err
	}
	if err := u.readBack(ctx, size, sum); err != nil {
		return err
	}
	line := sum + "  " + u.name + "\n"
	if err := u.d.put(ctx, u.name+markSuffix, strings.NewReader(line), int64(len(line))); err != nil {
		return err
	}
	u.mark = sum
	return nil
}

// removeStale takes away parts of an earlier run that are behind the last one.
func (u *webParts) removeStale(ctx context.Context) error {
	for n := len(u.sizes); n < maxParts; n++ {
		name := partName(u.name, n)
		if size, err := u.d.size(ctx, name); err != nil || size < 0 {
			return err
		}
		code, _, err := u.d.status(ctx, http.MethodDelete, name, nil, 0)
		if err != nil {
			return err
		}
		if err := refusal(http.MethodDelete, name, code); err != nil {
			return err
		}
	}
	return nil
}

// readBack reads all parts, if that is wanted and the server lets us, or if nothing
// else says what is there.
func (u *webParts) readBack(ctx context.Context, size int64, sum string) error {
	if !u.d.options.ReadBack && (u.known || u.mark != "") {
		return nil
	}
	all := &joined{ctx: ctx, u: u}
	defer all.close()
	if err := sameAs(ctx, u.name, all, size, sum); errors.Is(err, errMayNotRead) {
		return nil
	} else if err != nil {
		return err
	}
	u.read = true
	return nil
}

// Proof implements Prover.
func (u *webParts) Proof() Proof {
	if u.read {
		return ReadBack
	}
	return Acknowledged
}

var errMayNotRead = errors.New("the server does not let us read")

// joined reads the parts one after another.
type joined struct {
	ctx  context.Context
	u    *webParts
	next int
	r    io.ReadCloser
}

func (j *joined) close() {
	if j.r != nil {
		j.r.Close()
	}
}

// Read implements io.Reader.
func (j *joined) Read(p []byte) (int, error) {
	for {
		if j.r != nil {
			n, err := j.r.Read(p)
			if err != io.EOF {
				return n, err
			}
			j.r.Close()
			if j.r = nil; n > 0 {
				return n, nil
			}
		}
		if j.next == len(j.u.sizes) {
			return 0, io.EOF
		}
		r, err := j.u.d.get(j.ctx, partName(j.u.name, j.next))
		if err != nil {
			return 0, err
		}
		if r == nil {
			return 0, errMayNotRead
		}
		j.r, j.next = r, j.next+1
	}
}
