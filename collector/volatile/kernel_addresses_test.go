package volatile

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"
)

func TestHiddenAddressesAreADenial(t *testing.T) {
	for text, hidden := range map[string]bool{
		"00000000-00000000 : Reserved\n00000000-00000000 : System RAM\n  00000000-00000000 : Kernel code\n": true,
		"00000000-00000fff : Reserved\n":                          false,
		"  000a0000-000bffff : PCI\n":                             false,
		"0000000000000000 T _stext\n0000000000000000 t a1\t[m]\n": true,
		"0000000000000000 A x\nffffffff81000000 T _stext\n":       false,
		"0000-0000 : 8139\n":                                      true,
		"":                                                        false,
		"no address\n":                                            false,
	} {
		a := &addressWatch{w: io.Discard}
		if _, err := io.Copy(a, iotest.OneByteReader(strings.NewReader(text))); err != nil {
			t.Fatal(err)
		}
		if err := a.err("x"); errors.Is(err, fs.ErrPermission) != hidden {
			t.Errorf("%q: %v, want hidden %v", text, err, hidden)
		}
	}
}
