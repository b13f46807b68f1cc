package ram

import (
	"fmt"
	"strings"
	"testing"
)

func TestIomem(t *testing.T) {
	for _, c := range []struct {
		name, text, ram, oddest string
		odd                     int
		hidden                  bool
	}{
		{"two ranges", "00001000-0009fbff : System RAM\n100000000-10fffffff : System RAM\n  101000000-101ffffff : Kernel code\n", "1000-9fc00 100000000-110000000", "", 0, false},
		{"hidden", "00000000-00000000 : System RAM\n00000000-00000000 : Reserved\n", "", "", 0, true},
		{"added later", "100000000-1ffffffff : Persistent Memory\n  100000000-17fffffff : System RAM (kmem)\n", "100000000-180000000", "", 0, false},
		{"RAM in name only", "1000-1fff : System RAMBO\n", "", "", 0, false},
		{"unsorted", "5000-5fff : System RAM\n1000-1fff : System RAM\n", "1000-2000 5000-6000", "", 0, false},
		{"overlapping", "1000-4fff : System RAM\n3000-6fff : System RAM\n3000-3fff : System RAM\n", "1000-5000 5000-7000", "lies in another", 2, false},
		{"backwards", "5000-1000 : System RAM\n6000-6fff : System RAM\n", "6000-7000", "is no range", 1, false},
		{"huge", "1000-ffffffffffffffff : System RAM\n0-1fffffffffffff : System RAM\n", "", "reaches beyond", 2, false},
		{"no hex", "zzzz-yyyy : System RAM\n1000 : System RAM\n\n10000000000000000-20000000000000000 : x\n", "", "is no range", 4, false},
		{"one byte", "1000-1000 : System RAM\n", "1000-1001", "", 0, false},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			m := parseIomem(c.text)
			var got []string
			for _, r := range m.ram {
				got = append(got, fmt.Sprintf("%x-%x", r.start, r.end))
			}
			if s := strings.Join(got, " "); s != c.ram || m.odd != c.odd || m.hidden != c.hidden || !strings.Contains(m.oddest, c.oddest) {
				t.Errorf("%q, odd %d (%s), hidden %v", s, m.odd, m.oddest, m.hidden)
			}
		})
	}
}

func TestIomemHasABound(t *testing.T) {
	m := parseIomem(strings.Repeat("1000-1fff : Reserved\n", maxResources+10))
	if m.odd != 1 || len(m.other) != maxResources {
		t.Errorf("%d ranges, odd %d", len(m.other), m.odd)
	}
}

func FuzzIomem(f *testing.F) {
	f.Add("00001000-0009fbff : System RAM\n  2000-2fff : Kernel code\n0-0 : x\n")
	f.Add("5000-1000 : System RAM\nffffffffffffffff-ffffffffffffffff : System RAM\n")
	f.Fuzz(func(t *testing.T, text string) {
		m := parseIomem(text)
		end := uint64(0)
		for _, r := range m.ram {
			if r.start < end || r.end <= r.start || r.end > maxPhysical {
				t.Fatalf("%#x-%#x behind %#x", r.start, r.end, end)
			}
			end = r.end
		}
		for _, r := range m.other {
			for _, s := range without(r.span, m.ram) {
				if s.start >= s.end || s.start < r.start || s.end > r.end {
					t.Fatalf("%+v of %+v", s, r)
				}
			}
		}
	})
}

func TestLayoutLeavesHolesOut(t *testing.T) {
	const mib = 1 << 20
	ram := []resource{{span: span{0x1000, 0x9fc00}}, {span: span{mib, 100 * mib}}, {span: span{200 * mib, 300 * mib}}}
	has := []span{{0x1000, 0x9f000}, {mib, 10 * mib}, {10*mib + 4096, 40 * mib}, {60 * mib, 99*mib + 4096}}
	l := layOut(ram, has)
	var got []string
	for _, s := range l.sections {
		got = append(got, fmt.Sprintf("%x-%x@%x", s.start, s.end, s.offset))
	}
	for _, h := range l.holes {
		got = append(got, fmt.Sprintf("hole %x-%x", h.start, h.end))
	}
	want := "1000-9fc00@20 100000-2800000@9ec40 3c00000-6400000@279ec60 hole 2800000-3c00000 hole c800000-12c00000"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
	if l.size != 0x9ec00+39*mib+40*mib+3*limeHeader {
		t.Errorf("%d bytes", l.size)
	}
}
