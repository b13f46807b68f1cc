package sparse

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCopyOfASparseFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 1 << 30
	for _, at := range []int64{0, 512 << 20, size - 5} {
		if _, err := f.WriteAt([]byte("hello"), at); err != nil {
			t.Fatal(err)
		}
	}
	if from, to, _ := Next(f, 0, size); to-from == size {
		t.Skip("kernel has no holes in files here: only the file system knows them")
	}
	var out bytes.Buffer
	extents, err := Copy(t.Context(), &out, f, size, 1<<20)
	if err != nil || len(extents) != 3 || out.Len() > 64<<10 {
		t.Fatalf("%d bytes in %+v, %v", out.Len(), extents, err)
	}
	at := int64(0)
	for _, e := range extents { // the table says where each byte belongs
		part := out.Bytes()[at : at+e.Length]
		if !strings.Contains(string(part), "hello") {
			t.Errorf("%+v: no data", e)
		}
		at += e.Length
	}
	if extents, err = Copy(t.Context(), &out, f, size, 3); err == nil || len(extents) != 1 || extents[0].Length != 3 {
		t.Errorf("over the limit: %+v, %v", extents, err)
	}
}

// holed is a file in an image: four bytes of data at 1,000 of a million.
type holed struct{ err error }

func (holed) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	for i := range b {
		if at := off + int64(i) - 1000; at >= 0 && at < 4 {
			b[i] = "data"[at]
		}
	}
	return len(b), nil
}

func (h holed) NextData(off int64) (from, to int64, err error) {
	if off < 1004 {
		return max(off, 1000), 1004, h.err
	}
	return 1e6, 1e6, h.err
}

func TestCopyOfAFileInAnImage(t *testing.T) {
	var out bytes.Buffer
	extents, err := Copy(t.Context(), &out, holed{}, 1e6, 1<<20)
	if err != nil || len(extents) != 1 || extents[0] != (Extent{1000, 4}) || out.String() != "data" {
		t.Errorf("%q in %+v, %v", out.String(), extents, err)
	}
	if from, to, ok := Next(holed{errors.ErrUnsupported}, 7, 99); from != 7 || to != 99 || !ok {
		t.Errorf("of a file that cannot tell: %d %d %v", from, to, ok)
	}
}
