package walk

import (
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/proc"
)

const mountTable = `22 1 8:1 / / rw - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
24 22 8:2 / /home rw - xfs /dev/sda2 rw
25 22 8:1 /srv/data /data rw - ext4 /dev/sda1 rw
26 22 0:30 / /mnt/nfs rw - nfs4 h:/x rw
27 24 0:31 / /home/u/cloud rw - fuse.rclone c: rw
28 22 8:17 / /media/stick rw - fuseblk /dev/sdb1 rw
29 22 0:32 / /tmp rw - tmpfs tmpfs rw
30 22 0:33 / /auto rw - autofs systemd-1 rw
31 22 0:34 /@home /b1 rw - btrfs /dev/sdc rw
32 22 0:34 /@root /b2 rw - btrfs /dev/sdc rw
33 22 0:40 / /new rw - newfs none rw
34 22 0:41 / /over rw - overlay overlay rw
35 34 0:42 / /over rw - tmpfs tmpfs rw
36 26 8:33 / /mnt/nfs/disk rw - ext4 /dev/sdd1 rw
37 22 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro
`

func TestMountsThatAreWalked(t *testing.T) {
	parsed, bad, err := proc.ParseMounts(mountTable)
	if bad != 0 {
		t.Fatal(err)
	}
	walked := func(top string, all bool) (out string) {
		for _, m := range choose(parsed, top, proc.Mount{}, all) {
			if m.Why == "" {
				out += m.Path + " "
			}
		}
		return out
	}
	for _, c := range []struct {
		top  string
		all  bool
		want string
	}{
		{"/", false, "/ /b1 /b2 /home /media/stick /over /snap/core/1 /tmp "},
		{"/", true, "/ /b1 /b2 /home /home/u/cloud /media/stick /mnt/nfs /over /snap/core/1 /tmp "},
		{"/home", false, "/ "},
		{"/home", true, "/ /u/cloud "},
		{"/media/stick/x", false, "/ "},
	} {
		if got := walked(c.top, c.all); got != c.want {
			t.Errorf("%s, all %v: %q, want %q", c.top, c.all, got, c.want)
		}
	}
	for _, m := range choose(parsed, "/", proc.Mount{}, false) {
		switch {
		case m.Path == "/" && (len(m.Same) != 1 || m.Same[0] != "/data"):
			t.Errorf("what shows / again: %q", m.Same)
		case m.ID == 34 && !strings.Contains(m.Why, "covered"):
			t.Errorf("a covered mount: %q", m.Why)
		case m.ID == 36 && !strings.Contains(m.Why, "reached only through"):
			t.Errorf("a mount on a mount that may hang: %q", m.Why)
		}
	}
	for _, r := range RootsOf(choose(parsed, "/", proc.Mount{}, false)) {
		if r.Stops["/mnt/nfs"] == "" || r.Stops["/home"] != "" || r.Stops["/"] != "" || r.Stops["/over"] != "" {
			t.Errorf("%+v", r)
		}
	}
}

func TestLocalMountsOfThisHost(t *testing.T) {
	mounts, err := LocalMounts(&collector.Host{Root: "/", Live: true}, false)
	if len(mounts) == 0 || mounts[0].Path != "/" || mounts[0].Why != "" {
		t.Fatalf("%+v, %v", mounts, err)
	}
	dir := t.TempDir()
	mounts, _ = LocalMounts(&collector.Host{Root: dir}, false)
	if len(mounts) != 1 || mounts[0].Path != "/" || mounts[0].Why != "" {
		t.Errorf("%+v", mounts)
	}
}

func FuzzChoose(f *testing.F) {
	f.Add(mountTable, "/home")
	f.Fuzz(func(t *testing.T, text, top string) {
		parsed, _, _ := proc.ParseMounts(text)
		mounts := choose(parsed, "/"+strings.Trim(top, "/"), proc.Mount{}, false)
		roots := 0
		for _, m := range mounts {
			if m.Path == "/" && m.Why == "" {
				roots++
			}
		}
		if roots == 0 {
			t.Error("the root is not walked")
		}
		RootsOf(mounts)
	})
}

func FuzzDirents(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x18\x00\x08abc\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for rest := b; len(rest) > 0; {
			d, next, err := nextDirent(rest)
			if err != nil {
				return
			}
			if len(next) >= len(rest) || len(d.name) > len(rest) {
				t.Fatalf("%d bytes left of %d", len(next), len(rest))
			}
			rest = next
		}
	})
}
