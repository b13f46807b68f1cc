package deliver

import (
	"context"
	"io"

	"golang.org/x/time/rate"
)

// Limited is a destination to which not more than so many bytes a second are sent, all
// files together.
func Limited(d Destination, bytesPerSecond int64) Destination {
	if bytesPerSecond <= 0 {
		return d
	}
	return limited{d, rate.NewLimiter(rate.Limit(bytesPerSecond), burst)}
}

// burst is what goes out at once, in bytes.
const burst = 64 << 10

type limited struct {
	Destination
	rate *rate.Limiter
}

// Open implements Destination.
func (l limited) Open(ctx context.Context, name string) (Upload, error) {
	u, err := l.Destination.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return limitedUpload{u, l.rate}, nil
}

// Close implements io.Closer.
func (l limited) Close() error { return Close(l.Destination) }

// Close lets go of what a destination holds; of most that is nothing.
func Close(d Destination) error {
	if c, ok := d.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

type limitedUpload struct {
	Upload
	rate *rate.Limiter
}

// Write implements Upload.
func (l limitedUpload) Write(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), burst)
		if err := l.rate.WaitN(ctx, n); err != nil {
			return err
		}
		if err := l.Upload.Write(ctx, p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// Check implements Resumer.
func (l limitedUpload) Check(ctx context.Context, own io.Reader) error {
	if r, ok := l.Upload.(Resumer); ok {
		return r.Check(ctx, own)
	}
	return nil
}

// Rewind implements Resumer.
func (l limitedUpload) Rewind(to int64) {
	if r, ok := l.Upload.(Resumer); ok {
		r.Rewind(to)
	}
}

// SetSize implements Sizer.
func (l limitedUpload) SetSize(n int64) {
	if z, ok := l.Upload.(Sizer); ok {
		z.SetSize(n)
	}
}

// Proof implements Prover.
func (l limitedUpload) Proof() Proof { return ProofOf(l.Upload) }
