package store

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// A paced reader gives every byte, and waits after each piece; what it waits for in vain
// ends the reading.
func TestPaced(t *testing.T) {
	all := bytes.Repeat([]byte("evidence"), (2*paceEvery+100)/8)
	waits := 0
	p := &paced{Reader: bytes.NewReader(all), left: paceEvery, wait: func() error { waits++; return nil }}
	if got, err := io.ReadAll(p); err != nil || !bytes.Equal(got, all) {
		t.Errorf("%d of %d bytes, %v", len(got), len(all), err)
	}
	if waits != 2 {
		t.Errorf("waited %d times", waits)
	}
	full := errors.New("full")
	p = &paced{Reader: bytes.NewReader(all), left: paceEvery, wait: func() error { return full }}
	if got, err := io.ReadAll(p); !errors.Is(err, full) || len(got) != paceEvery {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
