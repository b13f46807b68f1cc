package walk

import (
	"fmt"
	"strings"

	"golang.org/x/sys/windows"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/collector/utf16"
)

// drives lists the letters of drives. Only fixed ones are asked what they hold: another
// machine, or a reader without a disk, might take long to answer.
func drives(_ *collector.Host, all bool) (out []Mount, err error) {
	mask, err := windows.GetLogicalDrives()
	for i := range 26 {
		if mask&(1<<i) != 0 {
			out = append(out, drive(string(rune('A'+i)), all))
		}
	}
	return out, err
}

func drive(letter string, all bool) Mount {
	root, _ := windows.UTF16PtrFromString(letter + `:\`)
	m := Mount{Path: "/" + letter + ":", Mount: proc.Mount{Root: "/", Point: "/" + letter + ":", Source: letter + `:\`}}
	kind := windows.GetDriveType(root)
	switch kind {
	case windows.DRIVE_FIXED, windows.DRIVE_RAMDISK:
	case windows.DRIVE_REMOTE:
		if m.Type, m.Why = "remote", "another machine answers for it"; all {
			m.Why = ""
		}
		return m
	case windows.DRIVE_REMOVABLE:
		m.Type, m.Why = "removable", "a removable drive: --tree names it if it is wanted"
		return m
	case windows.DRIVE_CDROM:
		m.Type, m.Why = "optical", "a drive of optical disks"
		return m
	default:
		m.Type, m.Why = "none", "no volume is there"
		return m
	}
	var volume [64]uint16
	if windows.GetVolumeNameForVolumeMountPoint(root, &volume[0], uint32(len(volume))) == nil {
		m.Source = utf16.ToNUL(volume[:])
	}
	var label, system [windows.MAX_PATH + 1]uint16
	var serial, longest, flags uint32
	if err := windows.GetVolumeInformation(root, &label[0], uint32(len(label)), &serial, &longest, &flags, &system[0], uint32(len(system))); err != nil {
		m.Type, m.Why = "unknown", err.Error() // locked by BitLocker, damaged, not formatted
		return m
	}
	m.Type, m.Device = utf16.ToNUL(system[:]), fmt.Sprintf("%04x-%04x", serial>>16, serial&0xffff)
	var options []string
	for _, o := range []struct {
		flag uint32
		word string
	}{{windows.FILE_READ_ONLY_VOLUME, "ro"}, {0x8000 /* FILE_VOLUME_IS_COMPRESSED */, "compressed"}, {0x20000000 /* FILE_DAX_VOLUME */, "dax"}} {
		if flags&o.flag != 0 {
			options = append(options, o.word)
		}
	}
	if text := utf16.ToNUL(label[:]); text != "" {
		options = append(options, "label="+text)
	}
	m.Options = strings.Join(options, ",")
	return m
}
