package parsed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"sync"

	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

// A Source is a file as its parser sees it. It is used by one goroutine.
type Source struct {
	File
	Size  int64 // bytes of it
	Limit int64 // bytes of it that may be read

	ctx    context.Context
	r      io.ReaderAt
	hash   hash.Hash
	open   func(path string) (*Source, error) // a file that was found; nil if there is none other
	closer io.Closer

	mu     sync.Mutex // what follows is looked at while the parser runs
	read   int64
	cut    error
	damage int
	first  []string
	beside []*Source
}

// NewSource gives a file of size bytes to a parser: for tests, and for whoever parses
// what was not collected.
func NewSource(ctx context.Context, file File, r io.ReaderAt, size int64) *Source {
	return &Source{File: file, Size: size, Limit: size, ctx: ctx, r: r, hash: sha256.New()}
}

// Bytes reads the file, up to its format's limit.
func (s *Source) Bytes() ([]byte, error) {
	n := min(s.Size, s.Limit)
	if n < s.Size {
		s.cutAt(n)
	}
	b := make([]byte, n)
	k, err := io.ReadFull(s.reader(0, n), b)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		s.Damaged(fmt.Errorf("it ends after %d of %d bytes", k, n))
		err = nil
	}
	return b[:k], err
}

// Data calls visit for each part of the file that holds data, in order, with its offset
// and a reader of all of it; what lies between are holes. An error of visit ends it.
func (s *Source) Data(visit func(offset int64, r io.Reader) error) error {
	left := s.Limit
	for at := int64(0); at < s.Size; {
		from, to, ok := sparse.Next(s.r, at, s.Size)
		if !ok {
			return nil
		}
		if left <= 0 {
			s.cutAt(s.Limit)
			return nil
		}
		n := min(to-from, left)
		if n < to-from {
			s.cutAt(from + n)
		}
		if err := visit(from, s.reader(from, n)); err != nil {
			return err
		}
		left -= n
		at = to
	}
	return nil
}

// ReadAt reads what Data has passed once more; it is not hashed again.
func (s *Source) ReadAt(b []byte, off int64) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.r.ReadAt(b, off)
}

// Reader gives what the file is read from, for what it may know beyond its bytes. Bytes
// that are read from it are neither hashed nor counted.
func (s *Source) Reader() io.ReaderAt { return s.r }

// Beside gives another file that was found in the same directory, by its name whatever
// the case; nil if there is none, or it cannot be read: then the damage says why.
func (s *Source) Beside(name string) *Source {
	if s.open == nil {
		return nil
	}
	other, err := s.open(path.Join(path.Dir(s.Path), name))
	if err != nil {
		s.Damaged(fmt.Errorf("%s: %w", name, err))
		return nil
	}
	if other != nil {
		s.mu.Lock()
		s.beside = append(s.beside, other)
		s.mu.Unlock()
	}
	return other
}

// Damaged counts damage behind which the parser goes on; the first few are told. nil is
// not counted.
func (s *Source) Damaged(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damage++; len(s.first) < maxDamageTold {
		s.first = append(s.first, err.Error())
	}
}

// maxDamageTold bounds the damage of a file that is told in words.
const maxDamageTold = 5

// Damage gives how much damage was counted, and the first few in words.
func (s *Source) Damage() (int, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damage, append([]string(nil), s.first...)
}

func (s *Source) cutAt(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = evidence.Cut("limit of the format: %d of %d bytes were parsed", n, s.Size)
}

// reader gives n bytes from an offset on, and hashes what passes.
func (s *Source) reader(off, n int64) io.Reader {
	return &passing{s, sparse.UntilDone(s.ctx, io.NewSectionReader(s.r, off, n))}
}

type passing struct {
	s *Source
	r io.Reader
}

// Read implements io.Reader.
func (p *passing) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.s.mu.Lock()
	p.s.hash.Write(b[:n])
	p.s.read += int64(n)
	p.s.mu.Unlock()
	return n, err
}

// used says what of the file was parsed.
func (s *Source) used() Used {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := Used{Path: textOf(s.Name()), Item: textOf(s.Item), Bytes: s.read}
	if s.read > 0 {
		u.SHA256 = fmt.Sprintf("%x", s.hash.Sum(nil))
	}
	return u
}

// close lets go of the file and of those beside it.
func (s *Source) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.beside {
		other.close()
	}
	if s.closer != nil {
		s.closer.Close()
	}
}
