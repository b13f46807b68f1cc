package disk

import (
	"context"
	"io"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A table is one that is put while its rows are made, beside other items: so it needs
// no memory, and what was made is there whenever the work ends.
type table struct {
	rows chan []byte
	done chan struct{} // nobody takes rows any more
	err  error         // of the sink; valid when done is closed
	end  error         // of the fill; set before rows is closed
}

func newTable(ctx context.Context, to evidence.Sink, item evidence.Item) *table {
	t := &table{rows: make(chan []byte, 256), done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.err = to.Put(context.WithoutCancel(ctx), item, t.fill)
	}()
	return t
}

func (t *table) fill(w io.Writer) error {
	out := jsonl.NewWriter(w)
	for row := range t.rows {
		if err := out.Line(row); err != nil {
			return err
		}
	}
	return fault.Join(out.Flush(), t.end)
}

// row gives one row to the table; its error is the sink's. Where the table ended
// otherwise, its record says so, and the row is lost.
func (t *table) row(b []byte) error {
	select {
	case t.rows <- b:
		return nil
	case <-t.done:
		return t.err
	}
}

// close ends the table with an error of its fill (nil for none) and gives that of the sink.
func (t *table) close(end error) error {
	t.end = end
	close(t.rows)
	<-t.done
	return t.err
}
