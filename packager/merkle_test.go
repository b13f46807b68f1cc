package packager

import (
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

type hashes []tlog.Hash

func (h *hashes) ReadHashes(at []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range at {
		out = append(out, (*h)[i])
	}
	return out, nil
}

// The tree that grows at its edge has the root of the one that keeps all hashes.
func TestTreeAgainstTlog(t *testing.T) {
	var tr tree
	var all hashes
	for n := int64(0); n <= 70; n++ {
		want, err := tlog.TreeHash(n, &all)
		if err != nil {
			t.Fatal(err)
		}
		if got := tr.root(); got != want || tr.size != n {
			t.Errorf("%d leaves: %v, want %v", n, got, want)
		}
		line := fmt.Appendf(nil, "%064x  data/%d", n, n)
		more, err := tlog.StoredHashes(n, line, &all)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, more...)
		tr.add(line)
	}
}
