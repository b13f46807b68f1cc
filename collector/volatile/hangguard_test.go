package volatile

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hozen/collector"
)

func TestMountsThatMayHang(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "proc/self"), 0o755); err != nil {
		t.Fatal(err)
	}
	const text = `22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:27 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw
31 30 0:40 / /proc/sys/fs/binfmt_misc rw - binfmt_misc binfmt_misc rw
32 22 0:41 / /net rw - autofs auto.net rw
33 22 0:42 / /home/a\040b rw - fuse.sshfs u@h:/ rw
34 22 0:43 / /srv rw - nfs4 h:/srv rw
`
	for _, name := range []string{"proc/self/mountinfo", "proc/1/mountinfo", "proc/thread-self/mountinfo"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := MountsThatMayHang(&collector.Host{Root: root})
	if want := []string{"/home/a b", "/net", "/srv"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
