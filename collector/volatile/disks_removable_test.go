package volatile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hozen/collector/hosttest"
)

func TestRemovablePlaces(t *testing.T) {
	got, err := RemovablePlaces(hosttest.FromTxtar(t, debianKernel))
	want := []OutputPlace{{Mount: "/media/taro/STICK", Source: "/dev/sdb1", Device: "8:17", FileSystem: "vfat", Disk: "sdb", Removable: true}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
}
