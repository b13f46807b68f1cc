package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/windows"

	"hozen/collector/jsonl"
	"hozen/packager/evidence/fault"
)

// Control codes of winioctl.h and ntddvol.h.
const (
	ioctlVolumeGetVolumeDiskExtents = 0x560000 // VOLUME_DISK_EXTENTS; needs no access
	ioctlStorageQueryProperty       = 0x2D1400 // STORAGE_DEVICE_DESCRIPTOR; needs no access
)

const (
	maxVolumes = 1024
	maxDisks   = 64
)

// listVolumes asks for the names of all volumes (FindFirstVolumeW), and for the drive
// letters that lead to none.
func listVolumes() (rows []VolumeRow, err error) {
	name := make([]uint16, windows.MAX_PATH+1)
	h, err := windows.FindFirstVolume(&name[0], uint32(len(name)))
	if err != nil {
		err = os.NewSyscallError("FindFirstVolume", err)
	}
	for ok := err == nil; ok && len(rows) < maxVolumes; {
		rows = append(rows, volumeFacts(windows.UTF16ToString(name)))
		if next := windows.FindNextVolume(h, &name[0], uint32(len(name))); next != nil {
			if ok = false; !errors.Is(next, windows.ERROR_NO_MORE_FILES) {
				err = os.NewSyscallError("FindNextVolume", next)
			}
		}
	}
	if h != 0 && h != windows.InvalidHandle {
		windows.FindVolumeClose(h)
	}
	return letters(rows), err
}

// letters adds the drive letters that no volume has: of the network, of subst.
func letters(rows []VolumeRow) []VolumeRow {
	known := map[string]bool{}
	for _, r := range rows {
		for _, m := range r.Mounts {
			known[strings.ToUpper(string(m))] = true
		}
	}
	bits, err := windows.GetLogicalDrives()
	if err != nil {
		return rows
	}
	for i := range 26 {
		letter := string(rune('A'+i)) + ":"
		if bits>>i&1 == 0 || known[letter+`\`] {
			continue
		}
		rows = append(rows, VolumeRow{Name: jsonl.Text(letter), Device: dosDevice(letter), DriveType: typeOf(letter + `\`)})
	}
	return rows
}

func volumeFacts(name string) VolumeRow {
	row := VolumeRow{Name: jsonl.Text(name), DriveType: typeOf(name)}
	row.Device = dosDevice(strings.TrimSuffix(strings.TrimPrefix(name, `\\?\`), `\`))
	if p, err := windows.UTF16PtrFromString(name); err == nil {
		mounts := make([]uint16, 32<<10)
		var n uint32
		if windows.GetVolumePathNamesForVolumeName(p, &mounts[0], uint32(len(mounts)), &n) == nil {
			row.Mounts = multiString(mounts[:min(int(n), len(mounts))])
		}
	}
	if len(row.Mounts) > 0 && row.local() != nil {
		row.DriveType = typeOf(string(row.Mounts[0]))
	}
	if row.local() != nil {
		return row
	}
	if h, err := createFile(strings.TrimSuffix(name, `\`), 0); err == nil {
		raw := &rawFile{name, h}
		out := make([]byte, 4096)
		if n, err := raw.control(ioctlVolumeGetVolumeDiskExtents, nil, out); err == nil {
			row.Extents = extentsOf(out[:n])
		}
		raw.Close()
	}
	return row
}

func typeOf(root string) string {
	p, err := windows.UTF16PtrFromString(root)
	if err != nil {
		return driveType(0)
	}
	return driveType(windows.GetDriveType(p))
}

// dosDevice is what a name of the DOS devices stands for: QueryDosDeviceW.
func dosDevice(name string) jsonl.Text {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return ""
	}
	target := make([]uint16, 4096)
	n, err := windows.QueryDosDevice(p, &target[0], uint32(len(target)))
	if err != nil {
		return ""
	}
	if all := multiString(target[:min(int(n), len(target))]); len(all) > 0 {
		return all[0]
	}
	return ""
}

// listDisks asks each disk that is there what it is, which needs no right to read it.
func listDisks() (rows []DiskRow, err error) {
	for i := range maxDisks {
		row := DiskRow{Number: i}
		h, openErr := createFile(row.file(), 0)
		if errors.Is(openErr, fs.ErrNotExist) {
			continue
		}
		if openErr != nil {
			err = fault.Join(err, openErr)
			continue
		}
		raw := &rawFile{row.file(), h}
		out := make([]byte, 4096)
		n, askErr := raw.control(ioctlStorageQueryProperty, make([]byte, 12), out)
		if askErr == nil {
			askErr = row.describe(out[:n])
		}
		if askErr != nil {
			row.Outcome, row.Reason = "failed", jsonl.Text(fmt.Sprint(askErr))
		}
		raw.Close()
		rows = append(rows, row)
	}
	return rows, err
}
