package volatile

import (
	"io/fs"
	"strings"
	"testing"

	"hozen/collector/jsonl"
	"hozen/collector/volatile/winsys"
)

func TestUnlockedVolumes(t *testing.T) {
	c := winsys.Volume{Name: `\\?\Volume{1}\`, Mounts: []jsonl.Text{`C:\`}, Type: "fixed", Encryption: "bitlocker", EncryptionKnown: true, Unlocked: true,
		LocksAtPowerOff: true, BitLocker: &winsys.BitLocker{Protectors: []winsys.Protector{{Type: "tpm"}, {Type: "recovery_password"}}}}
	locked := winsys.Volume{Name: `\\?\Volume{2}\`, Type: "fixed", Encryption: "bitlocker", EncryptionKnown: true}
	plain := winsys.Volume{Mounts: []jsonl.Text{`E:\`}, Type: "removable", EncryptionKnown: true}
	disc := winsys.Volume{Mounts: []jsonl.Text{`D:\`}, Type: "cdrom"}
	got, err := unlockedVolumes([]winsys.Volume{c, locked, plain, disc}, nil, false)
	if err != nil || len(got) != 1 || got[0].Name != "C:" || got[0].Kind != "bitlocker: tpm, recovery_password" || !got[0].Sure {
		t.Errorf("%+v, %v", got, err)
	}
	hidden := winsys.Volume{Mounts: []jsonl.Text{`C:\`}, Type: "fixed"}
	got, err = unlockedVolumes([]winsys.Volume{hidden}, fs.ErrPermission, false)
	if err == nil || !strings.Contains(err.Error(), "volumes") || len(got) != 0 {
		t.Errorf("what could not be looked at: %+v, %v", got, err)
	}
	got, _ = unlockedVolumes([]winsys.Volume{hidden}, fs.ErrPermission, true)
	if len(got) != 1 || got[0].Sure {
		t.Errorf("the registry's hint: %+v", got)
	}
}
