package ledger

import (
	"errors"
	"io"
	"slices"
)

var errBroken = errors.New("the disk broke")

// memDisk is a disk in memory that breaks when told so, and knows what would be left of
// it if the power went.
type memDisk struct {
	files  map[string]*memFile // by name, as programs see them
	stable map[string]*memFile // names that are on the medium
	calls  int                 // that change something, so far
	breaks int                 // the call that fails; 0: none
	mode   int                 // how: see fail
	down   bool                // everything after it fails, too
}

// How a call fails.
const (
	failWhole = iota // nothing of it is done
	failHalf         // half of it is done
	failAfter        // all of it is done, but an error is returned
	failModes
)

type memFile struct{ data, synced []byte }

func newDisk() *memDisk {
	return &memDisk{files: map[string]*memFile{}, stable: map[string]*memFile{}}
}

// fail counts a call and says how it is to fail; -1 if it is not.
func (d *memDisk) fail() int {
	d.calls++
	if d.calls == d.breaks || d.down && d.breaks > 0 && d.calls > d.breaks {
		return d.mode
	}
	return -1
}

// reboot gives the disk as it is after a power cut: of each file what was flushed, or,
// if lucky, all that was written.
func (d *memDisk) reboot(lucky bool) *memDisk {
	next := newDisk()
	for name, f := range d.stable {
		data := f.synced
		if lucky {
			data = f.data
		}
		next.files[name] = &memFile{data: slices.Clone(data), synced: slices.Clone(data)}
		next.stable[name] = next.files[name]
	}
	return next
}

func (d *memDisk) open(name string, empty bool) (File, error) {
	how := d.fail()
	if how == failWhole || how == failHalf {
		return nil, errBroken
	}
	f := d.files[name]
	if f == nil {
		f = &memFile{}
		d.files[name] = f
	}
	if empty {
		f = &memFile{} // a crash may leave the old bytes or none: none is worse
		d.files[name] = f
		if d.stable[name] != nil {
			d.stable[name] = f
		}
	}
	if how == failAfter {
		return nil, errBroken
	}
	return &handle{disk: d, file: f}, nil
}

func (d *memDisk) Append(name string) (File, error) { return d.open(name, false) }
func (d *memDisk) Create(name string) (File, error) { return d.open(name, true) }

func (d *memDisk) Rename(from, to string) error {
	how := d.fail()
	if how == failWhole {
		return errBroken
	}
	f := d.files[from]
	delete(d.files, from)
	d.files[to] = f
	if how == failHalf { // done, but not on the medium
		return errBroken
	}
	delete(d.stable, from)
	d.stable[to] = f
	if how == failAfter {
		return errBroken
	}
	return nil
}

type handle struct {
	disk *memDisk
	file *memFile
	at   int
}

func (h *handle) Read(b []byte) (int, error) {
	if h.at >= len(h.file.data) {
		return 0, io.EOF
	}
	n := copy(b, h.file.data[h.at:])
	h.at += n
	return n, nil
}

func (h *handle) Write(b []byte) (int, error) {
	switch h.disk.fail() {
	case failWhole:
		return 0, errBroken
	case failHalf:
		h.file.data = append(h.file.data, b[:len(b)/2]...)
		return len(b) / 2, errBroken
	case failAfter:
		h.file.data = append(h.file.data, b...)
		return len(b), errBroken
	}
	h.file.data = append(h.file.data, b...)
	return len(b), nil
}

func (h *handle) Sync() error {
	how := h.disk.fail()
	if how == failWhole || how == failHalf {
		return errBroken
	}
	h.file.synced = slices.Clone(h.file.data)
	if how == failAfter {
		return errBroken
	}
	return nil
}

func (h *handle) Close() error { return nil }
