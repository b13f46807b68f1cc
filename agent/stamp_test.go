package main

import "testing"

// An offset is told with its error: an authority that has whole seconds knows no milliseconds.
func TestOffsetText(t *testing.T) {
	a, _, _ := testApp()
	for _, c := range []struct {
		offset, most int64
		want         string
	}{
		{-328, 2336, "this machine's clock does not differ beyond the error of 2008 ms"},
		{-61002, 63010, "its clock less this machine's is -61002 ms ± 2008 ms"},
	} {
		if got := a.offsetText(c.offset, c.most); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
