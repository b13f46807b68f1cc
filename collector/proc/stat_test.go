package proc

import (
	"strings"
	"testing"
)

func FuzzStat(f *testing.F) {
	f.Add("7 (fake) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 1234 4096 1 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n")
	f.Add("614 (a) b) 0 (c) R 614")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStat(text)
		if err == nil && (s.Last < StatFieldsAtAll || !strings.Contains(text, "("+s.Comm+")")) {
			t.Errorf("%q gave %+v", text, s)
		}
	})
}
