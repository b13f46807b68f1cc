package packager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hozen/packager/evidence/fault"
)

// Extract writes members to dest/<id>/…, and gives the names of those that it
// wrote, below <id>/. Each is written under a temporary name and gets its own only
// when the checkpoint behind it verified; what never was is removed. Files are
// 0400, nothing is overwritten, and no link, device or directory outside of
// dest can come of it: os.Root holds every path within, and names that are not
// of this format end the reading before, or are refused here. want chooses by path; nil takes all.
func Extract(ctx context.Context, r io.ReaderAt, size int64, o VerifyOptions, dest string, want func(path string) bool) (*Report, []string, error) {
	if err := os.MkdirAll(dest, 0o700); err != nil {
		return nil, nil, err
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	e := &extractor{root: root, want: want}
	c := newChecker(&Report{}, nil)
	inside := newVerification(r, size, o, nil)
	if opened, err := inside.open(); err != nil {
		return nil, nil, err
	} else if opened {
		if e.id, err = collectionOf(ctx, inside.r, inside.size, c); err != nil {
			return nil, nil, err
		}
	}
	rep, err := visitOnly(ctx, r, size, o, want, e)
	return rep, e.done, fault.Join(err, e.discard())
}

// collectionOf reads the id from the first frame: only to name the directory.
func collectionOf(ctx context.Context, r io.ReaderAt, size int64, c *checker) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces, err := readPieces(ctx, io.NewSectionReader(r, 0, size))
	if err != nil {
		return "", err
	}
	p, ok := <-pieces
	if !ok {
		return "", context.Cause(ctx)
	}
	<-p.ready
	if p.err == nil && p.kind == frameData {
		// Errors come again, and count, when the archive is verified.
		_ = c.tar.feed(p.plain)
	}
	return c.id, nil
}

type extractor struct {
	root    *os.Root
	want    func(string) bool
	id      string
	open    *os.File
	name    string
	pending []string // written, not yet authentic
	done    []string
}

// unverifiedSuffix holds a byte that no member's name can have: a file of the
// host cannot stand in the way of another's temporary name.
const unverifiedSuffix = "#unverified"

func (e *extractor) begin(name string, _ int64) (io.Writer, error) {
	e.name = ""
	if e.want != nil && !e.want(name) || e.id == "" {
		return nil, nil
	}
	if !cleanMember(name) {
		return nil, contradiction("member %q: not a name of this archive", name)
	}
	at := e.id + "/" + name
	if dir := filepath.Dir(filepath.FromSlash(at)); dir != "." {
		if err := e.root.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("extract %s: %w", at, err)
		}
	}
	if _, err := e.root.Lstat(at); err == nil {
		return nil, fmt.Errorf("extract %s: %w", at, os.ErrExist)
	}
	f, err := e.root.OpenFile(at+unverifiedSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return nil, fmt.Errorf("extract %s: %w", at, err)
	}
	e.open, e.name = f, name
	return f, nil
}

func (e *extractor) end() error {
	if e.open == nil {
		return nil
	}
	e.pending = append(e.pending, e.name)
	err := e.open.Close()
	e.open = nil
	return err
}

func (e *extractor) authentic(int) error {
	for _, name := range e.pending {
		at := e.id + "/" + name
		if err := e.root.Rename(at+unverifiedSuffix, at); err != nil {
			return fmt.Errorf("extract %s: %w", at, err)
		}
		e.done = append(e.done, name)
	}
	e.pending = nil
	return nil
}

// discard removes what never became authentic, and directories left empty by it.
func (e *extractor) discard() error {
	var errs []error
	if e.open != nil {
		errs = append(errs, e.open.Close())
		e.pending = append(e.pending, e.name)
	}
	for _, name := range e.pending {
		at := e.id + "/" + name
		if err := e.root.Remove(at + unverifiedSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
		for d := parent(at); d != ""; d = parent(d) {
			if e.root.Remove(d) != nil {
				break // not empty
			}
		}
	}
	return fault.Join(errs...)
}

func parent(at string) string {
	i := strings.LastIndexByte(at, '/')
	return at[:max(i, 0)]
}
