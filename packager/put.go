package packager

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"hozen/packager/evidence"
	"hozen/packager/signed"
)

// Put implements evidence.Sink. An item of up to 8 MiB becomes one member. A
// larger one whose size is known becomes one member of up to 64 MiB or parts of
// 64 MiB, streamed; one of unknown size, parts of 8 MiB.
func (w *Writer) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	w.mu.Lock()
	err := w.alive()
	w.mu.Unlock()
	if err != nil {
		return err
	}
	buf := w.bufs.Get().(*[]byte)
	defer w.bufs.Put(buf)
	p := &pending{w: w, item: item, buf: (*buf)[:0], whole: sha256.New(), old: newOldHashes(item.OldHashes), began: w.o.Now()}
	defer func() { *buf = p.buf }()
	if size := expected(item); size > partUnknown {
		p.known = size
	}
	var fillErr error
	if ctx.Err() != nil {
		fillErr = context.Cause(ctx)
	} else {
		fillErr = p.run(ctx, fill)
	}
	return p.finish(fillErr)
}

// expected is how many bytes a fill will write, as far as that is known; else 0.
func expected(item evidence.Item) int64 {
	switch {
	case !item.File.Regular(),
		item.Limit > 0 && item.File.Size > item.Limit: // it will be cut, somewhere
		return 0
	}
	return item.File.Size
}

// pending is one item on its way into the archive.
type pending struct {
	w     *Writer
	item  evidence.Item
	began time.Time
	known int64 // size of a large file, as the host gave it; 0 if unknown

	mu      sync.Mutex
	left    bool // the fill was left behind: nothing it writes counts
	buf     []byte
	whole   hash.Hash
	old     *oldHashes // of the whole item; nil unless asked for
	size    int64      // bytes that the fill wrote and that are kept
	parts   int
	name    string // in the archive, once taken
	open    *openMember
	grew    bool
	short   int64 // bytes that were missing, filled up with zeros
	emptied bool  // nothing was left of a large file: one empty member
	keepErr error // why nothing can be kept any longer

	hasMember bool  // there is one member that is the whole item
	tarOff    int64 // of its header
}

// openMember is a member whose header is written and whose contents are not yet
// whole. The writer's lock is held while there is one.
type openMember struct {
	name   string
	want   int64
	have   int64
	sum    hash.Hash
	tarOff int64
}

var (
	errLeft = errors.New("left behind: it did not end when its time was over")
	errGrew = errors.New("longer than when it was opened: taken to the size that it had then")
)

// run calls fill on its own goroutine, so that one that hangs can be left behind.
func (p *pending) run(ctx context.Context, fill func(io.Writer) error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("panic while reading: %v at %s", v, panicSite(debug.Stack()))
			}
		}()
		done <- fill(p)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	t := time.NewTimer(hungGrace)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		p.mu.Lock()
		p.left = true
		p.mu.Unlock()
		return fmt.Errorf("%w: %w", errLeft, context.Cause(ctx))
	}
}

// panicSite finds the line below the call of panic in a stack.
func panicSite(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+3 < len(lines) {
			site, _, _ := strings.Cut(strings.TrimSpace(lines[i+3]), " ")
			return site[strings.LastIndexByte(site, '/')+1:]
		}
	}
	return "an unknown place"
}

