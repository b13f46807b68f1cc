package volatile

import (
	"strings"

	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
)

// unlockedVolumes tells of the volumes of a running Windows that can be read now and lock
// at power-off. bootHint is the registry's word that BitLocker guards the volume of the
// system: it counts where the disk itself could not be looked at, for want of rights.
func unlockedVolumes(volumes []winsys.Volume, listErr error, bootHint bool) ([]UnlockedDisk, error) {
	var out []UnlockedDisk
	var tally evidence.Tally
	tally.Add("volumes", listErr)
	hidden := false
	for i := range volumes {
		v := &volumes[i]
		if err := v.Err(); err != nil {
			hidden = true
			tally.Add(v.Shown(), err)
			continue
		}
		if !v.LocksAtPowerOff {
			continue
		}
		d := UnlockedDisk{Name: v.Shown(), Kind: v.Encryption, Device: string(v.Device), Sure: true}
		if v.BitLocker != nil && len(v.BitLocker.Protectors) > 0 {
			var types []string
			for _, p := range v.BitLocker.Protectors {
				types = append(types, p.Type)
			}
			d.Kind += ": " + strings.Join(types, ", ")
		}
		for _, m := range v.Mounts {
			d.Mounts = append(d.Mounts, string(m))
		}
		out = append(out, d)
	}
	if hidden && bootHint && len(out) == 0 {
		out = append(out, UnlockedDisk{Name: "the volume of Windows", Kind: "bitlocker"})
	}
	return out, tally.Err()
}
