package volatile

import (
	"context"
	"testing"

	"hozen/collector"
)

func TestNamespacesAreFoundInMountinfo(t *testing.T) {
	got := nsMounts([]byte("24 1 0:22 / /sys rw - sysfs sysfs rw\n" +
		"510 26 0:4 net:[4026532300] /run/netns/blue rw shared:1 - nsfs nsfs rw\n" +
		"511 26 0:4 net:[4026532301] /run/docker/netns/a\\040b rw shared:1 - nsfs nsfs rw\n" +
		"512 26 0:4 net:[4026532300] /elsewhere rw - nsfs nsfs rw\n" +
		"513 26 0:4 mnt:[4026532302] /run/x rw - nsfs nsfs rw\n" +
		"514 26 8:1 /net:[1] /y rw - ext4 /dev/sda1 rw\n" +
		"515 26 0:4 net:[4026532309"))
	want := map[uint64]string{4026532300: "/run/netns/blue", 4026532301: "/run/docker/netns/a b"}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for n, at := range want {
		if got[n] != at {
			t.Errorf("%d at %q, not %q", n, got[n], at)
		}
	}
}

func TestOwnNamespaceComesFirst(t *testing.T) {
	list, tally := netNamespaces(context.Background(), collector.ThisHost())
	if len(list) == 0 || !list[0].Own {
		t.Fatalf("%+v (%v)", list, tally.Err())
	}
	for _, ns := range list[1:] {
		if ns.Own {
			t.Errorf("two of our own: %+v", list)
		}
	}
}

func FuzzNamespaceMounts(f *testing.F) {
	f.Add([]byte("510 26 0:4 net:[4026532300] /run/netns/blue\\040 rw shared:1 - nsfs nsfs rw\n"))
	f.Fuzz(func(t *testing.T, b []byte) { nsMounts(b) })
}
