package deliver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sync"

	"github.com/pkg/sftp"

	"hozen/packager/evidence/fault"
)

// sftpBuffer is how much goes out without waiting for an answer, in bytes: what is under
// way on a link of 80 ms at 50 MB/s.
const sftpBuffer = 4 << 20

// sftpServer is the destination that is a directory of an SFTP server. All its files go
// over one connection, which is made when it is needed.
type sftpServer struct {
	place   Place
	options Options
	mu      sync.Mutex
	now     *session // nil: not connected
}

// Close implements io.Closer.
func (d *sftpServer) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now != nil {
		d.now.close()
		d.now = nil
	}
	return nil
}

// use does something with a connection. One that broke is let go of.
func (d *sftpServer) use(ctx context.Context, do func(*sftp.Client) error) error {
	d.mu.Lock()
	s := d.now
	if s == nil {
		var err error
		if s, err = connect(ctx, d.place, d.options); err != nil {
			d.mu.Unlock()
			return fmt.Errorf("%s: %w", d.place, err)
		}
		d.now = s
	}
	d.mu.Unlock()
	err := s.conn.during(ctx, d.options.stall(), func() error { return do(s.client) })
	if err != nil && !answered(err) {
		d.mu.Lock()
		if s.close(); d.now == s {
			d.now = nil
		}
		d.mu.Unlock()
	}
	return err
}

// answered says whether an error is what the other side said, over a whole connection.
func answered(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status) && status.FxCode() != sftp.ErrSSHFxConnectionLost && status.FxCode() != sftp.ErrSSHFxNoConnection ||
		errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, ErrDiffers)
}

// Try implements Destination.
func (d *sftpServer) Try(ctx context.Context) error {
	name := path.Join(d.place.Path, ".hozen-try-"+rand.Text())
	return d.use(ctx, func(c *sftp.Client) error {
		f, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			return fmt.Errorf("%s: %w", d.place, err)
		}
		_, err = f.Write(make([]byte, piece))
		if err = fault.Join(err, f.Close(), c.Remove(name)); err != nil {
			return fmt.Errorf("%s: %w", d.place, err)
		}
		return nil
	})
}

// Open implements Destination.
func (d *sftpServer) Open(ctx context.Context, name string) (Upload, error) {
	if err := validName(name); err != nil {
		return nil, err
	}
	u := &sftpUpload{d: d, name: path.Join(d.place.Path, name)}
	return u, d.use(ctx, func(c *sftp.Client) error {
		for _, at := range []string{u.name, u.name + partSuffix} {
			st, err := c.Lstat(at)
			switch {
			case errors.Is(err, os.ErrNotExist):
				continue
			case err != nil:
				return fmt.Errorf("%s: %w", at, err)
			case !st.Mode().IsRegular():
				return fmt.Errorf("%s: %w: it is no regular file", at, ErrDiffers)
			}
			u.whole, u.at = at == u.name, st.Size()
			return nil
		}
		return nil
	})
}

type sftpUpload struct {
	d     *sftpServer
	name  string
	at    int64 // without what is in buf
	whole bool
	buf   []byte
}

// Offset implements Upload.
func (u *sftpUpload) Offset() int64 { return u.at }

// Write implements Upload.
func (u *sftpUpload) Write(ctx context.Context, p []byte) error {
	if u.whole {
		return fmt.Errorf("%s: %w", u.name, ErrDiffers)
	}
	if u.buf == nil {
		u.buf = make([]byte, 0, sftpBuffer)
	}
	for len(p) > 0 {
		n := min(len(p), sftpBuffer-len(u.buf))
		u.buf, p = append(u.buf, p[:n]...), p[n:]
		if len(u.buf) == sftpBuffer {
			if err := u.send(ctx, false); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// Flush implements Upload.
func (u *sftpUpload) Flush(ctx context.Context) error {
	if u.whole {
		return nil
	}
	return u.send(ctx, true)
}

// send writes what is in the buffer. The file is open during that only, so that a
// connection that broke needs no care.
func (u *sftpUpload) send(ctx context.Context, sync bool) error {
	return u.with(ctx, os.O_WRONLY|os.O_CREATE, func(c *sftp.Client, f *sftp.File) error {
		if _, err := f.WriteAt(u.buf, u.at); err != nil {
			return err
		}
		if _, known := c.HasExtension("fsync@openssh.com"); sync && known {
			if err := f.Sync(); err != nil {
				return err
			}
		}
		u.at, u.buf = u.at+int64(len(u.buf)), u.buf[:0]
		return nil
	})
}

// with opens the file as it is called now.
func (u *sftpUpload) with(ctx context.Context, flags int, do func(*sftp.Client, *sftp.File) error) error {
	name := u.name
	if !u.whole {
		name += partSuffix
	}
	return u.d.use(ctx, func(c *sftp.Client) error {
		f, err := c.OpenFile(name, flags)
		if err == nil {
			err = fault.Join(do(c, f), f.Close())
		}
		if status := (*sftp.StatusError)(nil); errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxFailure {
			return fmt.Errorf("%s: the server says no more than %w: its disk may be full", name, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// Check implements Resumer. All of it is read over the network: only that shows what
// is there.
func (u *sftpUpload) Check(ctx context.Context, own io.Reader) error {
	if u.at == 0 {
		return nil
	}
	return u.with(ctx, os.O_RDONLY, func(_ *sftp.Client, f *sftp.File) error {
		r, end := readAll(f)
		defer end()
		same, err := common(ctx, r, own, u.at)
		if err == nil && same < u.at && u.whole {
			return ErrDiffers
		}
		if err == nil {
			u.at = same
		}
		return err
	})
}

// Rewind implements Resumer.
func (u *sftpUpload) Rewind(to int64) {
	if !u.whole {
		u.at = min(u.at, max(to, 0))
	}
}

// readAll reads a file with many requests under way.
func readAll(f *sftp.File) (r io.Reader, end func()) {
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := f.WriteTo(pw)
		pw.CloseWithError(err)
	}()
	return pr, func() { pr.Close(); <-done }
}

// Commit implements Upload.
func (u *sftpUpload) Commit(ctx context.Context, size int64, sum string) error {
	if !u.whole {
		err := u.with(ctx, os.O_WRONLY|os.O_CREATE, func(_ *sftp.Client, f *sftp.File) error { return f.Truncate(u.at + int64(len(u.buf))) })
		if err = fault.Join(err, u.Flush(ctx)); err != nil {
			return err
		}
	}
	err := u.with(ctx, os.O_RDONLY, func(_ *sftp.Client, f *sftp.File) error {
		r, end := readAll(f)
		defer end()
		return sameAs(ctx, u.name, r, size, sum)
	})
	if err != nil || u.whole {
		return err
	}
	return u.rename(ctx)
}

// rename gives the file its name. SSH_FXP_RENAME of version 3 never writes over a file
// (draft-ietf-secsh-filexfer-02, 6.5); a server that does is asked before.
func (u *sftpUpload) rename(ctx context.Context) error {
	return u.d.use(ctx, func(c *sftp.Client) error {
		if _, err := c.Lstat(u.name); err == nil {
			return fmt.Errorf("%s: %w", u.name, ErrDiffers)
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: %w", u.name, err)
		}
		if err := c.Rename(u.name+partSuffix, u.name); err != nil {
			return fmt.Errorf("%s: renaming it: %w", u.name, err)
		}
		u.whole = true
		return nil
	})
}

// Proof implements Prover.
func (u *sftpUpload) Proof() Proof { return ReadBack }
