// Package outbox keeps finished collections until they are delivered: a directory in
// which archive, custody log and a state file lie beside each other. Evidence is never
// deleted to make room: when the box is full, nothing new is begun. Begin with Open;
// deliver.go is the loop that empties it, entry.go what is known of one collection.
package outbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
	"hozen/packager/private"
	"hozen/service/durable"
)

// A Box is an outbox. Its methods may be called concurrently.
type Box struct {
	dir   string
	limit int64
	lock  io.Closer
	wake  chan struct{}

	mu      sync.Mutex
	entries map[string]*Entry
	spoilt  []string // state files that cannot be read
}

// ErrFull says that there is no room for another collection.
var ErrFull = errors.New("the outbox is full")

// stateSuffix ends the name of a state file: <collection>.delivery.json.
const stateSuffix = ".delivery.json"

// maxState bounds a state file, in bytes.
const maxState = 256 << 10

// Open opens the outbox in a directory, which is made if need be; limit is in bytes,
// 0: none. One process has it at a time (durable.ErrInUse).
func Open(dir string, limit int64) (*Box, error) {
	if err := private.MkdirAll(dir, private.Mine); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	lock, err := durable.TryLock(filepath.Join(dir, ".lock"))
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	b := &Box{dir: dir, limit: limit, lock: lock, wake: make(chan struct{}, 1)}
	if b.entries, b.spoilt, err = readEntries(dir); err != nil {
		return nil, fault.Join(err, lock.Close())
	}
	return b, nil
}

// Close lets another process have the box.
func (b *Box) Close() error { return b.lock.Close() }

// Dir is where collections are written, so that Add finds them.
func (b *Box) Dir() string { return b.dir }

func readEntries(dir string) (entries map[string]*Entry, spoilt []string, err error) {
	entries = map[string]*Entry{}
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("outbox: %w", err)
	}
	for _, f := range all {
		id, ok := strings.CutSuffix(f.Name(), stateSuffix)
		if !ok || !packager.ValidID(id) {
			continue
		}
		e := &Entry{}
		text, err := durable.Read(filepath.Join(dir, f.Name()), maxState)
		if err == nil {
			err = json.Unmarshal(text, e)
		}
		// Fields of a later version are left alone: a box outlives an upgrade and its undoing.
		if err != nil || e.Collection != id || !e.valid() {
			spoilt = append(spoilt, f.Name())
			continue
		}
		entries[id] = e
	}
	return entries, spoilt, nil
}

// Add says that a collection's files lie in Dir and go to the named destination. It is
// durable when Add returns. To add one again changes nothing.
func (b *Box) Add(collection, job, to string) (Entry, error) {
	if !packager.ValidID(collection) {
		return Entry{}, fmt.Errorf("outbox: collection %.80q: not an id", collection)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries[collection]; e != nil {
		return *e, nil
	}
	e := &Entry{Collection: collection, Job: job, To: to, State: Waiting, Added: now(time.Now())}
	var err error
	if e.Archive, err = found(b.dir, packager.FileNames(collection)...); err != nil {
		return Entry{}, err
	}
	name, _ := packager.ParseFileName(e.Archive.Name)
	e.Partial = name.Incomplete
	if e.Log, err = found(b.dir, packager.LogName(collection)); err != nil {
		return Entry{}, err
	}
	if err := b.save(e); err != nil {
		return Entry{}, err
	}
	b.entries[collection] = e
	b.spoilt = slices.DeleteFunc(b.spoilt, func(name string) bool { return name == collection+stateSuffix })
	b.Kick()
	return *e, nil
}

// found gives the first of the names that is there.
func found(dir string, names ...string) (File, error) {
	for _, name := range names {
		st, err := os.Lstat(filepath.Join(dir, name))
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return File{}, fmt.Errorf("outbox: %w", err)
		case !st.Mode().IsRegular():
			return File{}, fmt.Errorf("outbox: %s: not a regular file", name)
		default:
			return File{Name: name, Bytes: st.Size()}, nil
		}
	}
	return File{}, fmt.Errorf("outbox: %s: %w", names[0], os.ErrNotExist)
}

// save writes the state of an entry. The lock is held, or nobody else has the entry.
func (b *Box) save(e *Entry) error {
	if err := durable.ReplaceJSON(filepath.Join(b.dir, e.Collection+stateSuffix), e); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return nil
}

