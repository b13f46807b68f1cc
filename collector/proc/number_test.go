package proc

import (
	"testing"
)

func TestInodeOfANamespaceLink(t *testing.T) {
	for in, want := range map[string]uint64{
		"net:[4026531840]": 4026531840, "net:[0]": 0, "net:[]": 0, "net:[x]": 0, "net:4": 0, "socket:[12]": 0, "net:[99999999999999999999999]": 0,
	} {
		if got, _ := NamespaceInode([]byte(in), "net"); got != want {
			t.Errorf("%s: %d, not %d", in, got, want)
		}
	}
}
