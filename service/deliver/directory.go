package deliver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"

	"hozen/packager/evidence/fault"
)

// partSuffix is behind the name of a file that is not whole yet.
const partSuffix = ".part"

// piece is how much is read or compared at once, in bytes.
const piece = 256 << 10

// dir is the destination that is a directory: a stick, a share. A file is NAME.part,
// flushed, read back and renamed.
type dir struct{ path string }

// Try implements Destination: it makes a file, flushes and removes it.
func (d dir) Try(context.Context) error {
	name := filepath.Join(d.path, ".hozen-try-"+rand.Text())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, piece))
	return fault.Join(err, f.Sync(), f.Close(), os.Remove(name))
}

// Open implements Destination.
func (d dir) Open(_ context.Context, name string) (Upload, error) {
	if err := validName(name); err != nil {
		return nil, err
	}
	u := &dirUpload{dir: d.path, name: filepath.Join(d.path, name)}
	switch st, err := os.Lstat(u.name); {
	case err == nil && !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w: it is no regular file", u.name, ErrDiffers)
	case err == nil:
		u.whole, u.at = true, st.Size()
		return u, nil
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	st, err := os.Lstat(u.name + partSuffix)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return u, nil
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s%s: not a regular file", u.name, partSuffix)
	}
	u.at = st.Size()
	return u, nil
}

// dirUpload holds its file open from the first write to the end or the first error: the
// name may be anybody's who may write in the folder, the file is ours. One that is forgotten
// is closed by the garbage collector.
type dirUpload struct {
	dir, name string
	at        int64
	whole     bool // the file has its name
	begun     bool // this upload made or opened the part, and its name is on the medium
	file      *os.File
}

// Offset implements Upload.
func (u *dirUpload) Offset() int64 { return u.at }

// Write implements Upload.
func (u *dirUpload) Write(ctx context.Context, p []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if u.whole {
		return fmt.Errorf("%s: %w", u.name, ErrDiffers)
	}
	return u.with(func(f *os.File) error {
		n, err := f.WriteAt(p, u.at)
		u.at += int64(n)
		return err
	})
}

// Flush implements Upload.
func (u *dirUpload) Flush(context.Context) error {
	if u.whole {
		return nil
	}
	if err := u.with((*os.File).Sync); err != nil || u.begun {
		return err
	}
	u.begun = true
	return syncDir(u.dir)
}

