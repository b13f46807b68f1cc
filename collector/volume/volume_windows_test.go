package volume

import (
	"os"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
)

// This machine has the drive of its system, with a mount; what cannot be read raw has a
// reason.
func TestVolumesOfThisMachine(t *testing.T) {
	h := &collector.Host{Root: "/", Live: true}
	rows, err := Volumes(h)
	if err != nil {
		t.Fatal(err)
	}
	system := strings.ToUpper(os.Getenv("SystemDrive"))
	i := slices.IndexFunc(rows, func(v VolumeRow) bool { return v.Short()+":" == system })
	if i < 0 {
		t.Fatalf("no volume has %s: %+v", system, rows)
	}
	for _, v := range rows {
		if v.Readable == (v.Reason != "") || v.Device == "" && len(v.Mounts) > 0 {
			t.Errorf("%+v", v)
		}
	}
	if _, err := Disks(h); err != nil {
		t.Errorf("disks: %v", err)
	}
	v, err := Open(h, system)
	if err != nil {
		t.Skipf("wine has no raw volumes, an ordinary user no right to them: %v", err)
	}
	defer v.Close()
	f, err := OpenFile(h, "/"+system+"/$MFT")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 4)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "FILE" {
		t.Errorf("$MFT begins with %q, %v", b, err)
	}
}
