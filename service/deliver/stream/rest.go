package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hozen/packager"
	"hozen/service/deliver"
	"hozen/service/durable"
)

// NoteSuffix ends the name of the note that lies beside a rest, RestSuffix that of the
// rest itself: NAME.rest has the bytes of NAME from Note.From on.
const (
	RestSuffix = ".rest"
	NoteSuffix = ".rest.json"
)

// A Note says what a rest is the rest of.
type Note struct {
	Type   string `json:"type"`         // hozen/rest/1
	Name   string `json:"name"`         // at the destination
	From   int64  `json:"from"`         // of the first byte of the rest in the file
	Acked  int64  `json:"acknowledged"` // bytes, when the link was lost
	Size   int64  `json:"bytes"`        // of the whole file; -1: it was never ended
	SHA256 string `json:"sha256"`       // of the whole file; "" : it was never ended
	To     string `json:"to"`           // the destination that has the beginning
}

const typeNote = "hozen/rest/1"

// maxNote bounds a note, in bytes.
const maxNote = 64 << 10

type rest struct {
	dir, local string
	note       Note
	file       packager.File
}

// newRest makes the local file. If the window has the whole file, that is no rest: it is
// written as if there had been no destination.
func newRest(dir, local string, n Note) (*rest, error) {
	n.Type, n.Size = typeNote, -1
	r := &rest{dir: dir, local: local, note: n}
	if n.From > 0 {
		r.local = n.Name + RestSuffix
		if err := r.write(); err != nil {
			return nil, err
		}
	}
	var err error
	r.file, err = packager.Dir(dir).Create(r.local)
	return r, err
}

func (r *rest) write() error {
	return durable.ReplaceJSON(filepath.Join(r.dir, r.note.Name+NoteSuffix), r.note)
}

func (r *rest) path() string { return filepath.Join(r.dir, r.local) }

// end says that the rest is whole.
func (r *rest) end(size int64, sum string) error {
	if r.note.From > 0 {
		r.note.Size, r.note.SHA256 = size, sum
		return r.write()
	}
	if r.local == r.note.Name {
		return nil
	}
	if err := packager.Dir(r.dir).Rename(r.local, r.note.Name); err != nil {
		return err
	}
	r.local = r.note.Name
	return nil
}

// ReadNote reads the note beside a rest; name is that of either.
func ReadNote(name string) (n Note, restFile string, err error) {
	base := strings.TrimSuffix(strings.TrimSuffix(name, ".json"), RestSuffix)
	b, err := durable.Read(base+NoteSuffix, maxNote)
	if err != nil {
		return n, "", err
	}
	if err := json.Unmarshal(b, &n); err != nil {
		return n, "", fmt.Errorf("%s%s: %w", base, NoteSuffix, err)
	}
	if n.Type != typeNote || n.Name != filepath.Base(base) || n.From <= 0 || n.Size >= 0 && n.Size < n.From {
		return n, "", fmt.Errorf("%s%s: not a note of a rest", base, NoteSuffix)
	}
	return n, base + RestSuffix, nil
}

// ErrUnended says that a file was never ended: the collection was killed.
var ErrUnended = errors.New("the collection was never sealed")

// Complete sends the rest of a file to the destination that has its beginning, and ends
// it there.
func Complete(ctx context.Context, d deliver.Destination, n Note, restFile string, tell func(int64)) (deliver.Proof, error) {
	if n.Size < 0 {
		return "", fmt.Errorf("%s: %w: `cat` the beginning, which the destination has, and the rest, which begins at byte %d", n.Name, ErrUnended, n.From)
	}
	f, err := os.Open(restFile)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return "", err
	} else if st.Size() != n.Size-n.From {
		return "", fmt.Errorf("%s: %w: it has %d bytes, want %d", restFile, deliver.ErrChanged, st.Size(), n.Size-n.From)
	}
	u, err := d.Open(ctx, n.Name)
	if err != nil {
		return "", err
	}
	at := u.Offset()
	if r, ok := u.(deliver.Resumer); ok && at > n.Acked {
		r.Rewind(n.Acked) // what came after that may have holes
		at = u.Offset()
	}
	switch {
	case at < n.From:
		return "", fmt.Errorf("%s: %w: the destination has %d bytes, the rest begins at %d: is it the right one?", n.Name, deliver.ErrDiffers, at, n.From)
	case at > n.Size:
		return "", fmt.Errorf("%s: %w: the destination has %d bytes of %d", n.Name, deliver.ErrDiffers, at, n.Size)
	}
	if err := copyRest(ctx, u, io.NewSectionReader(f, at-n.From, n.Size-at), at, tell); err != nil {
		return "", err
	}
	if err := u.Commit(ctx, n.Size, n.SHA256); err != nil {
		return "", err
	}
	return deliver.ProofOf(u), nil
}

func copyRest(ctx context.Context, u deliver.Upload, r io.Reader, at int64, tell func(int64)) error {
	buf := make([]byte, piece)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := u.Write(ctx, buf[:n]); err != nil {
				return err
			}
			if at += int64(n); tell != nil {
				tell(at)
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
