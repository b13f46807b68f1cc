package ledger

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"time"

	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
	"hozen/packager/private"
	"hozen/packager/signed"
	"hozen/service/durable"
	"hozen/service/job"
)

// A File is what the ledger needs of an open file: reading begins at its beginning,
// writing is at its end.
type File interface {
	io.ReadWriteCloser
	Sync() error // to the medium
}

// A Disk is where the ledger is. A test breaks each of its calls in turn.
type Disk interface {
	// Append opens a file, making it where it is not there; Create makes it anew, empty.
	Append(name string) (File, error)
	Create(name string) (File, error)
	// Rename puts a file into the place of another and makes that durable.
	Rename(from, to string) error
}

// compactAt is how large the file must be to be written anew, in bytes; and it must have
// doubled since.
const compactAt = 1 << 20

// keepUndelivered is how long after it has expired a job is remembered whose archive
// never was delivered.
const keepUndelivered = 90 * 24 * time.Hour

// A store is the open file.
type store struct {
	disk   Disk
	name   string
	file   File
	lock   io.Closer
	size   int64
	base   int64 // size when it was last written anew
	broken bool  // a write failed: what the file holds is not known
	closed bool
	large  int64 // compactAt
}

// Open opens a ledger, or begins one: then jobs that were issued before wall are not
// taken, because they may have been run before the file was lost. durable.ErrInUse:
// another process has it open.
func Open(name string, wall time.Time) (*Ledger, error) {
	lock, err := durable.TryLock(name + ".lock")
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", name, err)
	}
	l, err := OpenOn(folder{}, name, wall)
	if err != nil {
		return nil, fault.Join(err, lock.Close())
	}
	l.store.lock = lock
	return l, nil
}

// OpenOn is Open on a disk of its own, without a lock.
func OpenOn(d Disk, name string, wall time.Time) (*Ledger, error) {
	l := &Ledger{doubtful: map[string]bool{}, store: store{disk: d, name: name, large: compactAt}}
	if err := l.load(wall); err != nil {
		return nil, fmt.Errorf("ledger %s: %w", name, err)
	}
	return l, nil
}

// Close lets go of the file.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store.closed = true
	err := l.store.close()
	if l.store.lock != nil {
		err = fault.Join(err, l.store.lock.Close())
	}
	return err
}

func (s *store) close() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}

// ready makes a ledger usable again after a write that failed: what the file says is
// what is so, once it is on the medium.
func (l *Ledger) ready(wall time.Time) error {
	if l.store.closed {
		return fmt.Errorf("ledger %s: %w", l.store.name, os.ErrClosed)
	}
	if !l.store.broken && l.store.file != nil {
		return nil
	}
	if err := l.load(wall); err != nil {
		return fmt.Errorf("ledger %s: %w", l.store.name, err)
	}
	return nil
}

// load reads the file. One that is new, has an unfinished line, or is read after an
// error, is written anew.
func (l *Ledger) load(wall time.Time) error {
	again := l.store.broken
	l.store.broken = true
	_ = l.store.close() // what it could not write is found out by reading
	f, err := l.store.disk.Append(l.store.name)
	if err != nil {
		return err
	}
	im, err := read(f)
	if err != nil {
		return fault.Join(err, f.Close())
	}
	l.store.file, l.store.size, l.store.base = f, im.bytes, im.bytes
	l.take(im)
	begun := im.bytes == 0
	if begun {
		now := wall.UTC().Truncate(time.Second)
		l.clock = clock{mark: now, floor: now, last: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)} // no job was ever taken
	}
	if begun || im.torn > 0 || again {
		return l.compact(l.clock)
	}
	l.store.broken = false
	return nil
}

// take makes a file's content ours.
func (l *Ledger) take(im *image) {
	l.entries, l.clock, l.seq = im.entries, im.clock, im.seq
	l.nonces = map[string]string{}
	for _, e := range l.entries {
		l.index(e)
	}
}

func (l *Ledger) index(e *Entry) {
	l.entries[e.ID] = e
	for _, key := range []string{e.Nonce, e.Sum} {
		if key != "" {
			l.nonces[key] = e.ID
		}
	}
}

func (c clock) record(seq int64, wall time.Time, e *Entry, why string) record {
	return record{Type: recordType, Seq: seq, Wall: signed.Wall(wall), Mark: job.Time(c.mark), Floor: job.Time(c.floor), Last: job.Time(c.last), Entry: e, Why: why}
}

// write appends one line and takes it over when it is on the medium.
func (l *Ledger) write(c clock, wall time.Time, e *Entry, why string) error {
	line, err := encode(c.record(l.seq+1, wall, e, why))
	if err != nil {
		return err
	}
	if err := l.store.append(line); err != nil {
		return fmt.Errorf("ledger %s: %w", l.store.name, err)
	}
	l.seq, l.clock = l.seq+1, c
	if e != nil {
		l.index(e)
	}
	if l.store.size > max(l.store.large, 2*l.store.base) {
		_ = l.compact(c) // the line is written: a failure is met at the next change
	}
	return nil
}

func (s *store) append(line []byte) error {
	n, err := s.file.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		s.broken = true
		return err
	}
	s.size += int64(n)
	return nil
}

// compact writes the file anew, without what may be forgotten, and puts it into the
// place of the old one: a crash leaves one or the other.
func (l *Ledger) compact(c clock) error {
	l.store.broken = true
	for id, e := range l.entries {
		if forgettable(e, c.mark) {
			delete(l.entries, id)
			delete(l.nonces, e.Nonce)
			delete(l.nonces, e.Sum)
		}
	}
	entries := make([]*Entry, 0, len(l.entries))
	for _, e := range l.entries {
		entries = append(entries, e)
	}
	sorting.By(entries, func(a, b *Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	size, seq, err := l.store.rewrite(c, l.seq, entries)
	if err != nil {
		return err
	}
	l.seq, l.clock = seq, c
	l.store.size, l.store.base, l.store.broken = size, size, false
	return nil
}

// forgettable says whether a job has ended and can, by the mark, never be valid again.
func forgettable(e *Entry, mark time.Time) bool {
	expires, err := job.ParseTime(e.Expires)
	switch {
	case err != nil || mark.Before(expires):
		return false
	case follows(e.State) == nil:
		return true
	}
	return (e.State == Sealed || e.State == Partial) && mark.After(expires.Add(keepUndelivered))
}

func (s *store) rewrite(c clock, seq int64, entries []*Entry) (size, last int64, err error) {
	next := s.name + ".new"
	f, err := s.disk.Create(next)
	if err != nil {
		return 0, 0, err
	}
	for _, e := range append([]*Entry{nil}, entries...) {
		seq++
		line, err := encode(c.record(seq, c.mark, e, ""))
		if err == nil {
			_, err = f.Write(line)
		}
		if err != nil {
			return 0, 0, fault.Join(err, f.Close())
		}
		size += int64(len(line))
	}
	if err := fault.Join(f.Sync(), f.Close()); err != nil {
		return 0, 0, err
	}
	_ = s.close() // of the old file: where files that are open cannot be replaced
	if err := s.disk.Rename(next, s.name); err != nil {
		return 0, 0, err
	}
	s.file, err = s.disk.Append(s.name)
	return size, seq, err
}

// folder is the Disk that is one.
type folder struct{}

func (folder) Append(name string) (File, error) {
	return private.Open(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, private.Mine)
}

func (folder) Create(name string) (File, error) {
	return private.Open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, private.Mine)
}

func (folder) Rename(from, to string) error {
	return durable.Rename(from, to)
}
