package volatile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMount(t *testing.T) {
	for line, want := range map[string]Mount{
		`36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 shared:3 - ext3 /dev/root rw,errors=continue`: {
			ID: 36, Parent: 35, Device: "98:0", Root: "/mnt1", Point: "/mnt 2", Options: "rw,noatime",
			Optional: []string{"master:1", "shared:3"}, Type: "ext3", Source: "/dev/root", Super: "rw,errors=continue",
		},
		`42 41 0:39 / /a\134\012b rw - tmpfs  rw`: {
			ID: 42, Parent: 41, Device: "0:39", Root: "/", Point: "/a\\\nb", Options: "rw", Optional: []string{}, Type: "tmpfs", Super: "rw",
		},
		`43 41 0:40 / /x rw - fuse.a\040b - rw`: {
			ID: 43, Parent: 41, Device: "0:40", Root: "/", Point: "/x", Options: "rw", Optional: []string{}, Type: "fuse.a b", Source: "-", Super: "rw",
		},
	} {
		got, err := ParseMount(line)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", line, err, d)
		}
	}
	for _, bad := range []string{"", "36 35 98:0 /mnt1 /mnt2 rw", "x 35 98:0 / / rw - ext3 a rw", "1 y 98:0 / / rw - ext3 a rw", "1 2 98:0 / / rw shared:1 ext3 a rw"} {
		if m, err := ParseMount(bad); err == nil {
			t.Errorf("%q is no mount, got %+v", bad, m)
		}
	}
}

func TestMountAt(t *testing.T) {
	mounts := []Mount{{ID: 1, Point: "/"}, {ID: 2, Point: "/home"}, {ID: 3, Point: "/home/a"}, {ID: 4, Point: "/home"}}
	for name, id := range map[string]int{"/": 1, "/etc": 1, "/home": 4, "/homes": 1, "/home/b": 4, "/home/a/x": 3} {
		if m, ok := mountAt(mounts, name); !ok || m.ID != id {
			t.Errorf("%s lies on %d, want %d", name, m.ID, id)
		}
	}
	if _, ok := mountAt(nil, "/"); ok {
		t.Error("found a mount where there is none")
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw\n")
	f.Fuzz(func(t *testing.T, s string) {
		mounts, bad, err := ParseMounts(s)
		if (bad > 0) != (err != nil) {
			t.Errorf("%d bad, error %v", bad, err)
		}
		lines := 0
		for range strings.Lines(s) {
			lines++
		}
		if len(mounts)+bad != lines {
			t.Errorf("%d mounts and %d bad of %d lines", len(mounts), bad, lines)
		}
	})
}

func FuzzKernelTexts(f *testing.F) {
	f.Add("dm_mod 184320 10 dm_crypt, Live 0x0 (OE)")
	f.Add("ffffffffc0a10000 t crypt_ctr\t[dm_crypt]")
	f.Add("/dev/dm-2 partition 999420 2048 -2")
	f.Add("ffffffff81234560  k  do_sys_openat2+0x0    [FTRACE]")
	f.Add("prog_type:\t6\nprog_id:\t7\n")
	f.Fuzz(func(t *testing.T, s string) {
		for line := range strings.Lines(s) {
			if m, ok := parseModuleLine(line); ok && (m.Name == "" || m.Size < 0) {
				t.Errorf("%+v", m)
			}
			if name, _, ok := parseSymbolLine([]byte(line)); ok && len(name) == 0 {
				t.Errorf("%q: no name", line)
			}
		}
		if _, err := countSymbols(strings.NewReader(s)); err != nil {
			t.Error(err)
		}
		for _, row := range parseSwaps("head\n" + s) {
			if row.Size < 0 || row.Used < 0 {
				t.Errorf("%+v", row)
			}
		}
		parseKprobes(s)
		parseBPFInfo(s)
		parseCPUInfo(s)
		parseMemInfo(s)
		codeFiles(s, "/x")
		for kind := bpfProgram; kind <= bpfBTF; kind++ {
			bpfRow(kind, 1, bpfRaw{info: []byte(s)}, nil, nil)
		}
	})
}
