package durable

import (
	"bufio"
	"fmt"
)

// ReadLine reads up to a newline, at most limit bytes; io.EOF with what there is where
// none comes: the line was being written when the power went.
func ReadLine(b *bufio.Reader, limit int) (line []byte, err error) {
	for {
		part, err := b.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > limit:
			return nil, fmt.Errorf("over %d bytes", limit)
		case err == nil || err != bufio.ErrBufferFull:
			return line, err
		}
	}
}
