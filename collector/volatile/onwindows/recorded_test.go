package onwindows

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"

	"hozen/collector/hosttest"
	"hozen/collector/utf16"
	"hozen/packager/evidence"
)

// A recorded system answers what a test has written down after Microsoft's documentation;
// it has no other answers.
type recorded map[string][]byte

func (r recorded) answer(_ context.Context, name string) ([]byte, error) {
	b, ok := r[name]
	if !ok {
		return nil, evidence.NotHere("not recorded")
	}
	return b, nil
}

// collectRecorded runs a collector's work on recorded answers.
func collectRecorded(t *testing.T, work func(*job) error, sys system) *hosttest.Sink {
	t.Helper()
	var s hosttest.Sink
	if err := work(newJob(t.Context(), liveHost(), &s, sys)); err != nil {
		t.Fatal(err)
	}
	checkTables(t, &s)
	return &s
}

func rowsOf[T any](t *testing.T, s *hosttest.Sink, path string) (out []T) {
	t.Helper()
	for line := range strings.Lines(string(s.Body(path))) {
		var r T
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, r)
	}
	return out
}

// A blob builds structures: fields are written at their offsets.
type blob []byte

func (b *blob) room(n int) {
	if len(*b) < n {
		*b = append(*b, make([]byte, n-len(*b))...)
	}
}

func (b *blob) put(at int, v any) {
	var raw []byte
	switch v := v.(type) {
	case []byte:
		raw = v
	case string:
		raw = utf16of(v)
	default:
		raw, _ = binary.Append(nil, binary.LittleEndian, v)
	}
	b.room(at + len(raw))
	copy((*b)[at:], raw)
}

// utf16of is a text with its NUL; WTF-8 gives lone surrogates.
func utf16of(s string) []byte {
	b, err := utf16.Bytes(s)
	if err != nil {
		panic(err)
	}
	return append(b, 0, 0)
}
