package deliver

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFull fills the other side's disk: an error that says so, no file that looks whole;
// when there is room again, it goes on.
func TestFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root")
	}
	for kind, make := range peers() {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("hozen-test", dir, "tmpfs", 0, "size=12m"); err != nil {
				t.Skipf("not as root of this machine: %v", err)
			}
			t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
			p := make(t, dir)
			b := content(31, 30<<20)
			_, err := Send(t.Context(), p.open(t), fileOf("full.tar.zst", b), nil)
			if err == nil || errors.Is(err, ErrDiffers) || errors.Is(err, ErrCredentials) {
				t.Errorf("a full disk: %v", err)
			}
			t.Log(err)
			if got, err := p.whole("full.tar.zst"); err == nil {
				t.Errorf("%d bytes have the name", len(got))
			}
			if err := unix.Mount("hozen-test", dir, "tmpfs", unix.MS_REMOUNT, "size=100m"); err != nil {
				t.Fatal(err)
			}
			s := send(t, p.open(t), "full.tar.zst", b)
			t.Logf("went on at %d", s.From)
			arrived(t, p, "full.tar.zst", b)
		})
	}
}
