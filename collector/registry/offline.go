package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"hozen/collector"
	"hozen/collector/registry/hive"
	"hozen/collector/utf16"
	"hozen/packager/evidence/fault"
)

// A Source is a hive file that part of the registry is read from.
type Source struct {
	At   string // where in the registry
	File string // name on the host
	// Err says why it could not be opened; nil if it was. Keys in it give the same.
	Err    error
	Head   hive.Head
	Replay hive.Replay
	// Damage is what was found so far, Damages how much.
	Damage  []hive.Damage
	Damages int
}

// Sources gives the hive files that were opened so far, or could not be: who reads from
// them says in its rows how whole they are.
func (r *Registry) Sources() (out []Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sources {
		s.mu.Lock()
		state := Source{At: s.at, File: s.file, Err: s.err}
		if s.hive != nil {
			state.Head, state.Replay = s.hive.Head(), s.hive.Replay()
			state.Damage, state.Damages = s.hive.Damage()
		}
		if s.tried {
			out = append(out, state)
		}
		s.mu.Unlock()
	}
	return out
}

// source is a hive file that is opened when it is first asked for.
type source struct {
	at, file string
	host     *collector.Host

	mu     sync.Mutex
	tried  bool
	hive   *hive.Hive
	closer io.Closer
	err    error
}

// mountHive puts a hive file at places of the registry.
func (r *Registry) mountHive(file string, places ...string) {
	s := &source{at: places[0], file: file, host: r.host}
	r.mu.Lock()
	r.sources = append(r.sources, s)
	r.mu.Unlock()
	for _, at := range places {
		r.mount(at, s.root)
	}
}

func (s *source) root() (node, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tried {
		s.tried = true
		s.hive, s.closer, s.err = OpenFile(s.host, s.file)
	}
	if s.err != nil {
		return nil, s.err
	}
	k, err := s.hive.Root()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.file, err)
	}
	return &stored{key: k}, nil
}

func (s *source) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closer == nil {
		return nil
	}
	err := s.closer.Close()
	s.closer = nil
	return err
}

// OpenFile opens a hive file of a host, with the transaction logs that lie beside it.
// The Closer closes the files.
func OpenFile(h *collector.Host, name string) (*hive.Hive, io.Closer, error) {
	var all files
	r, size, err := all.open(h, name)
	if err != nil {
		return nil, nil, err
	}
	var logs []hive.Log
	dir, base := name[:strings.LastIndexByte(name, '/')+1], name[strings.LastIndexByte(name, '/')+1:]
	for _, end := range []string{".LOG1", ".LOG2", ".LOG"} {
		at, err := lookUp(h, dir, base+end)
		if err != nil {
			continue
		}
		beside := hive.Log{Name: at}
		if beside.R, beside.Size, err = all.open(h, at); err != nil {
			beside.R = failed{err}
		}
		logs = append(logs, beside)
	}
	hv, err := hive.Open(r, size, logs...)
	if err != nil {
		all.Close()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return hv, &all, nil
}

// files are open files.
type files []io.Closer

func (f *files) open(h *collector.Host, name string) (io.ReaderAt, int64, error) {
	m, err := h.Stat(name)
	if err != nil {
		return nil, 0, err
	}
	r, err := h.Reader(name)
	if err != nil {
		return nil, 0, err
	}
	*f = append(*f, r)
	return r, m.Size, nil
}

// Close closes them all.
func (f *files) Close() (err error) {
	for _, c := range *f {
		err = fault.Join(err, c.Close())
	}
	return err
}

// failed is a file that could not be opened.
type failed struct{ err error }

// ReadAt gives why.
func (f failed) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// stored is a key of a hive file.
type stored struct {
	key   *hive.Key
	mu    sync.Mutex
	below []*hive.Key
}

func (s *stored) close() error { return nil }

func (s *stored) read(want want) (c contents, err error) {
	k := s.key
	c.info = Info{Written: k.Time(), Keys: int(k.Keys), Values: int(k.Count), Class: k.Class(), Link: linkOf(k)}
	if want&wantNames != 0 {
		var below []*hive.Key
		text := 0
		for b := range k.Subkeys() {
			if text += len(b.Name); len(below) == maxKeys || text > maxTotal {
				err = errKeys
				break
			}
			below, c.names = append(below, b), append(c.names, b.Name)
		}
		s.mu.Lock()
		s.below = below
		s.mu.Unlock()
	}
	if want&wantValues != 0 {
		err = fault.Join(err, readValues(k, &c))
	}
	return c, err
}

var (
	errKeys   = fmt.Errorf("over %d keys below, or %d bytes of their names: %w", maxKeys, maxTotal, ErrLimit)
	errValues = fmt.Errorf("over %d values: %w", maxValues, ErrLimit)
	errTotal  = fmt.Errorf("over %d bytes of data and names in the values: %w", maxTotal, ErrLimit)
)

func readValues(k *hive.Key, c *contents) error {
	total := 0
	for v := range k.Values() {
		if len(c.values) == maxValues {
			return errValues
		}
		if total > maxTotal {
			return errTotal
		}
		data, err := v.Read(maxData)
		if errors.Is(err, hive.ErrLimit) {
			err = fmt.Errorf("over %d bytes of data: %w", maxData, ErrLimit)
		}
		total += len(data) + len(v.Name)
		c.values = append(c.values, Value{Name: v.Name, Type: Type(v.Type), Data: data, Size: int64(v.Size), Err: err})
	}
	return nil
}

// linkOf is where a key leads that is a symbolic link.
func linkOf(k *hive.Key) string {
	if k.Flags&hive.FlagLink == 0 {
		return ""
	}
	for v := range k.Values() {
		if Type(v.Type) == Link && hive.Fold(v.Name) == hive.Fold(linkValue) {
			data, _ := v.Read(1 << 16)
			return utf16.WTF8(data)
		}
	}
	return ""
}

func (s *stored) open(name string, place int) (node, error) {
	if place >= 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		if place >= len(s.below) {
			return nil, fs.ErrNotExist
		}
		return &stored{key: s.below[place]}, nil
	}
	k := s.key
	for name != "" {
		first, rest, _ := strings.Cut(name, `\`)
		if k = k.Subkey(first); k == nil {
			return nil, fs.ErrNotExist
		}
		if target := linkOf(k); target != "" {
			return nil, &linkError{target, rest}
		}
		name = rest
	}
	return &stored{key: k}, nil
}
