package proc

import (
	"strings"
	"testing"
)

const smapsText = `562863096000-56286309c000 r-xp 00002000 fe:00 247278                     /usr/bin/a: b
Size:                 24 kB
Rss:                  20 kB
Private_Dirty:         4 kB
Swap:                  8 kB
VmFlags: rd ex mr mw me sd
7f0000000000-7f0000001000 rw-s 00000000 00:05 9                          /dev/mem
Rss:                   4 kB
VmFlags: rd wr sh io pf de dd
what is this
`

func TestUsageOfMappings(t *testing.T) {
	var got []Usage
	var paths []string
	if err := EachUsage(strings.NewReader(smapsText), func(m Mapping, u Usage) bool {
		got, paths = append(got, u), append(paths, m.Path)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	want := []Usage{{RSS: 20 << 10, Swap: 8 << 10, Dirty: 4 << 10, Flags: "rd ex mr mw me sd"}, {RSS: 4 << 10, Flags: "rd wr sh io pf de dd"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] || paths[0] != "/usr/bin/a: b" {
		t.Fatalf("%+v %q, want %+v", got, paths, want)
	}
	if got[0].Device() || !got[1].Device() {
		t.Error("only the second is a device")
	}
	n := 0
	EachUsage(strings.NewReader(smapsText), func(Mapping, Usage) bool { n++; return false })
	if n != 1 {
		t.Errorf("%d calls after false", n)
	}
}

func FuzzUsage(f *testing.F) {
	f.Add(smapsText)
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		EachUsage(strings.NewReader(text), func(m Mapping, u Usage) bool {
			if m.End < m.Start {
				t.Fatal("End < Start")
			}
			u.Device()
			n++
			return true
		})
		if n > strings.Count(text, "\n")+1 {
			t.Fatalf("%d mappings in fewer lines", n)
		}
	})
}
