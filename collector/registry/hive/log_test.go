package hive_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"strings"
	"testing"

	"hozen/collector/registry/hive"
	"hozen/collector/registry/hivetest"
)

const written = 132726537727906426

// before and after are a hive and what logs make of it: longer, with other values.
func before() []byte {
	root := &hivetest.Key{Name: "ROOT", Written: written}
	root.At("a", "b").Values = []hivetest.Value{hivetest.SZ("x", "old")}
	return hivetest.Build(root)
}

func after() []byte {
	root := &hivetest.Key{Name: "ROOT", Written: written}
	root.At("a", "b").Values = []hivetest.Value{hivetest.SZ("x", "new")}
	for i := range 300 {
		root.At("a", fmt.Sprintf("more %03d", i)).Values = []hivetest.Value{hivetest.DWORD("n", uint32(i))}
	}
	return hivetest.Build(root)
}

// head changes the base block of a copy.
func head(b []byte, fields map[int]uint32) []byte {
	b = bytes.Clone(b)
	for at, v := range fields {
		binary.LittleEndian.PutUint32(b[at:], v)
	}
	hivetest.Sign(b)
	return b
}

func dirty(b []byte) []byte { return head(b, map[int]uint32{4: 6, 8: 5}) }

// entryLog makes a log of entries, of which each has some of the pages of a hive.
func entryLog(b []byte, number uint32, parts ...[2]int) []byte {
	out := head(b[:512], map[int]uint32{4: number, 8: number, 28: hive.TypeNewLog})
	for i, p := range parts {
		out = append(out, logEntry(b, number+uint32(i), p)...)
	}
	return append(out, make([]byte, 1024)...)
}

// logEntry makes an entry of pages of 4096 bytes, from one to another.
func logEntry(b []byte, number uint32, pages [2]int) []byte {
	e := make([]byte, 40)
	copy(e, "HvLE")
	binary.LittleEndian.PutUint32(e[12:], number)
	binary.LittleEndian.PutUint32(e[16:], uint32(len(b)-4096))
	binary.LittleEndian.PutUint32(e[20:], uint32(pages[1]-pages[0]))
	for p := pages[0]; p < pages[1]; p++ {
		e = binary.LittleEndian.AppendUint32(e, uint32(p*4096))
		e = binary.LittleEndian.AppendUint32(e, 4096)
	}
	e = append(e, b[4096*(1+pages[0]):4096*(1+pages[1])]...)
	e = append(e, make([]byte, -len(e)&511)...)
	return sealEntry(e)
}

func sealEntry(e []byte) []byte {
	binary.LittleEndian.PutUint32(e[4:], uint32(len(e)))
	binary.LittleEndian.PutUint64(e[24:], hive.Marvin(e[40:]))
	binary.LittleEndian.PutUint64(e[32:], hive.Marvin(e[:32]))
	return e
}

// bitmapLog makes a log in the old format, of all pages that differ.
func bitmapLog(old, b []byte) []byte {
	out := head(b[:512], map[int]uint32{28: hive.TypeOldLog})
	bitmap := make([]byte, 4+(len(b)-4096)/512/8)
	copy(bitmap, "DIRT")
	var pages []byte
	for p := range (len(b) - 4096) / 512 {
		at := 4096 + 512*p
		if at+512 > len(old) || !bytes.Equal(old[at:at+512], b[at:at+512]) {
			bitmap[4+p/8] |= 1 << (p % 8)
			pages = append(pages, b[at:at+512]...)
		}
	}
	out = append(out, bitmap...)
	out = append(out, make([]byte, -len(out)&511)...)
	return append(out, pages...)
}

