package ioc

// A stream gives a Matcher bytes that come in pieces, so that hits across the
// pieces are found, and each hit once.
type stream struct {
	m       Matcher
	hit     func(f Found, b []byte, base int64) // b[f.Start:f.End]; b begins at base
	buf     []byte
	base    int64 // of buf
	decided int64 // hits that end before it were given
	began   int64
}

const streamBuffer = 256 << 10

// begin starts again at an offset.
func (s *stream) begin(at int64) {
	s.buf, s.base, s.decided, s.began = s.buf[:0], at, at, at
}

// next is the offset behind the last byte that was written.
func (s *stream) next() int64 { return s.base + int64(len(s.buf)) }

func (s *stream) write(b []byte) { s.fill(b, max(streamBuffer, 4*s.m.Reach())) }

// fill is write with a buffer of a given size, larger than Reach.
func (s *stream) fill(b []byte, room int) {
	if cap(s.buf) < room {
		s.buf = append(make([]byte, 0, room), s.buf...)
	}
	for len(b) > 0 {
		k := min(len(b), room-len(s.buf))
		s.buf = append(s.buf, b[:k]...)
		b = b[k:]
		if len(s.buf) == room {
			s.match(len(s.buf) - edgeReach)
			keep := s.m.Reach()
			s.base += int64(len(s.buf) - keep)
			s.buf = s.buf[:copy(s.buf, s.buf[len(s.buf)-keep:])]
		}
	}
}

// end says that nothing follows.
func (s *stream) end() {
	if len(s.buf) > 0 {
		s.match(len(s.buf))
	}
	s.begin(s.next())
}

// match gives the hits that end at limit or before, but those given already.
func (s *stream) match(limit int) {
	s.m.Match(s.buf, func(f Found) {
		if f.End <= limit && s.base+int64(f.End) > s.decided {
			s.hit(f, s.buf, s.base)
		}
	})
	s.decided = s.base + int64(limit)
}
