package volatile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hozen/collector"
	"hozen/collector/hosttest"
)

func TestUnlockedDisks(t *testing.T) {
	got, err := UnlockedDisks(hosttest.FromTxtar(t, debianKernel))
	if err != nil {
		t.Fatal(err)
	}
	want := []UnlockedDisk{
		{Name: "sda5_crypt", Kind: "luks2", Device: "dm-0", Backing: []string{"sda5"}, Mounts: []string{"/"}, Swap: true, Sure: true},
		{Name: "/home/taro/.cipher", Kind: "gocryptfs", Backing: []string{"/home/taro/.cipher"}, Mounts: []string{"/home/taro/secret box"}, Sure: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestCryptKind(t *testing.T) {
	for _, c := range [][3]string{
		{"luks-1", "CRYPT-LUKS1-abc-luks-1", "luks1"}, {"x", "CRYPT-PLAIN-x", "plain"}, {"x", "CRYPT-BITLK-abc-x", "bitlk"},
		{"root", "CRYPT-VERITY-abc-root", ""}, {"veracrypt1", "", "veracrypt"}, {"vg-root", "LVM-abc", ""}, {"", "", ""},
	} {
		if got := cryptKind(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestPlaceOf(t *testing.T) {
	h := hosttest.FromTxtar(t, debianKernel)
	for dir, want := range map[string]OutputPlace{
		"/home/taro":        {Mount: "/", Source: "/dev/mapper/desk--vg-root", Device: "254:1", FileSystem: "ext4", Disk: "sda", OnExamined: true},
		"/boot/x":           {Mount: "/boot", Source: "/dev/sda1", Device: "8:1", FileSystem: "ext2", Disk: "sda", OnExamined: true},
		"/media/taro/STICK": {Mount: "/media/taro/STICK", Source: "/dev/sdb1", Device: "8:17", FileSystem: "vfat", Disk: "sdb", Removable: true},
		"/mnt/nas/case":     {Mount: "/mnt/nas", Source: "10.0.0.5:/evidence", Device: "0:51", FileSystem: "nfs4", Network: true},
		"/run/out":          {Mount: "/run", Source: "tmpfs", Device: "0:52", FileSystem: "tmpfs", InMemory: true},
	} {
		got, err := placeOf(h, dir)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", dir, err, d)
		}
	}
}

func TestOutputDiskOfThisHost(t *testing.T) {
	dir := t.TempDir()
	p, err := OutputDisk(collector.ThisHost(), dir)
	if err != nil {
		t.Skip(err)
	}
	if p.Mount == "" || p.FileSystem == "" || p.FreeBytes == 0 {
		t.Errorf("%+v", p)
	}
	q, err := OutputDisk(&collector.Host{Root: t.TempDir()}, dir)
	if err != nil || !q.OnExamined {
		t.Errorf("beside the examined folder: %+v %v", q, err)
	}
}