// Room says whether another collection may begin; ErrFull if not. What one needs nobody
// knows before: the limit may be passed by the last one.
func (b *Box) Room() error { return Room(b.dir, b.limit) }

// Room is Box.Room of a box that another process may have open.
func Room(dir string, limit int64) error {
	u, err := Used(dir)
	if err != nil || limit <= 0 || u.All < limit {
		return err
	}
	what := "deliver or move what is in " + dir
	if u.Delivered > 0 {
		what = "set delete_local, move what is delivered out of " + dir
	}
	return fmt.Errorf("%w: %d bytes are in it, %d of them delivered, the limit is %d: %s, or allow more (outbox: max_size)", ErrFull, u.All, u.Delivered, limit, what)
}

// A Use is what the files of a box take, in bytes.
type Use struct {
	All       int64 // also of those that nobody added
	Delivered int64 // of collections that are delivered and still here
}

// Used counts a box that another process may have open.
func Used(dir string) (u Use, err error) {
	entries, _, err := readEntries(dir)
	if err != nil {
		return u, err
	}
	delivered := map[string]bool{}
	for id, e := range entries {
		if e.State == Delivered {
			delivered[e.Archive.Name], delivered[e.Log.Name], delivered[id+stateSuffix] = true, true, true
		}
	}
	all, err := os.ReadDir(dir)
	if err != nil {
		return u, fmt.Errorf("outbox: %w", err)
	}
	for _, f := range all {
		if st, err := f.Info(); err == nil && st.Mode().IsRegular() {
			u.All += st.Size()
			if delivered[f.Name()] {
				u.Delivered += st.Size()
			}
		}
	}
	return u, nil
}

// List gives all that is known, the oldest first; also what was delivered.
func (b *Box) List() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list()
}

func (b *Box) list() []Entry {
	all := make([]Entry, 0, len(b.entries))
	for _, e := range b.entries {
		all = append(all, *e)
	}
	sorting.By(all, func(x, y Entry) int {
		return cmp.Or(x.Added.Compare(y.Added), strings.Compare(x.Collection, y.Collection))
	})
	return all
}

// Unlisted gives the collections whose archive lies in the box, ended or recovered, and
// that nobody added: the program was killed between. Add takes them.
func (b *Box) Unlisted() (collections []string, err error) {
	all, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range all {
		name, ok := packager.ParseFileName(f.Name())
		if ok && !name.Partial && b.entries[name.ID] == nil && !slices.Contains(collections, name.ID) {
			collections = append(collections, name.ID)
		}
	}
	return collections, nil
}

// Status is the box in a few numbers.
type Status struct {
	Waiting int       `json:"waiting"` // collections that are not delivered
	Unsent  int64     `json:"unsent"`  // bytes of those
	Bytes   int64     `json:"bytes"`   // of all files, also of what is delivered
	Limit   int64     `json:"limit"`   // 0: none
	Full    bool      `json:"full"`
	Oldest  time.Time `json:"oldest,omitzero"`  // of those that wait
	Next    time.Time `json:"next,omitzero"`    // when the next is tried
	Error   string    `json:"error,omitempty"`  // the newest reason why something waits
	Spoilt  []string  `json:"spoilt,omitempty"` // state files that cannot be read
}

// Status gives the numbers.
func (b *Box) Status() Status {
	s := Status{Limit: b.limit}
	u, _ := Used(b.dir) // a box that cannot be read says so in Room
	s.Bytes = u.All
	s.Full = b.limit > 0 && s.Bytes >= b.limit
	b.mu.Lock()
	defer b.mu.Unlock()
	s.Spoilt = slices.Clone(b.spoilt)
	last := time.Time{}
	for _, e := range b.list() {
		if e.State == Delivered {
			continue
		}
		s.Unsent += e.Archive.Bytes + e.Log.Bytes
		if s.Waiting++; s.Waiting == 1 {
			s.Oldest = e.Added
		}
		if s.Next.IsZero() || e.Next.Before(s.Next) {
			s.Next = e.Next
		}
		if e.Error != "" && e.Tried.After(last) {
			s.Error, last = e.Error, e.Tried
		}
	}
	return s
}

// Kick has everything that waits tried at once: the network is back, say.
func (b *Box) Kick() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
