package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"

	"hozen/packager/evidence/fault"
)

// flight is one PUT whose body is still being written.
type flight struct {
	w    *io.PipeWriter
	done chan error
	left int64
}

// launch begins a PUT of so many bytes.
func launch(ctx context.Context, d *web, name string, size int64) *flight {
	r, w := io.Pipe()
	f := &flight{w: w, done: make(chan error, 1), left: size}
	go func() {
		err := d.put(ctx, name, r, size)
		r.CloseWithError(fault.Join(err, io.ErrClosedPipe))
		f.done <- err
	}()
	return f
}

// write sends what follows, at most what is left. After the last byte it waits for the answer.
func (f *flight) write(p []byte) (n int, err error) {
	if len(p) > 0 {
		n, err = f.w.Write(p[:min(int64(len(p)), f.left)])
	}
	if f.left -= int64(n); err == nil && f.left > 0 {
		return n, nil
	}
	f.w.CloseWithError(err)
	if answer := <-f.done; answer != nil {
		return n, answer
	}
	return n, err
}

// webFile is a whole file that is put at once: what was lost is sent from the beginning.
type webFile struct {
	d    *web
	name string
	size int64
	set  bool
	at   int64
	sum  hash.Hash
	now  *flight
	ours bool // it was put by this upload
	read bool
}

// SetSize implements Sizer.
func (u *webFile) SetSize(n int64) { u.size, u.set = n, true }

// Offset implements Upload.
func (u *webFile) Offset() int64 { return u.at }

// begin looks whether something is there already, and begins the PUT.
func (u *webFile) begin(ctx context.Context) error {
	if !u.set {
		return fmt.Errorf("%s: %w", u.name, ErrNeedsSize)
	}
	code, _, err := u.d.status(ctx, http.MethodHead, u.name, nil, 0)
	if err != nil {
		return err
	}
	if code == http.StatusOK {
		u.at = 0 // Commit compares; what is written until then is only hashed
	} else {
		u.now, u.ours = launch(ctx, u.d, u.name, u.size), true
	}
	u.sum = sha256.New()
	return nil
}

// Write implements Upload.
func (u *webFile) Write(ctx context.Context, p []byte) error {
	if u.sum == nil {
		if err := u.begin(ctx); err != nil {
			return err
		}
	}
	u.sum.Write(p)
	for len(p) > 0 && u.now != nil {
		if u.now.left == 0 {
			return fmt.Errorf("%s: more than the %d bytes that were said", u.name, u.size)
		}
		n, err := u.now.write(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// Flush implements Upload. Nothing of a single PUT is acknowledged before its end.
func (u *webFile) Flush(context.Context) error { return nil }

// Commit implements Upload. Where the server does not let us read, its word is all there is.
func (u *webFile) Commit(ctx context.Context, size int64, sum string) error {
	if u.sum == nil {
		if err := u.begin(ctx); err != nil {
			return err
		}
		if u.now != nil {
			if _, err := u.now.write(nil); err != nil {
				return err
			}
		}
	}
	if got := hex.EncodeToString(u.sum.Sum(nil)); u.set && u.size != size || got != sum {
		return fmt.Errorf("%s: %w: SHA-256 %s was written, want %s", u.name, ErrDiffers, got, sum)
	}
	if u.ours && !u.d.options.ReadBack {
		u.at = size
		return nil
	}
	r, err := u.d.get(ctx, u.name)
	if err != nil {
		return err
	}
	if r == nil && u.ours {
		u.at = size
		return nil
	} else if r == nil {
		return fmt.Errorf("%s: %w: something is there, and we may not read it", u.name, ErrDiffers)
	}
	defer r.Close()
	if err := sameAs(ctx, u.name, r, size, sum); err != nil {
		return err
	}
	u.at, u.read = size, true
	return nil
}

// Proof implements Prover.
func (u *webFile) Proof() Proof {
	if u.read {
		return ReadBack
	}
	return Acknowledged
}
