package volatile

import (
	"context"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"hozen/collector/volatile/winsys"
)

// fileSystemRoom is GetDiskFreeSpaceExW: what we may write, quotas counted.
func fileSystemRoom(dir string) (room, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return room{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return room{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	return room{bytes: free}, nil
}

// systemPlace finds the volume of a folder: GetVolumePathNameW, GetDriveTypeW,
// GetVolumeInformationW. A drive of another machine is not asked anything: it may hang.
func systemPlace(dir string) (p OutputPlace, ok bool, err error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return OutputPlace{}, true, &os.PathError{Op: "GetVolumePathName", Path: dir, Err: err}
	}
	var root [windows.MAX_PATH + 1]uint16
	if err = windows.GetVolumePathName(name, &root[0], uint32(len(root))); err != nil {
		return OutputPlace{}, true, &os.PathError{Op: "GetVolumePathName", Path: dir, Err: err}
	}
	p, err = volumePlace(windows.UTF16ToString(root[:]))
	return p, true, err
}

// volumePlace describes the volume that is mounted at root ("E:\").
func volumePlace(root string) (OutputPlace, error) {
	p := OutputPlace{Mount: root, Source: root}
	name, err := windows.UTF16PtrFromString(root)
	if err != nil {
		return p, err
	}
	switch windows.GetDriveType(name) {
	case windows.DRIVE_REMOTE:
		p.Network = true
		return p, nil
	case windows.DRIVE_RAMDISK:
		p.InMemory = true
	case windows.DRIVE_REMOVABLE:
		p.Removable = true
	}
	var id [windows.MAX_PATH + 1]uint16 // \\?\Volume{…}\
	if windows.GetVolumeNameForVolumeMountPoint(name, &id[0], uint32(len(id))) == nil {
		p.Device = windows.UTF16ToString(id[:])
	}
	var kind [windows.MAX_PATH + 1]uint16
	if err = windows.GetVolumeInformation(name, nil, 0, nil, nil, nil, &kind[0], uint32(len(kind))); err != nil {
		err = &os.PathError{Op: "GetVolumeInformation", Path: root, Err: err}
	}
	p.FileSystem = windows.UTF16ToString(kind[:])
	removable, usb := askStorage(root)
	p.Removable = p.Removable || removable || usb
	p.OnExamined = !p.Removable && !p.InMemory
	return p, err
}

// askStorage asks the device below a drive letter, which needs no right to read it. What
// does not answer is a fixed disk.
func askStorage(root string) (removable, usb bool) {
	name, err := windows.UTF16PtrFromString(`\\.\` + strings.TrimSuffix(root, `\`))
	if err != nil {
		return false, false
	}
	h, err := windows.CreateFile(name, 0, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return false, false
	}
	defer windows.CloseHandle(h)
	const ioctlStorageQueryProperty = 0x2d1400 // winioctl.h
	var query [12]byte                         // STORAGE_PROPERTY_QUERY: StorageDeviceProperty, PropertyStandardQuery
	var out [1024]byte
	var n uint32
	if err = windows.DeviceIoControl(h, ioctlStorageQueryProperty, &query[0], uint32(len(query)), &out[0], uint32(len(out)), &n, nil); err != nil {
		return false, false
	}
	removable, usb, _ = storageDescriptor(out[:n])
	return removable, usb
}

// systemRemovable lists the drive letters of removable drives that Windows does not call
// read-only.
func systemRemovable() (out []OutputPlace, ok bool, err error) {
	letters, err := windows.GetLogicalDrives()
	if err != nil {
		return nil, true, &os.PathError{Op: "GetLogicalDrives", Path: "", Err: err}
	}
	own := strings.ToUpper(os.Getenv("SystemDrive"))
	for i := range 26 {
		drive := string(rune('A' + i))
		if letters>>i&1 == 0 || drive+":" == own {
			continue
		}
		p, e := volumePlace(drive + `:\`)
		if e != nil && p.Removable && err == nil {
			err = e // a card reader without a card
		}
		if p.Removable && e == nil && !readOnlyVolume(p.Mount) {
			out = append(out, p)
		}
	}
	return out, true, err
}

func readOnlyVolume(root string) bool {
	name, err := windows.UTF16PtrFromString(root)
	var flags uint32
	if err == nil {
		err = windows.GetVolumeInformation(name, nil, 0, nil, nil, &flags, nil, 0)
	}
	return err == nil && flags&windows.FILE_READ_ONLY_VOLUME != 0
}

// unlockedTime bounds the look at all volumes: a drive without a medium answers late.
const unlockedTime = 15 * time.Second

// systemUnlocked looks at every volume below BitLocker, which needs an administrator.
func systemUnlocked() ([]UnlockedDisk, bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), unlockedTime)
	defer cancel()
	volumes, err := winsys.Volumes(ctx)
	out, err := unlockedVolumes(volumes, err, bootHint())
	return out, true, err
}

// bootHint reads BootStatus below Control\BitlockerStatus, which everybody may: 1 where
// BitLocker guards the volume that Windows starts from.
func bootHint() bool {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Control\BitlockerStatus`, registry.QUERY_VALUE)
	if err != nil {
		return false
	}
	defer k.Close()
	n, _, err := k.GetIntegerValue("BootStatus")
	return err == nil && n == 1
}
