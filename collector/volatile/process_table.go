package volatile

import (
	"context"
	"io"

	"hozen/packager/evidence"
)

// A rowTable is an item that grows while other items are put: rows go to a fill
// that runs beside the collector, in blocks, so that they are never all in
// memory. It is used by one goroutine.
type rowTable struct {
	block  []byte
	full   chan []byte   // to the fill
	empty  chan []byte   // back from it
	done   chan struct{} // closed when Put has returned
	why    error         // how the fill ends; set before full is closed
	putErr error         // what Put returned; set before done is closed
}

const tableBlock = 1 << 16

// openRowTable begins an item. Its Put runs until end.
func openRowTable(ctx context.Context, to evidence.Sink, item evidence.Item) *rowTable {
	t := &rowTable{full: make(chan []byte), empty: make(chan []byte, 1), done: make(chan struct{})}
	t.empty <- nil
	go func() {
		defer close(t.done)
		t.putErr = to.Put(ctx, item, t.fill)
	}()
	return t
}

func (t *rowTable) fill(w io.Writer) error {
	for b := range t.full {
		if _, err := w.Write(b); err != nil {
			return err
		}
		t.empty <- b[:0] // never waits: there are two blocks, and one is the writer's
	}
	return t.why
}

// write adds rows. After the item has ended they are dropped: its record says why.
func (t *rowTable) write(rows []byte) {
	t.block = append(t.block, rows...)
	if len(t.block) >= tableBlock {
		t.flush()
	}
}

func (t *rowTable) flush() {
	if len(t.block) == 0 {
		return
	}
	select {
	case t.full <- t.block:
	case <-t.done:
		t.block = t.block[:0]
		return
	}
	select {
	case t.block = <-t.empty:
	case <-t.done:
		t.block = nil
	}
}

// ended says whether the item has ended before end was called.
func (t *rowTable) ended() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// end ends the item with why, and gives the error of its Put.
func (t *rowTable) end(why error) error {
	t.flush()
	t.why = why
	close(t.full)
	<-t.done
	return t.putErr
}
