package contents

import (
	"bytes"
	"debug/elf"
	"testing"

	"hozen/collector/memory"
	"hozen/collector/proc"
)

// scanOf makes a pagemap out of one letter a page: P present, S swapped, . untouched.
func scanOf(start uint64, pages string) pageScan {
	return func(dst []proc.PageState, addr uint64) (int, error) {
		for i := range dst {
			switch pages[(addr-start)/4096+uint64(i)] {
			case 'P':
				dst[i] = 1 << 63
			case 'S':
				dst[i] = 1 << 62
			default:
				dst[i] = 0
			}
		}
		return len(dst), nil
	}
}

func TestSegmentsFollowWhatWasTouched(t *testing.T) {
	gap := string(bytes.Repeat([]byte{'.'}, joinGap+1))
	for _, c := range []struct {
		pages string
		want  []bool // data or not, segment by segment
	}{
		{"PPPP", []bool{true}}, {"....", []bool{false}}, {"P.P", []bool{true}}, {"S..P..", []bool{true, false}},
		{"P" + gap + "P", []bool{true, false, true}}, {".." + "P", []bool{false, true}},
	} {
		var got core
		const start = 0x10000
		got.plan(proc.Mapping{Start: start, End: start + uint64(len(c.pages))*4096, Perms: "rw-p"}, 4096, scanOf(start, c.pages))
		at := uint64(start)
		for i, s := range got.segments {
			if s.start != at || i >= len(c.want) || s.data != c.want[i] {
				t.Errorf("%s: %+v", c.pages, got.segments)
				break
			}
			at += s.size
		}
		if at != start+uint64(len(c.pages))*4096 || len(got.segments) != len(c.want) {
			t.Errorf("%s: %+v", c.pages, got.segments)
		}
	}
}

// TestHolesOfSharedMemoryAreNotFilled holds that only a file on a disk, and no huge
// one, is read where the process has no page of it: a hole of a memfd, of shared
// memory or of a tmpfs would get a page by being read.
func TestHolesOfSharedMemoryAreNotFilled(t *testing.T) {
	const start, page = 0x10000, 4096
	for _, c := range []struct {
		dev, path string
		pages     uint64
		data      uint64 // pages that are read
	}{
		{"fe:00", "/usr/lib/libc.so.6", 4, 4}, {"00:01", "/memfd:big", 4, 1}, {"00:01", "/dev/zero", 4, 1}, {"00:19", "/dev/shm/big", 4, 1},
		{"00:32", "/mnt/fuse/file", 4, 1}, {"fe:00", "/var/big", maxWholeFile/page + 1, 1},
	} {
		var got core
		m := proc.Mapping{Start: start, End: start + c.pages*page, Perms: "rw-s", Dev: c.dev, Inode: 7, Path: c.path}
		got.plan(m, page, func(dst []proc.PageState, addr uint64) (int, error) {
			clear(dst)
			if addr == start {
				dst[0] = 1 << 63
			}
			return len(dst), nil
		})
		data := uint64(0)
		for _, s := range got.segments {
			if s.data {
				data += s.size / page
			}
			if s.whole != (c.data == c.pages) { // of others only what is there is read, even in gaps
				t.Errorf("%s %s: %+v", c.dev, c.path, s)
			}
		}
		if data != c.data {
			t.Errorf("%s %s: %d pages are read, want %d", c.dev, c.path, data, c.data)
		}
	}
}

func TestDevicesAreNotRead(t *testing.T) {
	for path, want := range map[string]bool{"/dev/mem": true, "/dev/dri/card0": true, "[vvar]": true, "/sys/devices/pci/resource0": true, "anon_inode:i915.gem": true, "/dev/shm/x": false, "/dev/zero": false, "/usr/lib/x": false, "": false} {
		if ofDevice(proc.Mapping{Path: path}) != want {
			t.Errorf("%q: %v", path, !want)
		}
	}
}

// TestManySegments makes a core with more segments than e_phnum can say.
func TestManySegments(t *testing.T) {
	c := core{machine: 62, notes: note(nil, ntAuxv, []byte("1234567"))}
	for i := range uint64(70_000) {
		c.segments = append(c.segments, segment{start: i << 13, size: 4096, data: i == 69_999, flags: pfR})
	}
	head := c.head()
	if uint64(len(head)) != c.dataAt() || c.size() != c.dataAt()+4096 || head[56] != 0xff || head[57] != 0xff {
		t.Errorf("%d bytes of head, data at %d, size %d, e_phnum %x", len(head), c.dataAt(), c.size(), head[56:58])
	}
	few := core{machine: 62, notes: c.notes, segments: c.segments[:10]}
	f, err := elf.NewFile(bytes.NewReader(few.head()))
	if err != nil || len(f.Progs) != 11 || f.Progs[0].Type != elf.PT_NOTE || f.Progs[0].Filesz != uint64(len(c.notes)) {
		t.Errorf("%v, %+v", err, f)
	}
}

func TestRegionsAreJoined(t *testing.T) {
	got := joined([]memory.Region{{Start: 30, End: 40, Why: "b"}, {Start: 10, End: 20, Why: "a"}, {Start: 15, End: 30, Why: "a"}, {Start: 50, End: 50}, {Start: 60, End: 1<<63 + 1}})
	if len(got) != 1 || got[0].Start != 10 || got[0].End != 40 || len(got[0].why) != 2 {
		t.Errorf("%+v", got)
	}
}

func FuzzNotes(f *testing.F) {
	f.Add("0 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffd 0x7f00", "7f0-7f1 r-xp 00000000 fe:00 5 /lib/x\n")
	f.Add("-1 0x7ffd 0x7f00", "")
	f.Add("running", "")
	f.Fuzz(func(t *testing.T, syscall, maps string) {
		for _, arch := range []string{"amd64", "arm64"} {
			l, _ := layoutOf(arch)
			if got := l.prstatus(task{syscall: syscall}); len(got) != l.size {
				t.Errorf("%s: %d bytes", arch, len(got))
			}
		}
		list, _, _ := proc.ParseMappings(maps)
		mappedFiles(list, 4096)
		var c core
		for _, m := range list {
			if m.End-m.Start < 1<<20 {
				c.plan(m, 4096, func(dst []proc.PageState, _ uint64) (int, error) { return len(dst), nil })
			}
		}
		if uint64(len(c.head())) != c.dataAt() {
			t.Error("the head is not as long as it says")
		}
	})
}