// with does something with the part, which it opens or makes.
func (u *dirUpload) with(do func(*os.File) error) (err error) {
	if u.file == nil {
		u.file, err = openOwn(u.name+partSuffix, os.O_RDWR)
		if errors.Is(err, os.ErrNotExist) && u.at == 0 { // O_EXCL follows no link
			u.file, err = openOwn(u.name+partSuffix, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		}
		if err != nil {
			return err
		}
	}
	if err := do(u.file); err != nil {
		return fault.Join(err, u.close())
	}
	return nil
}

func (u *dirUpload) close() (err error) {
	if u.file != nil {
		err, u.file = u.file.Close(), nil
	}
	return err
}

// openOwn opens a regular file that has this name and no other: no link of any kind, so that
// nobody has us write into, or read, a file of somebody else.
func openOwn(name string, flag int) (*os.File, error) {
	f, err := os.OpenFile(name, flag|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && (!st.Mode().IsRegular() || links(st) > 1) {
		err = fmt.Errorf("%s: not a regular file of one name", name)
	}
	if err == nil {
		err = named(st, name)
	}
	if err != nil {
		return nil, fault.Join(err, f.Close())
	}
	return f, nil
}

// named says whether a file still has the name.
func named(st os.FileInfo, name string) error {
	now, err := os.Lstat(name)
	if err == nil && !os.SameFile(st, now) {
		err = fmt.Errorf("%s: somebody put another file in its place", name)
	}
	return err
}

// Check implements Resumer.
func (u *dirUpload) Check(ctx context.Context, own io.Reader) error {
	name := u.name + partSuffix
	if u.whole {
		name = u.name
	}
	f, err := openOwn(name, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) && u.at == 0 {
		return nil
	} else if err != nil {
		return err
	}
	same, err := common(ctx, f, own, u.at)
	if err = fault.Join(err, f.Close()); err != nil || same == u.at {
		return err
	}
	if u.whole {
		return fmt.Errorf("%s: %w", u.name, ErrDiffers)
	}
	u.at = same
	return nil
}

// Rewind implements Resumer.
func (u *dirUpload) Rewind(to int64) {
	if !u.whole {
		u.at = min(u.at, max(to, 0))
	}
}

// Commit implements Upload.
func (u *dirUpload) Commit(ctx context.Context, size int64, sum string) error {
	if u.whole {
		if err := u.same(ctx, u.name, size, sum); err != nil {
			return err
		}
		return syncDir(u.dir) // the last run may have ended before that
	}
	if err := u.with(func(f *os.File) error { return f.Truncate(u.at) }); err != nil {
		return err // what stood behind was of an earlier run
	}
	if err := u.Flush(ctx); err != nil {
		return err
	}
	err := u.with(func(f *os.File) error {
		return sameAs(ctx, u.name+partSuffix, io.NewSectionReader(f, 0, math.MaxInt64), size, sum)
	})
	if err != nil {
		return err
	}
	if err := fault.Join(u.rename(), u.close()); err != nil {
		return err
	}
	u.whole = true
	return syncDir(u.dir)
}

// rename gives the file its name, and looks whether it was this file that got it.
func (u *dirUpload) rename() error {
	st, err := u.file.Stat()
	if err == nil {
		err = named(st, u.name+partSuffix)
	}
	if err == nil && runtime.GOOS == "windows" { // an open file keeps its name there
		err = u.close()
	}
	if err != nil {
		return err
	}
	if err := renameNew(u.name+partSuffix, u.name); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s: %w", u.name, ErrDiffers)
	} else if err != nil {
		return err
	}
	return named(st, u.name)
}

// same says whether a file has the size and the SHA-256.
func (u *dirUpload) same(ctx context.Context, name string, size int64, sum string) error {
	f, err := openOwn(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	return sameAs(ctx, name, f, size, sum)
}

// Proof implements Prover.
func (u *dirUpload) Proof() Proof { return ReadBack }

// sameAs reads r to its end and says whether it has the size and the SHA-256.
func sameAs(ctx context.Context, name string, r io.Reader, size int64, sum string) error {
	h := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{h}, withContext{ctx, r}, make([]byte, piece))
	if err != nil {
		return fmt.Errorf("%s: reading it back: %w", name, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != size || got != sum {
		return fmt.Errorf("%s: %w: %d bytes with SHA-256 %s, want %d with %s", name, ErrDiffers, n, got, size, sum)
	}
	return nil
}

// common gives how many of the first n bytes of two readers are the same, to the piece.
// An error is one of reading.
func common(ctx context.Context, theirs, own io.Reader, n int64) (same int64, err error) {
	a, b := make([]byte, piece), make([]byte, piece)
	for same < n {
		if err := ctx.Err(); err != nil {
			return same, err
		}
		k := min(n-same, piece)
		if _, err := io.ReadFull(own, b[:k]); err == io.EOF || err == io.ErrUnexpectedEOF {
			return same, nil // theirs is longer than ours
		} else if err != nil {
			return same, err
		}
		if _, err := io.ReadFull(theirs, a[:k]); err == io.EOF || err == io.ErrUnexpectedEOF {
			return same, nil
		} else if err != nil {
			return same, err
		}
		if !bytes.Equal(a[:k], b[:k]) {
			return same, nil
		}
		same += k
	}
	return same, nil
}

// withContext is a reader that ends with ctx.
type withContext struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c withContext) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
