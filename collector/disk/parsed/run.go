package parsed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime/metrics"
	"sync"
	"time"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

const (
	batch      = 64 << 10               // bytes of rows that are handed over at once
	grace      = 2 * time.Second        // of a parser whose time is over
	lookAtHeap = 100 * time.Millisecond // how often
	// rowsForByte is what a byte of a file may give in bytes of rows, behind the first
	// FileBytes; real files give under 10. One whose names are shared by all its rows
	// would take the room of every other file.
	rowsForByte = 32
)

// A job is one file on its way through a parser, which runs on a goroutine of its own.
type job struct {
	ctx     context.Context
	rows    chan []byte // batches of lines
	done    chan error
	maxRows int64

	prefix []byte // of every row: path and item
	line   bytes.Buffer
	enc    *json.Encoder
	n      int64

	mu  sync.Mutex // what is here is taken where the parser does not come back
	buf bytes.Buffer
}

// parse gives a file to its parser and its rows to w, at most maxRows rows and maxBytes
// bytes. It says how many rows and bytes there were, and, with left, that the parser did
// not come back.
func parse(ctx context.Context, w io.Writer, format Format, src *Source, l Limits) (rows, size int64, left bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	src.setContext(ctx)
	j := &job{ctx: ctx, rows: make(chan []byte, 4), done: make(chan error, 1), maxRows: min(l.FileRows, l.Rows)}
	go func() { j.done <- j.run(format, src) }()
	deadline := time.NewTimer(l.FileTime)
	defer deadline.Stop()
	heap := time.NewTicker(lookAtHeap)
	defer heap.Stop()
	began, over := heapBytes(), (<-chan time.Time)(nil)
	end := func(why error) {
		if over == nil {
			over = time.After(grace)
		}
		cancel(why)
	}
	ended := ctx.Done()
	most := l.FileBytes + rowsForByte*min(src.Size, l.Bytes)
	write := func(b []byte) {
		if size += int64(len(b)); size > l.Bytes {
			end(evidence.Cut("limit of all rows: %d bytes", l.Bytes))
			return
		}
		if size > most {
			end(evidence.Cut("limit of the rows of one file: %d bytes, from %d", most, src.Size))
			return
		}
		rows += int64(bytes.Count(b, []byte{'\n'}))
		if _, werr := w.Write(b); werr != nil && err == nil {
			err = werr
			end(werr)
		}
	}
	for {
		select {
		case b := <-j.rows:
			write(b)
		case perr := <-j.done:
			for len(j.rows) > 0 {
				write(<-j.rows)
			}
			return rows, size, false, fault.Join(err, perr)
		case <-deadline.C:
			end(evidence.Cut("its time is over: %v", l.FileTime))
		case <-ended:
			ended = nil
			end(context.Cause(ctx))
		case <-heap.C:
			if grown := heapBytes() - began; grown > l.Memory {
				end(evidence.Cut("limit of memory: parsing it took %d bytes", grown))
			}
		case <-over:
			write(j.take(0))
			return rows, size, true, fault.Join(err, evidence.Cut("the parser did not come back (%v): left behind", context.Cause(ctx)))
		}
	}
}

// run parses, and makes an error of a panic.
func (j *job) run(format Format, src *Source) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser panicked: %v", p)
		}
		if flush := j.flush(0); err == nil {
			err = flush
		}
	}()
	j.prefix = jsonl.AppendText([]byte(`{"path":`), src.Name())
	j.prefix = jsonl.AppendText(append(j.prefix, `,"item":`...), src.Item)
	j.enc = json.NewEncoder(&j.line)
	j.enc.SetEscapeHTML(false)
	return format.Rows(j.ctx, src, j.emit)
}

func (j *job) emit(row any) error {
	if j.ctx.Err() != nil {
		return context.Cause(j.ctx)
	}
	if j.n >= j.maxRows {
		return evidence.Cut("limit of rows: %d", j.maxRows)
	}
	j.line.Reset()
	if err := j.enc.Encode(row); err != nil {
		return fmt.Errorf("row %d: %w", j.n+1, err)
	}
	line := j.line.Bytes()
	if len(line) < 3 || line[0] != '{' {
		return fmt.Errorf("row %d: not a struct", j.n+1)
	}
	j.n++
	j.mu.Lock()
	j.buf.Write(j.prefix)
	if line[1] != '}' {
		j.buf.WriteByte(',')
	}
	j.buf.Write(line[1:])
	j.mu.Unlock()
	return j.flush(batch)
}

// flush hands over what is there, if it is more than n bytes.
func (j *job) flush(n int) error {
	b := j.take(n)
	if b == nil {
		return nil
	}
	select {
	case j.rows <- b:
		return nil
	case <-j.ctx.Done():
	}
	select { // what is there is handed over while somebody takes it
	case j.rows <- b:
	case <-time.After(grace / 2):
	}
	return context.Cause(j.ctx)
}

// take gives what is there, if it is more than n bytes.
func (j *job) take(n int) []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.buf.Len() <= n {
		return nil
	}
	b := bytes.Clone(j.buf.Bytes())
	j.buf.Reset()
	return b
}

// setContext ends the reading of the file with a context.
func (s *Source) setContext(ctx context.Context) { s.ctx = ctx }

// heapBytes is what lives on the heap.
func heapBytes() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s[0].Value.Uint64())
}
