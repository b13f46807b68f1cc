package packager

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// A stream turns the tar stream into frames: blocks of at most 1 MiB, compressed
// side by side, written in order, hashed as they are written. Its methods are
// called by one goroutine at a time (the writer's lock).
type stream struct {
	zip   *zstd.Encoder
	out   *prefix
	block []byte
	tar   int64 // tar bytes so far
	free  chan []byte
	jobs  chan *packJob // to the workers
	order chan *packJob // to the one that writes
	done  sync.WaitGroup
	// hurry says that time counts more than size: memory changes while it is taken.
	// Then a block is compressed only while the medium is behind.
	hurry  atomic.Bool
	behind atomic.Int32 // frames that wait for the medium
}

type packJob struct {
	plain, packed []byte
	ready         chan struct{}
	barrier       chan struct{} // instead of a frame: close it
}

func newStream(out *prefix, workers int) (*stream, error) {
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(BlockSize),
		zstd.WithEncoderCRC(true), zstd.WithEncoderConcurrency(workers), zstd.WithLowerEncoderMem(true), zstd.WithSingleSegment(true))
	if err != nil {
		return nil, err
	}
	s := &stream{
		zip: zip, out: out,
		free: make(chan []byte, 2*workers+2),
		jobs: make(chan *packJob, workers), order: make(chan *packJob, workers),
	}
	s.done.Add(workers + 1)
	for range workers {
		go s.pack()
	}
	go s.store()
	return s, nil
}

func (s *stream) pack() {
	defer s.done.Done()
	for j := range s.jobs {
		j.packed = s.encode(s.buffer(len(j.plain)), j.plain)
		s.behind.Add(1)
		close(j.ready)
	}
}

// encode makes a frame of plain, in buf.
func (s *stream) encode(buf, plain []byte) []byte {
	if s.hurry.Load() && s.behind.Load() == 0 && !empty(plain) {
		return rawFrame(buf, plain)
	}
	return s.zip.EncodeAll(plain, buf)
}

func (s *stream) store() {
	defer s.done.Done()
	for j := range s.order {
		if j.barrier != nil {
			close(j.barrier)
			continue
		}
		<-j.ready
		s.behind.Add(-1)
		s.out.writeFrame(j.packed, len(j.plain))
		s.recycle(j.plain)
		s.recycle(j.packed)
	}
}

// buffer gives an empty buffer that need not grow for n bytes, more or less.
func (s *stream) buffer(n int) []byte {
	select {
	case b := <-s.free:
		return b[:0]
	default:
		return make([]byte, 0, min(n+n/64+1024, maxFrame))
	}
}

func (s *stream) recycle(b []byte) {
	if cap(b) < BlockSize/2 {
		return
	}
	select {
	case s.free <- b:
	default:
	}
}

// Write appends tar bytes. Errors of the medium are found by prefix.err.
func (s *stream) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if s.block == nil {
			s.block = s.buffer(BlockSize)
		}
		k := min(len(b), BlockSize-len(s.block))
		s.block = append(s.block, b[:k]...)
		b = b[k:]
		if len(s.block) == BlockSize {
			s.cut()
		}
	}
	s.tar += int64(n)
	return n, s.out.err()
}

// cut ends the frame; the next byte begins another.
func (s *stream) cut() {
	if len(s.block) == 0 {
		return
	}
	j := &packJob{plain: s.block, ready: make(chan struct{})}
	s.block = nil
	s.jobs <- j
	s.order <- j
}

// drain ends the frame and waits until all frames are written.
func (s *stream) drain() error {
	s.cut()
	b := make(chan struct{})
	s.order <- &packJob{barrier: b}
	<-b
	return s.out.err()
}

// frame writes a frame that is no compressed data; plain is what it adds to the tar stream.
func (s *stream) frame(b []byte, plain int) error {
	s.out.writeFrame(b, plain)
	s.tar += int64(plain)
	return s.out.err()
}

// close ends the workers.
func (s *stream) close() {
	close(s.jobs)
	close(s.order)
	s.done.Wait()
	s.zip.Close()
}

// A prefix writes the archive's bytes and knows the SHA-256 of all before.
type prefix struct {
	mu     sync.Mutex
	file   File
	sum    hash.Hash
	n      int64
	frames []frameSize
	failed error
}

func newPrefix(f File) *prefix { return &prefix{file: f, sum: sha256.New()} }

func (p *prefix) writeFrame(b []byte, plain int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return
	}
	hashed := p.hash(b)
	_, err := p.file.Write(b)
	if <-hashed; err != nil {
		p.failed = err // and what is hashed is no prefix any more
		return
	}
	p.n += int64(len(b))
	p.frames = append(p.frames, frameSize{uint32(len(b)), uint32(plain)})
}

// hash hashes b, beside the caller if that is worth it; the channel is closed when
// it is done.
func (p *prefix) hash(b []byte) <-chan struct{} {
	done := make(chan struct{})
	if len(b) < 64<<10 {
		p.sum.Write(b)
		close(done)
		return done
	}
	go func() {
		p.sum.Write(b)
		close(done)
	}()
	return done
}

func (p *prefix) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// fail makes every later write fail too: what came after a hole would be no prefix.
func (p *prefix) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = err
	}
}

func (p *prefix) at() Prefix {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Prefix{Bytes: p.n, SHA256: hex.EncodeToString(p.sum.Sum(nil))}
}
