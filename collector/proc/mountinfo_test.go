package proc

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
		if m, ok := MountAt(mounts, name); !ok || m.ID != id {
			t.Errorf("%s lies on %d, want %d", name, m.ID, id)
		}
	}
	if _, ok := MountAt(nil, "/"); ok {
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
