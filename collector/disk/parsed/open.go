package parsed

import (
	"context"
	"io"

	"hozen/collector"
)

// open opens a file for its parser.
func (r *run) open(ctx context.Context, format Format, f *File) (*Source, error) {
	type opened struct {
		src *Source
		err error
	}
	done := make(chan opened, 1)
	go func() {
		src, err := r.source(ctx, format, f)
		done <- opened{src, err}
	}()
	select {
	case o := <-done:
		return o.src, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (r *run) source(ctx context.Context, format Format, f *File) (*Source, error) {
	h := *r.host
	h.NoLinks = true
	file, err := h.Reader(f.Path)
	if err != nil {
		return nil, err
	}
	src := NewSource(ctx, *f, file, sizeOf(file, f))
	src.Limit, src.closer = format.MaxFile, file
	src.open = func(path string) (*Source, error) {
		other := r.o.Found.at(path)
		if other == nil {
			return nil, nil
		}
		other.Shown = r.host.Shown(other.Path)
		return r.source(src.ctx, format, other)
	}
	return src, nil
}

// sizeOf is the size of an open file, as it is now.
func sizeOf(file collector.Reader, f *File) int64 {
	switch file := file.(type) {
	case interface{ Size() int64 }:
		return file.Size()
	case io.Seeker:
		if n, err := file.Seek(0, io.SeekEnd); err == nil {
			return n
		}
	}
	return f.Meta.Size
}

// row says what came of a file.
func (s *Source) row(format Format, rows int64) FileRow {
	row := FileRow{Used: s.used(), Format: format.Name, Artifacts: s.Artifacts, Size: s.Size, Rows: rows}
	var first []string
	row.Damage, first = s.Damage()
	for _, d := range first {
		row.Damaged = append(row.Damaged, textOf(d))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.beside {
		row.Beside = append(row.Beside, other.used())
	}
	return row
}

func (s *Source) cutError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut
}

// A sink remembers that writing went wrong.
type sink struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (s *sink) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	if err != nil {
		s.err = err
	}
	return n, err
}

// A writeError ends a table: its rows can no longer be kept.
type writeError struct{ err error }

// Error implements error.
func (e *writeError) Error() string { return e.err.Error() }

// Unwrap gives the writer's error.
func (e *writeError) Unwrap() error { return e.err }
