package packager

import (
	"io"

	"github.com/klauspost/compress/zstd"
)

// A ledger keeps lines that are needed at the end of an archive (manifests, the
// index), compressed in chunks: about 50 bytes a line instead of 150.
type ledger struct {
	zip    *zstd.Encoder
	chunks [][]byte
	open   []byte
	lines  int
}

const ledgerChunk = 256 << 10

func (l *ledger) add(line string) {
	l.open = append(append(l.open, line...), '\n')
	l.lines++
	if len(l.open) >= ledgerChunk {
		l.chunks = append(l.chunks, l.zip.EncodeAll(l.open, nil))
		l.open = l.open[:0]
	}
}

// writeTo writes all lines, oldest first.
func (l *ledger) writeTo(w io.Writer) error {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer dec.Close()
	for _, c := range l.chunks {
		b, err := dec.DecodeAll(c, nil)
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	_, err = w.Write(l.open)
	return err
}
