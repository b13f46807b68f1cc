package timeline

import "io"

// A stream brings blocks of whole lines from the workers of a walk to the fill of one
// item. It holds a few blocks at most: a sink that is slow makes the walk slow.
type stream struct {
	blocks chan []byte
	free   chan []byte
	gone   chan struct{} // closed when nobody reads any more
	err    error         // with which the fill ends; set before blocks is closed
}

const (
	blockSize = 256 << 10          // from which a block is passed on
	blockRoom = blockSize + 64<<10 // what a block is made with
	ahead     = 4                  // blocks that wait
)

func newStream() *stream {
	return &stream{blocks: make(chan []byte, ahead), free: make(chan []byte, 2*ahead), gone: make(chan struct{})}
}

// send passes a block on, and gives an empty one. Where nobody reads any more, the block
// is thrown away.
func (s *stream) send(b []byte) []byte {
	select {
	case s.blocks <- b:
	case <-s.gone:
		return b[:0]
	}
	select {
	case b = <-s.free:
		return b[:0]
	default:
		return make([]byte, 0, blockRoom)
	}
}

// close ends the stream; why is the error of the fill.
func (s *stream) close(why error) {
	s.err = why
	close(s.blocks)
}

// leave says that nobody reads any more. It is called once.
func (s *stream) leave() { close(s.gone) }

// fill writes all blocks.
func (s *stream) fill(w io.Writer) error {
	for b := range s.blocks {
		if _, err := w.Write(b); err != nil {
			return err
		}
		select {
		case s.free <- b:
		default:
		}
	}
	return s.err
}
