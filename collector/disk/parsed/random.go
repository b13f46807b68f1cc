package parsed

import (
	"io"
)

// ReaderAt gives the file to be read anywhere, and how much of it: up to its format's
// limit. It is read through once before, for its hash; where that cannot be done, that is
// damage, and what can be read is there.
func (s *Source) ReaderAt() (io.ReaderAt, int64) {
	n := min(s.Size, s.Limit)
	if n < s.Size {
		s.cutAt(n)
	}
	if _, err := io.Copy(io.Discard, s.reader(0, n)); err != nil {
		s.Damaged(err)
	}
	return s.r, n
}
