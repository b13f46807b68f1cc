package collector

import (
	"errors"
	"fmt"
	"io/fs"

	"hozen/collector/winfile"
	"hozen/packager/evidence"
)

// A RawFile is a file that was read past the running system, from its volume's sectors:
// the second way to a file of a live Windows. What was written in the last seconds may
// not lie there yet.
type RawFile struct {
	Reader
	Meta *evidence.FileMeta // as it lies on the disk
	// Why is what the ordinary read said; nil where none was tried, because the file
	// system's own files ($MFT) have no other way.
	Why error
}

// NextData implements HoleReader.
func (r *RawFile) NextData(off int64) (from, to int64, err error) {
	if holes, ok := r.Reader.(HoleReader); ok {
		return holes.NextData(off)
	}
	return off, max(off, r.Meta.Size), nil
}

// InUse says, of the index of a directory ("folder:$I30"), whether the block at an offset
// belongs to it; known is false where that cannot be told.
func (r *RawFile) InUse(off int64) (inUse, known bool) {
	if x, ok := r.Reader.(interface {
		InUse(off int64) (inUse, known bool)
	}); ok {
		return x.InUse(off)
	}
	return false, false
}

// Size is the number of its bytes.
func (r *RawFile) Size() int64 { return r.Meta.Size }

// RawReader opens a file past the running system. Where that cannot be done the error
// says why.
func (h *Host) RawReader(name string) (*RawFile, error) {
	if h.Raw == nil {
		return nil, pathError("open", name, ErrNotLive)
	}
	h.Pulse.Ask(name)
	defer h.Pulse.Answer()
	files, at, err := h.Raw(name)
	if err != nil {
		return nil, pathError("open raw", name, err)
	}
	m, err := files.Lstat(at)
	if err != nil {
		return nil, pathError("open raw", name, err)
	}
	if !m.Regular() {
		return nil, &NotRegularError{Name: name, Mode: m.Mode}
	}
	if m.ReparseTag != 0 && winfile.Remote(m.Attributes, m.ReparseTag) != nil {
		return nil, pathError("open raw", name, winfile.Remote(m.Attributes, m.ReparseTag))
	}
	r, err := files.Open(at)
	if err != nil {
		return nil, pathError("open raw", name, err)
	}
	return &RawFile{Reader: r, Meta: m}, nil
}

// rawOnly says whether a name is one of the file system's own, which only the raw
// volume gives.
func (h *Host) rawOnly(name string) bool { return h.Raw != nil && winfile.Metadata(name) }

// ways opens a file, and where the system refuses that, past the system.
func (h *Host) ways(name string) (Reader, error) {
	if h.rawOnly(name) {
		r, err := h.RawReader(name)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
	f, err := h.Open(name)
	if err == nil {
		return f, nil
	}
	if h.Raw == nil || !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	r, rawErr := h.RawReader(name)
	if rawErr != nil {
		return nil, fmt.Errorf("%w; past the system: %v", err, rawErr)
	}
	r.Why = err
	return r, nil
}