// Write takes the item's bytes.
func (p *pending) Write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(b) > 0 {
		if p.left {
			return n, errLeft
		}
		if p.keepErr != nil {
			return n, p.keepErr
		}
		k, err := p.take(b)
		n, b = n+k, b[k:]
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (p *pending) take(b []byte) (int, error) {
	if p.known > 0 {
		return p.stream(b)
	}
	k := min(len(b), partUnknown-len(p.buf))
	p.buf = append(p.buf, b[:k]...)
	p.size += int64(k)
	if k < len(b) {
		p.keepErr = p.flushPart()
	}
	return k, p.keepErr
}

// flushPart makes a part of what is buffered.
func (p *pending) flushPart() error {
	defer p.old.begin(p.buf)()
	p.whole.Write(p.buf)
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.takeName(nameFile)
	tarOff := p.w.s.tar
	name := p.partName()
	sum, err := p.w.add(name, p.buf)
	if err == nil {
		err = p.w.recordPart(p, name, int64(len(p.buf)), sum, tarOff)
	}
	p.buf = p.buf[:0]
	p.parts++
	return err
}

// stream passes bytes of a large file of known size straight on.
func (p *pending) stream(b []byte) (int, error) {
	if p.size == p.known {
		p.grew = true
		return 0, errGrew
	}
	if p.open == nil {
		if p.keepErr = p.openNext(); p.keepErr != nil {
			return 0, p.keepErr
		}
	}
	m := p.open
	k := int(min(int64(len(b)), m.want-m.have))
	p.hash(m.sum, b[:k])
	_, err := p.w.s.Write(b[:k])
	m.have += int64(k)
	p.size += int64(k)
	if err == nil && m.have == m.want {
		err = p.closeMember()
	}
	p.keepErr = err
	return k, err
}

// openNext takes the writer's lock and writes the header of the next member.
func (p *pending) openNext() error {
	p.w.mu.Lock()
	p.takeName(nameFile)
	m := &openMember{name: p.name, want: min(p.known-p.size, maxMember), sum: sha256.New(), tarOff: p.w.s.tar}
	if p.known > maxMember {
		m.name = p.partName()
	}
	if err := p.w.memberHead(m.name, m.want); err != nil {
		p.w.mu.Unlock()
		return err
	}
	p.open = m
	return nil
}

// closeMember fills up an open member with zeros and lets go of the lock.
func (p *pending) closeMember() error {
	m := p.open
	p.open = nil
	defer p.w.mu.Unlock()
	for zeros := make([]byte, 64<<10); m.have < m.want; {
		z := zeros[:min(int64(len(zeros)), m.want-m.have)]
		p.hash(m.sum, z)
		p.w.s.Write(z)
		m.have += int64(len(z))
	}
	var sum [32]byte
	m.sum.Sum(sum[:0])
	if err := p.w.memberEnd(m.name, m.want, sum); err != nil {
		return err
	}
	if p.known <= maxMember {
		p.tarOff, p.hasMember, p.whole = m.tarOff, true, m.sum
		return nil // its record is the item's
	}
	err := p.w.recordPart(p, m.name, m.want, sum, m.tarOff)
	p.parts++
	return err
}

// hash goes on with the hash of a member, with that of the whole item, where that is
// another, and with the old ones, where they are asked for: for pieces that are worth
// it (those of an image of RAM are) at once, because hashing twice would be what
// takes longest.
func (p *pending) hash(member hash.Hash, b []byte) {
	defer p.old.begin(b)()
	switch {
	case p.known <= maxMember:
	case len(b) < worthParallel:
		p.whole.Write(b)
	default:
		defer beside(func() { p.whole.Write(b) })()
	}
	member.Write(b)
}

func (p *pending) takeName(as nameUse) {
	if p.name == "" {
		p.name = p.w.names.unique(p.item.Path, as)
	}
}

func (p *pending) partName() string { return fmt.Sprintf("%s.p%06d", p.name, p.parts) }

// finish writes the item's record, and its member if it is not there yet.
func (p *pending) finish(fillErr error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = true
	missing := max(0, p.known-p.size)
	if p.open != nil {
		p.short = p.open.want - p.open.have
		if err := p.closeMember(); p.keepErr == nil {
			p.keepErr = err
		}
	}
	if p.keepErr == nil && p.parts > 0 && len(p.buf) > 0 {
		p.keepErr = p.flushPart()
	}
	if p.keepErr != nil {
		return p.keepErr
	}
	if errors.Is(fillErr, errGrew) {
		fillErr = nil
	}
	r := evidence.Record{Item: p.item, Size: p.size, Began: p.began}
	r.Outcome, r.Note, r.Shortfall = evidence.Classify(fillErr, p.size)
	if missing > 0 && fillErr == nil {
		r.Outcome, r.Note = evidence.Partial, fmt.Sprintf("%d bytes shorter than when it was opened", missing)
		p.emptied = p.size == 0
	}
	return p.record(&r)
}

// record writes the line of the whole item, then a checkpoint if one is due.
func (p *pending) record(r *evidence.Record) error {
	w := p.w
	buffered := p.emptied || p.known == 0 && p.parts == 0 && (r.Outcome == evidence.Collected || len(p.buf) > 0)
	oldDone := p.old.begin(p.buf)
	if buffered {
		r.SHA256 = sha256.Sum256(p.buf) // before the lock: others wait for it
	}
	oldDone()
	w.mu.Lock()
	defer w.mu.Unlock()
	if buffered {
		p.takeName(nameFile)
		p.tarOff, p.hasMember = w.s.tar, true
		if err := w.addSummed(p.name, p.buf, r.SHA256); err != nil {
			return err
		}
	}
	p.takeName(nameRecord)
	l := p.line(r)
	if p.parts > 0 {
		w.joined.add(l.SHA256 + "  " + p.name)
	}
	if err := w.addRecord(l); err != nil {
		return err
	}
	if w.o.Observe != nil {
		w.o.Observe(*r)
	}
	if w.due() {
		return w.note(w.checkpoint("open"))
	}
	return nil
}

func (p *pending) line(r *evidence.Record) *RecordLine {
	r.Ended = p.w.o.Now()
	if p.parts > 0 || p.known > 0 {
		p.whole.Sum(r.SHA256[:0])
	}
	r.Size += p.short
	l := lineOf(p.name, r)
	l.Short, l.Grew, l.Parts = p.short, p.grew, p.parts
	if p.hasMember || p.parts > 0 {
		l.SHA256 = hex.EncodeToString(r.SHA256[:])
		p.old.end(r, l)
	}
	if p.hasMember {
		l.TarOff = &p.tarOff
	}
	return l
}

// recordPart writes the line of one part. The writer's lock is held.
func (w *Writer) recordPart(p *pending, name string, size int64, sum [32]byte, tarOff int64) error {
	n := p.parts
	return w.addRecord(&RecordLine{
		Path: name, Collector: p.item.Collector, Outcome: evidence.Collected, Size: size,
		SHA256: hex.EncodeToString(sum[:]), TarOff: &tarOff, Part: &n, Joined: p.name,
		ReadStart: signed.Wall(p.began), ReadEnd: signed.Wall(w.o.Now()),
	})
}

func (w *Writer) addRecord(l *RecordLine) error {
	if err := w.alive(); err != nil {
		return err
	}
	b, err := l.encode()
	if err != nil {
		return w.note(fmt.Errorf("record of %s: %w", l.Path, err))
	}
	w.seg.records = append(w.seg.records, b...)
	return nil
}

// copyChunk is how much ReadFrom reads at once.
const copyChunk = 64 << 10

// ReadFrom is Write of all that r has. io.Copy finds it, and need not make a
// buffer for every item.
func (p *pending) ReadFrom(r io.Reader) (n int64, err error) {
	buf := p.w.chunks.Get().(*[]byte)
	for {
		k, rerr := r.Read(*buf)
		if k > 0 {
			if _, err := p.Write((*buf)[:k]); err != nil {
				return n, err
			}
			n += int64(k)
		}
		if rerr != nil {
			p.w.chunks.Put(buf)
			if rerr == io.EOF {
				rerr = nil
			}
			return n, rerr
		}
	}
}
