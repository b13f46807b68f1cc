package volatile

import (
	"bytes"
	"slices"
	"time"

	"hozen/collector/jsonl"
)

// stamp writes a time as every table does: RFC 3339, UTC, all nine digits of the
// nanoseconds; "" for the zero time, which means that there is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// sortedKeys gives the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// contains looks into a sorted list.
func contains(sorted []string, s string) bool {
	_, ok := slices.BinarySearch(sorted, s)
	return ok
}

// cString gives the bytes before the first NUL.
//
//go:noinline
func cString(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}

//go:noinline
func cText(b []byte) jsonl.Text { return jsonl.Text(cString(b)) }
