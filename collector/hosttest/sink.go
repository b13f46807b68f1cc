package hosttest

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"time"

	"hozen/packager/evidence"
)

// Sink remembers what it is given, as the archive would record it.
type Sink struct {
	mu      sync.Mutex
	records []evidence.Record
	bodies  map[string][]byte
	puts    int
	// BreakAt makes the n-th Put and all later ones fail as a full disk does; 0 never.
	BreakAt int
}

// ErrBroken is what a broken Sink's Put returns.
var ErrBroken = fmt.Errorf("evidence can no longer be kept: no space left")

// Put implements evidence.Sink.
func (s *Sink) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	s.mu.Lock()
	s.puts++
	broken := s.BreakAt > 0 && s.puts >= s.BreakAt
	s.mu.Unlock()
	if broken {
		return ErrBroken
	}
	began := time.Now()
	var buf bytes.Buffer
	err := run(&buf, fill)
	r := evidence.Record{Item: item, Size: int64(buf.Len()), SHA256: sha256.Sum256(buf.Bytes()), Began: began, Ended: time.Now()}
	if item.OldHashes {
		r.SHA1, r.MD5 = sha1.Sum(buf.Bytes()), md5.Sum(buf.Bytes())
	}
	r.Outcome, r.Note, r.Shortfall = evidence.Classify(err, r.Size)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bodies == nil {
		s.bodies = map[string][]byte{}
	}
	s.records = append(s.records, r)
	s.bodies[item.Path] = buf.Bytes()
	return nil
}

func run(w io.Writer, fill func(io.Writer) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fill(w)
}

// Records gives the records in the order of the Puts.
func (s *Sink) Records() []evidence.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]evidence.Record(nil), s.records...)
}

// Record finds the record of a path.
func (s *Sink) Record(path string) (evidence.Record, bool) {
	for _, r := range s.Records() {
		if r.Path == path {
			return r, true
		}
	}
	return evidence.Record{}, false
}

// Body gives the bytes put under a path; nil if there are none.
func (s *Sink) Body(path string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies[path]
}
