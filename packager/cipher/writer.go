package cipher

import (
	"io"

	"filippo.io/age"
)

// A Writer encrypts what is written to it. Whole chunks go to the writer below as soon
// as a byte of the next one is there; Close writes the last. Not to close one leaves a
// file that shows that it was cut.
type Writer struct {
	io.WriteCloser
	head int64
}

// NewWriter writes header and nonce to dst at once.
func NewWriter(dst io.Writer, recipients []string) (*Writer, error) {
	list, err := Recipients(recipients)
	if err != nil {
		return nil, err
	}
	c := &counter{to: dst}
	w, err := age.Encrypt(c, list...)
	if err != nil {
		return nil, err
	}
	head := c.n
	c.done = true
	return &Writer{w, head}, nil
}

// Head is the length of header and nonce.
func (w *Writer) Head() int64 { return w.head }

type counter struct {
	to   io.Writer
	n    int64
	done bool
}

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	if !c.done {
		c.n += int64(len(b))
	}
	return c.to.Write(b)
}
