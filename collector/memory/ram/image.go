package ram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

const (
	// chunk is how much is read at once: large enough that the system call costs
	// nothing, small enough to stay in the processor's cache until it is hashed.
	chunk = 1 << 20
	// maxUnread bounds the rows of the map for what could not be read.
	maxUnread = 1 << 16
)

// An unread is a run of bytes of the image that are zeros for want of better.
type unread struct {
	span
	why string
}

// An image is RAM on its way into the archive, in one pass.
type image struct {
	layout
	src   *source
	flags *pageFlags
	page  uint64
	smear *smear

	bad          []span   // of the chunk at hand: what could not be read
	unread       []unread // ascending
	unreadPages  uint64
	unlisted     uint64 // pages that could not be read beyond maxUnread runs
	pages        uint64 // of them, the ones that were read
	zeros        uint64 // of those, the ones that hold nothing but zeros
	written      int64
	began, ended time.Time
}

// write writes the whole image. It returns the error of w, or why ctx ended:
// memory that cannot be read is no error of the image.
func (m *image) write(ctx context.Context, w io.Writer) error {
	m.began = time.Now()
	defer func() { m.ended = time.Now() }()
	buf := make([]byte, chunk)
	for _, s := range m.sections {
		if err := m.emit(w, appendHeader(nil, s.span)); err != nil {
			return err
		}
		for at := s.start; at < s.end; {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			next := min(at/chunk*chunk+chunk, s.end)
			b := buf[:next-at]
			m.take(b, at)
			if err := m.emit(w, b); err != nil {
				return err
			}
			at = next
		}
	}
	return nil
}

func (m *image) emit(w io.Writer, b []byte) error {
	n, err := w.Write(b)
	m.written += int64(n)
	return err
}

// take reads memory into b, whatever it takes, and counts.
func (m *image) take(b []byte, at uint64) {
	m.bad = m.bad[:0]
	from := at
	m.flags.bad(span{at, at + uint64(len(b))}, func(s span, why string) {
		m.read(b[from-at:s.start-at], from)
		m.blank(b[s.start-at:s.end-at], s.start, why)
		from = s.end
	})
	m.read(b[from-at:], from)
	for len(b) > 0 {
		n := min(m.page-at%m.page, uint64(len(b)))
		if page := (span{at, at + n}); !within(page, m.bad) {
			m.pages++
			if empty(b[:n]) {
				m.zeros++
			}
			m.smear.first(page, b[:n])
		}
		b, at = b[n:], at+n
	}
}

// within says whether any byte of s is in one of the runs.
func within(s span, runs []span) bool {
	for _, r := range runs {
		if r.start < s.end && s.start < r.end {
			return true
		}
	}
	return false
}

// empty says whether b holds nothing but zeros.
func empty(b []byte) bool { return b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1]) }

// read fills b. Where a large read fails, it goes on page by page, each tried
// once, so that a page that cannot be read costs no neighbour.
func (m *image) read(b []byte, at uint64) {
	single := false
	for len(b) > 0 {
		page := b[:min(uint64(len(b)), m.page-at%m.page)]
		want := b
		if single {
			want = page
		}
		n, err := m.src.readAt(want, at)
		switch {
		case err == nil:
		case len(want) > len(page):
			single = true
		default:
			m.blank(page, at, plain(err))
			n = len(page)
		}
		b, at = b[n:], at+uint64(n)
	}
}

// plain is the reason without the name of the file, which the summary has.
func plain(err error) string {
	var path *os.PathError
	var number syscall.Errno
	switch {
	case errors.As(err, &number):
		return fmt.Sprintf("read: %v", number)
	case errors.As(err, &path):
		return fmt.Sprintf("read: %v", path.Err)
	}
	return err.Error()
}

// blank writes zeros for what could not be read, and notes it.
func (m *image) blank(b []byte, at uint64, why string) {
	if len(b) == 0 {
		return
	}
	clear(b)
	s := span{at, at + uint64(len(b))}
	pages := (s.end+m.page-1)/m.page - s.start/m.page
	m.unreadPages += pages
	m.bad = append(m.bad, s)
	switch n := len(m.unread); {
	case n > 0 && m.unread[n-1].end == at && m.unread[n-1].why == why:
		m.unread[n-1].end = s.end
	case n < maxUnread:
		m.unread = append(m.unread, unread{s, why})
	default:
		m.unlisted += pages
	}
}