func change(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func TestLogs(t *testing.T) {
	a, b := before(), after()
	pages := (len(b) - 4096) / 4096
	whole := [2]int{0, pages}
	later := func(b []byte, by uint32) []byte { return head(b, map[int]uint32{12: uint32(written&0xffffffff) + by}) }
	long := bytes.Clone(entryLog(b, 5, whole))
	binary.LittleEndian.PutUint32(long[512+40:], uint32(len(b)))
	sealEntry(long[512 : len(long)-1024])
	for _, c := range []struct {
		name  string
		hive  []byte
		logs  [][]byte
		whole bool     // all of after is there
		whys  []string // of each log
	}{
		{"not dirty", a, [][]byte{entryLog(b, 5, whole)}, false, []string{"not needed"}},
		{"no logs", dirty(a), nil, false, nil},
		{"empty logs", dirty(a), [][]byte{nil, {}}, false, []string{"empty", "empty"}},
		{"one entry", dirty(a), [][]byte{entryLog(b, 5, whole)}, true, []string{""}},
		{"two entries", dirty(a), [][]byte{entryLog(b, 5, [2]int{0, 1}, [2]int{1, pages})}, true, []string{""}},
		{"two logs", dirty(a), [][]byte{entryLog(b, 6, [2]int{1, pages}), entryLog(b, 5, [2]int{0, 1})}, true, []string{"", ""}},
		{"entries that are missing before", dirty(a), [][]byte{entryLog(b, 9, whole)}, true, []string{""}},
		{"a gap between logs", dirty(a), [][]byte{entryLog(b, 5, [2]int{0, 1}), entryLog(b, 7, [2]int{1, pages})}, false, []string{"", "begin at 7"}},
		{"entries of before", dirty(a), [][]byte{entryLog(b, 4, whole)}, false, []string{"they are in the hive"}},
		{"what is left of before", dirty(a), [][]byte{append(entryLog(b, 5, whole)[:512+len(logEntry(b, 5, whole))], logEntry(a, 3, [2]int{0, 1})...)}, true, []string{""}},
		{"hash of pages", dirty(a), [][]byte{change(entryLog(b, 5, whole), 5000)}, false, []string{"hash of its pages"}},
		{"hash of a head", dirty(a), [][]byte{change(entryLog(b, 5, whole), 512+21)}, false, []string{"hash of its head"}},
		{"page outside", dirty(a), [][]byte{long}, false, []string{"a page of 4096 bytes at"}},
		{"cut", dirty(a), [][]byte{entryLog(b, 5, whole)[:3000]}, false, []string{"of which the log has"}},
		{"log not finished", dirty(a), [][]byte{head(entryLog(b, 5, whole), map[int]uint32{8: 4})}, false, []string{"not finished"}},
		{"log with a wrong checksum", dirty(a), [][]byte{change(entryLog(b, 5, whole), 60)}, false, []string{"checksum"}},
		{"hive with a wrong checksum", change(a, 60), [][]byte{entryLog(b, 5, whole)}, true, []string{""}},
		{"hive without a head, the latest log alone", append(make([]byte, 4096), a[4096:]...), [][]byte{entryLog(b, 7, whole), entryLog(a, 5, [2]int{0, 1})}, true, []string{"", "another log is later"}},
		{"no log", dirty(a), [][]byte{bytes.Repeat([]byte{7}, 4096), a}, false, []string{"no base block", "not a log"}},
		{"old", dirty(a), [][]byte{bitmapLog(a, b)}, true, []string{""}},
		{"old, second later", dirty(a), [][]byte{bitmapLog(a, a), later(bitmapLog(a, b), 7)}, true, []string{"another log", ""}},
		{"old, before the hive", later(dirty(a), 9), [][]byte{bitmapLog(a, b)}, false, []string{"before the hive"}},
		{"old, hive with a wrong checksum", change(a, 60), [][]byte{bitmapLog(a, b)}, true, []string{""}},
		{"old, cut", dirty(a), [][]byte{bitmapLog(a, b)[:2000]}, false, []string{"do not fit"}},
		{"old, without bitmap", dirty(a), [][]byte{change(bitmapLog(a, b), 513)}, false, []string{"no bitmap"}},
		{"old and new", dirty(a), [][]byte{bitmapLog(a, b), entryLog(b, 5, whole)}, true, []string{"new format", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var logs []hive.Log
			for i, l := range c.logs {
				logs = append(logs, logOf(fmt.Sprint(i), l))
			}
			h := open(t, c.hive, logs...)
			want := walk(t, open(t, a))
			if c.whole {
				want = walk(t, open(t, b))
			}
			d, n := h.Damage()
			switch c.name {
			case "a gap between logs": // the first entries alone are half of a change
			default:
				if got := walk(t, h); !maps.Equal(got.keys, want.keys) || n != 0 && c.whole {
					t.Errorf("%d keys, want %d; damage %v", got.count, want.count, d)
				}
			}
			for i, l := range h.Replay().Logs {
				if c.whys[i] == "" != (l.Why == "") || !strings.Contains(l.Why, c.whys[i]) {
					t.Errorf("log %d: %q, want %q", i, l.Why, c.whys[i])
				}
				if l.Why == "" && l.Pages == 0 {
					t.Errorf("log %d: nothing was applied, and no word of why", i)
				}
			}
		})
	}
}
