package onwindows

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// A rowStream is a table that grows while other items are put: its rows go to a fill that
// runs beside the collector. It is used by one goroutine.
type rowStream struct {
	pipe  *io.PipeWriter
	table *jsonl.Writer
	done  chan struct{}
	err   error // what Put returned; set before done is closed
	dead  error // the first error of a row
}

// errItemEnded is what rows get after their item has ended; its record says why.
var errItemEnded = errors.New("the item has ended")

// openRows begins a table. Its Put runs until end.
func openRows(ctx context.Context, to evidence.Sink, item evidence.Item) *rowStream {
	r, w := io.Pipe()
	s := &rowStream{pipe: w, table: jsonl.NewWriter(w), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = to.Put(ctx, item, func(out io.Writer) error {
			_, err := io.Copy(out, r)
			return err
		})
		r.CloseWithError(errItemEnded)
	}()
	return s
}

// row adds a row.
func (s *rowStream) row(v any) {
	if s.dead == nil {
		s.dead = s.table.Row(v)
	}
}

// writeRows adds rows.
func writeRows[T any](s *rowStream, rows []T) {
	for i := range rows {
		s.row(&rows[i])
	}
}

// end ends the item with why, and gives the error of its Put.
func (s *rowStream) end(why error) error {
	if s.dead == nil {
		s.dead = s.table.Flush()
	}
	if why == nil && s.dead != nil && !errors.Is(s.dead, errItemEnded) {
		why = s.dead
	}
	s.pipe.CloseWithError(why)
	<-s.done
	return s.err
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
