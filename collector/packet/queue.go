package packet

import (
	"io"
	"sync"
	"time"

	"golang.org/x/net/bpf"

	"hozen/collector/packet/pcapng"
)

// A queue is the tap of a source that hands over one frame after another and has no ring
// of its own: frames wait in it, as packet blocks, until they are read. put may be called
// from several goroutines.
type queue struct {
	form   form
	filter *bpf.VM // nil: the source filters itself
	most   int     // bytes that may wait
	shut   func()  // ends the source; called once

	mu      sync.Mutex
	waiting []byte
	over    error
	wake    chan struct{} // has one, if there may be something new
	stopped bool
	sum     counts
}

// newQueue makes a queue of so many bytes. program, if it is not nil, is run on every
// frame; shut is called when nothing more is wanted.
func newQueue(f form, program []bpf.RawInstruction, most int, shut func()) (*queue, error) {
	q := &queue{form: f, most: most, shut: sync.OnceFunc(shut), wake: make(chan struct{}, 1)}
	if program == nil {
		return q, nil
	}
	code, ok := bpf.Disassemble(program)
	if !ok {
		return nil, io.ErrUnexpectedEOF
	}
	var err error
	q.filter, err = bpf.NewVM(code)
	return q, err
}

// put takes a frame: when it passed, how long it was on the wire, its bytes.
func (q *queue) put(at time.Time, flags uint32, length int, data []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return
	}
	if q.filter != nil {
		keep, err := q.filter.Run(data)
		if err != nil || keep == 0 {
			return
		}
		data = data[:min(keep, len(data))]
	}
	data = data[:min(len(data), maxSnaplen)]
	q.sum.accepted++
	if len(q.waiting)+len(data)+pcapng.Overhead > q.most {
		q.sum.dropped++
		return
	}
	q.waiting = pcapng.AppendPacket(q.waiting, q.form.id, uint64(at.UnixNano()), flags, uint32(length), nil, data)
	q.sum.packets++
	q.sum.bytes += uint64(len(data))
	q.sum.wire += uint64(length)
	q.ring()
}

func (q *queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// lost adds frames that the source itself lost.
func (q *queue) lost(n uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sum.accepted += n
	q.sum.dropped += n
}

// end says that the source will give no more, and why: io.EOF after stop.
func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over == nil {
		q.over = err
	}
	q.ring()
}

// wait implements tap.
func (q *queue) wait() error {
	for {
		q.mu.Lock()
		waiting, over := len(q.waiting) > 0, q.over
		q.mu.Unlock()
		if waiting {
			return nil
		}
		if over != nil {
			return over
		}
		<-q.wake
	}
}

// read implements tap.
func (q *queue) read(b []byte) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	rest := q.waiting
	for {
		p, left, ok := pcapng.NextPacket(rest)
		if !ok || cap(b)-len(b) < len(p.Block) {
			break
		}
		b, rest = append(b, p.Block...), left
	}
	q.waiting = q.waiting[:copy(q.waiting, rest)]
	return b
}

// stop implements tap: what waits can still be read.
func (q *queue) stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	q.end(io.EOF)
}

// counts implements tap.
func (q *queue) counts() counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.sum
}

// size implements tap.
func (q *queue) size() int { return q.most }

// close implements tap.
func (q *queue) close() { q.shut() }
