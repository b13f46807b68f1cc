package packager

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// remembering is a Taker of everything.
type remembering struct {
	bytes   map[string][]byte
	records map[string]RecordLine
	fail    error
}

func (r *remembering) Want(path string) bool { return !strings.HasSuffix(path, ".unwanted") }

func (r *remembering) Bytes(path string, b []byte) error {
	r.bytes[path] = append(r.bytes[path], b...)
	return r.fail
}

func (r *remembering) Record(l RecordLine) error {
	if l.Joined == "" {
		r.records[l.Path] = l
	}
	return nil
}

func take(t *testing.T, b []byte, o VerifyOptions, fail error) (*remembering, *Report, error) {
	t.Helper()
	r := &remembering{map[string][]byte{}, map[string]RecordLine{}, fail}
	rep, err := Take(t.Context(), bytes.NewReader(b), int64(len(b)), o, r)
	return r, rep, err
}

// TestTake gives every item as Cat does, those in parts as one, and of an archive that was
// changed only what stands before that.
func TestTake(t *testing.T) {
	w := newWorld(t)
	whole, rep, err := take(t, w.archive, w.o, nil)
	if err != nil || rep.Verdict != Valid || len(whole.bytes) < 3 {
		t.Fatal(len(whole.bytes), rep, err)
	}
	for path, got := range whole.bytes {
		var want bytes.Buffer
		if _, err := Cat(t.Context(), bytes.NewReader(w.archive), int64(len(w.archive)), w.o, path, &want); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s: %d bytes, not %d (%v)", path, len(got), want.Len(), err)
		}
		if l := whole.records[path]; l.Size != int64(len(got)) {
			t.Errorf("%s: its record says %d bytes of %d", path, l.Size, len(got))
		}
	}
	late := bytes.Clone(w.archive)
	late[len(late)*2/3] ^= 1
	o := w.o
	o.Log = nil
	part, rep, err := take(t, late, o, nil)
	if err != nil || rep.Verdict != Invalid || len(part.records) >= len(whole.records) {
		t.Errorf("%d of %d records, %+v, %v", len(part.records), len(whole.records), rep, err)
	}
	for path, got := range part.bytes {
		if !bytes.HasPrefix(whole.bytes[path], got) {
			t.Errorf("%s: other bytes", path)
		}
	}
	stop := errors.New("enough")
	if _, _, err := take(t, w.archive, w.o, stop); !errors.Is(err, stop) {
		t.Errorf("an error of the taker: %v", err)
	}
}
