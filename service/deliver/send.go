package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// A File is what is sent.
type File struct {
	Name string // at the destination
	io.ReaderAt
	Size   int64
	SHA256 string // that it must have, hex; "" : as it is
}

// Sent says what arrived.
type Sent struct {
	Size   int64
	SHA256 string
	From   int64 // where it was gone on
	Proof  Proof
}

// ErrChanged says that our own file is not what it was.
var ErrChanged = errors.New("the file itself has another content than it should")

// Send sends a whole file from where it stopped, and ends it. tell, if not nil, is told
// how many bytes are sent. It tries once; whoever wants more calls it again.
func Send(ctx context.Context, d Destination, f File, tell func(int64)) (s Sent, err error) {
	u, err := d.Open(ctx, f.Name)
	if err != nil {
		return s, err
	}
	if z, ok := u.(Sizer); ok {
		z.SetSize(f.Size)
	}
	if s.From, err = compare(ctx, u, f); err != nil {
		return s, err
	}
	h := sha256.New()
	if err := pump(ctx, io.NewSectionReader(f, 0, s.From), func(p []byte) error { _, err := h.Write(p); return err }); err != nil {
		return s, err
	}
	at := s.From
	err = pump(ctx, io.NewSectionReader(f, at, f.Size-at), func(p []byte) error {
		h.Write(p)
		if err := u.Write(ctx, p); err != nil {
			return err
		}
		if at += int64(len(p)); tell != nil {
			tell(at)
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	s.Size, s.SHA256 = at, hex.EncodeToString(h.Sum(nil))
	if s.Size != f.Size || f.SHA256 != "" && f.SHA256 != s.SHA256 {
		return s, fmt.Errorf("%s: %w: %d bytes, SHA-256 %s", f.Name, ErrChanged, s.Size, s.SHA256)
	}
	if err := u.Flush(ctx); err != nil {
		return s, err
	}
	if err := u.Commit(ctx, s.Size, s.SHA256); err != nil {
		return s, err
	}
	s.Proof = ProofOf(u)
	return s, nil
}

// compare gives where to go on.
func compare(ctx context.Context, u Upload, f File) (int64, error) {
	if u.Offset() > 0 {
		if r, ok := u.(Resumer); ok {
			if err := r.Check(ctx, io.NewSectionReader(f, 0, f.Size)); err != nil {
				return 0, err
			}
		}
	}
	if u.Offset() > f.Size {
		return 0, fmt.Errorf("%s: %w: %d bytes, of our %d", f.Name, ErrDiffers, u.Offset(), f.Size)
	}
	return u.Offset(), nil
}

// pump reads r to its end, a piece at a time.
func pump(ctx context.Context, r io.Reader, to func([]byte) error) error {
	buf := make([]byte, piece)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := to(buf[:n]); err != nil {
				return err
			}
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return nil
		default:
			return err
		}
	}
}
