package volume

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"hozen/collector"
	"hozen/packager/evidence"
)

// How long a volume is read before it is opened anew, so that files made since are seen,
// and how long it is kept when nobody reads it.
const (
	maxAge  = 10 * time.Second
	maxIdle = 30 * time.Second
)

// Raw opens volumes for a host as they are needed: its Files is collector.Host.Raw. It is
// safe for concurrent use.
type Raw struct {
	host *collector.Host
	open func(h *collector.Host, name string) (*Volume, error)

	mu      sync.Mutex
	volumes map[string]*shared
}

// NewRaw opens nothing yet.
func NewRaw(h *collector.Host) *Raw {
	own := *h
	return &Raw{host: &own, open: Open, volumes: map[string]*shared{}}
}

// A shared volume is closed when it is old, or was not used for a while, and nobody
// reads it.
type shared struct {
	raw    *Raw
	drive  string
	volume *Volume
	opened time.Time
	err    error // of opening it
	users  int
	old    bool
	idle   *time.Timer
}

// Files gives the file system of the volume that a name of the host lies on, read raw,
// and the name on it.
func (r *Raw) Files(name string) (collector.Files, string, error) {
	drive, rest, ok := SplitName(name)
	if !ok {
		return nil, "", fmt.Errorf("%q: no name on a drive", name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.volumes[drive]
	if s != nil && time.Since(s.opened) > maxAge {
		r.drop(s)
		s = nil
	}
	if s == nil {
		s = &shared{raw: r, drive: drive, opened: time.Now()}
		s.volume, s.err = r.open(r.host, drive)
		s.idle = time.AfterFunc(maxIdle, func() { r.end(s) })
		r.volumes[drive] = s
	}
	if s.err != nil {
		return nil, "", s.err
	}
	return s, rest, nil
}

// drop lets no new reader come to a volume; r.mu is held.
func (r *Raw) drop(s *shared) {
	if r.volumes[s.drive] == s {
		delete(r.volumes, s.drive)
	}
	if s.old = true; s.users == 0 {
		s.close()
	}
}

func (r *Raw) end(s *shared) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(s)
}

// close closes the volume once; raw.mu is held.
func (s *shared) close() {
	s.idle.Stop()
	if s.volume != nil {
		_ = s.volume.Close() // it was only read
		s.volume, s.err = nil, errClosed
	}
}

var errClosed = errors.New("the volume was closed meanwhile")

func (s *shared) use() (*Volume, error) {
	s.raw.mu.Lock()
	defer s.raw.mu.Unlock()
	if s.volume == nil {
		return nil, s.err
	}
	s.users++
	return s.volume, nil
}

func (s *shared) leave() {
	s.raw.mu.Lock()
	defer s.raw.mu.Unlock()
	if s.users--; s.users > 0 {
		return
	}
	if s.old {
		s.close()
	} else {
		s.idle.Reset(maxIdle)
	}
}

// Lstat implements collector.Files.
func (s *shared) Lstat(name string) (*evidence.FileMeta, error) {
	v, err := s.use()
	if err != nil {
		return nil, err
	}
	defer s.leave()
	return v.Lstat(name)
}

// Names implements collector.Files.
func (s *shared) Names(name string) ([]string, error) {
	v, err := s.use()
	if err != nil {
		return nil, err
	}
	defer s.leave()
	return v.Names(name)
}

// Open implements collector.Files.
func (s *shared) Open(name string) (collector.Reader, error) {
	v, err := s.use()
	if err != nil {
		return nil, err
	}
	r, err := v.Open(name)
	if err != nil {
		s.leave()
		return nil, err
	}
	return &sharedFile{Reader: r, leave: sync.OnceFunc(s.leave)}, nil
}

// A sharedFile keeps its volume open.
type sharedFile struct {
	collector.Reader
	leave func()
}

// NextData implements collector.HoleReader.
func (f *sharedFile) NextData(off int64) (from, to int64, err error) {
	if holes, ok := f.Reader.(collector.HoleReader); ok {
		return holes.NextData(off)
	}
	return 0, 0, errors.New("its holes cannot be told")
}

// InUse says which blocks of a directory's index are in use (ntfs.Index).
func (f *sharedFile) InUse(off int64) (inUse, known bool) {
	if x, ok := f.Reader.(interface {
		InUse(off int64) (inUse, known bool)
	}); ok {
		return x.InUse(off)
	}
	return false, false
}

// Close lets go of the file, and of the volume if it is not wanted any more.
func (f *sharedFile) Close() error {
	defer f.leave()
	return f.Reader.Close()
}
