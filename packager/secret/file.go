package secret

import (
	"errors"
	"fmt"
	"io"
	"os"

	"hozen/packager/evidence/fault"
	"hozen/packager/private"
)

// longestFile bounds a key file.
const longestFile = 16 << 10

// ErrKept is wrapped by the error that says why a key cannot be kept in a file
// without the file's bytes staying in memory: a file system that lives there, or
// one that is not read and written past the page cache.
var ErrKept = errors.New("a copy would stay in memory")

// Read reads a key file that Write or ssh-keygen wrote. kept is nil, or (wrapping
// ErrKept) why a copy of the key may be in memory, or can never be out of it, beside
// the Key. ErrOther: the file holds another kind of key.
func Read(file string) (k *Key, kept, err error) {
	text, err := newPages(longestFile)
	if err != nil {
		return nil, nil, err
	}
	defer text.free()
	n, kept, err := readFile(file, text.b)
	if err != nil {
		return nil, nil, err
	}
	scratch, err := newPages(len(text.b))
	if err != nil {
		return nil, nil, err
	}
	defer scratch.free()
	if sealed, ok, wrong := unwrap(text.b[:n]); ok {
		if wrong == nil {
			sealed = scratch.b[:copy(scratch.b, sealed)]
			n, wrong = unprotect(sealed, text.b)
		}
		if wrong != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, wrong)
		}
	}
	seed, err := newPages(seedSize)
	if err != nil {
		return nil, nil, err
	}
	public := make([]byte, publicSize)
	Deep(func() { err = parse(seed.b[:seedSize], public, text.b[:n], scratch.b) })
	if err != nil {
		seed.free()
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return keyOf(seed), kept, nil
}

// Write writes the key into a new file (mode 0600) in OpenSSH's form, and makes it
// durable. Empty lines fill it up to a whole block: it is written past the page
// cache. Where that cannot be, ErrKept says why and there is no file, unless any is
// true: then it is written all the same.
func (k *Key) Write(file, comment string, any bool) error {
	text, n, err := k.text(comment)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer text.free()
	whole := (n + pageSize - 1) / pageSize * pageSize
	for i := n; i < whole; i++ {
		text.b[i] = '\n'
	}
	err = writeFile(file, text.b[:whole])
	if any && errors.Is(err, ErrKept) {
		err = WriteNew(file, text.b[:n], 0o600)
	}
	return err
}

// text is what stands in a key file, in n bytes of pages that whoever calls frees.
func (k *Key) text(comment string) (text *pages, n int, err error) {
	if text, err = newPages(longestFile); err != nil {
		return nil, 0, err
	}
	scratch, err := newPages(longestFile)
	if err != nil {
		text.free()
		return nil, 0, err
	}
	defer scratch.free()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seed == nil {
		text.free()
		return nil, 0, ErrErased
	}
	Deep(func() { n = format(text.b, scratch.b, k.seed.b[:seedSize], k.public, comment) })
	if n == 0 {
		text.free()
		return nil, 0, errors.New("the comment is too long")
	}
	return text, n, nil
}

// Remove overwrites a file of one block that Write wrote, and removes it. What the
// medium itself keeps of overwritten blocks (flash, a journal) is not in our hands.
func Remove(file string) error {
	zeros, err := newPages(pageSize)
	if err != nil {
		return err
	}
	defer zeros.free()
	err = overwrite(file, zeros.b)
	return fault.Join(err, os.Remove(file))
}

// WriteNew writes a new file as any other, never over an existing one, and syncs it.
func WriteNew(file string, b []byte, mode os.FileMode) error {
	const flag = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	open := func() (*os.File, error) { return os.OpenFile(file, flag, mode) }
	if mode == 0o600 {
		open = func() (*os.File, error) { return private.Open(file, flag, private.Mine) }
	}
	f, err := open()
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return fault.Join(err, f.Close())
}

// readPlain reads a file, or what comes through a pipe, up to the bound.
func readPlain(f *os.File, b []byte) (n int, err error) {
	for n < len(b) {
		k, err := f.Read(b[n:])
		n += k
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return 0, fmt.Errorf("%s: over %d bytes: not a key file", f.Name(), len(b)-1)
}
