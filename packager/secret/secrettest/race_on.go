//go:build race

package secrettest

import "testing"

// NeedSearch skips a test: to read the shadow memory of the race detector takes minutes.
func NeedSearch(t *testing.T) {
	t.Helper()
	t.Skip("long test: reads all memory, that of the race detector too")
}
