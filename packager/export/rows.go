package export

import "bytes"

// maxRow bounds a row, in bytes: a process with its environment has some 100 KiB.
const maxRow = 8 << 20

// lines cuts the pieces of a table into rows.
type lines struct {
	row  func(line []byte) error // without its newline
	odd  func()                  // a row that is too long
	buf  []byte
	over bool // the row that is being read is too long
}

// write takes a piece.
func (l *lines) write(b []byte) error {
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		b = rest
		switch {
		case l.over:
		case len(l.buf)+len(line) > maxRow:
			l.over, l.buf = true, l.buf[:0]
			l.odd()
		case !whole:
			l.buf = append(l.buf, line...)
		default:
			if len(l.buf) > 0 {
				line = append(l.buf, line...)
				l.buf = line[:0]
			}
			if err := l.row(line); err != nil {
				return err
			}
		}
		if whole {
			l.over = false
		}
	}
	return nil
}

// end is told what has no newline behind it: such a table was cut.
func (l *lines) end() {
	if len(l.buf) > 0 {
		l.odd()
	}
	l.buf = nil
}
