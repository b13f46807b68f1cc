package winsys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/windows"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// devicePatience is how long one volume or disk is waited for. One that spins up takes some
// seconds; one that is broken may never answer.
const devicePatience = 20 * time.Second

// Control codes: winioctl.h, ntddvol.h.
const (
	ioctlVolumeDiskExtents = 0x00560000
	ioctlStorageQuery      = 0x002d1400
	ioctlDiskGeometryEx    = 0x000700a0
	ioctlDiskLayoutEx      = 0x00070050
	ioctlCheckVerify2      = 0x002d0800 // IOCTL_STORAGE_CHECK_VERIFY2: needs no right to read
	maxVolumes             = 1024
	maxDisks               = 128
)

// Volumes lists the volumes of this Windows, drives of other machines excepted, and
// finds out which are encrypted. It reads the boot sectors and BitLocker's metadata on
// the physical disks, which needs an administrator; nothing is written or mounted.
func Volumes(ctx context.Context) ([]Volume, error) {
	names, err := volumeNames()
	var out []Volume
	seen := map[string]bool{}
	for _, name := range names {
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		v := volumeInTime(ctx, name)
		for _, m := range v.Mounts {
			seen[string(m)] = true
		}
		out = append(out, v)
	}
	letters, lerr := windows.GetLogicalDrives()
	for i := range 26 { // what the mount manager does not know: VeraCrypt, subst, RAM disks
		root := string(rune('A'+i)) + `:\`
		if letters>>i&1 == 0 || seen[root] {
			continue
		}
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		if v := volumeInTime(ctx, root); v.Type != "remote" {
			out = append(out, v)
		}
	}
	return out, fault.Join(err, lerr)
}

// volumeNames is FindFirstVolume and FindNextVolume: \\?\Volume{GUID}\ each.
func volumeNames() (out []string, err error) {
	var name [windows.MAX_PATH]uint16
	h, err := windows.FindFirstVolume(&name[0], uint32(len(name)))
	if err != nil {
		return nil, fmt.Errorf("FindFirstVolume: %w", err)
	}
	defer func() { _ = windows.FindVolumeClose(h) }()
	for len(out) < maxVolumes {
		out = append(out, windows.UTF16ToString(name[:]))
		if err := windows.FindNextVolume(h, &name[0], uint32(len(name))); err != nil {
			if errors.Is(err, windows.ERROR_NO_MORE_FILES) {
				return out, nil
			}
			return out, fmt.Errorf("FindNextVolume: %w", err)
		}
	}
	return out, evidence.Cut("over %d volumes", maxVolumes)
}

// volumeInTime is describeVolume, bounded: a drive that is broken may not answer.
func volumeInTime(ctx context.Context, name string) Volume {
	v, err := within(ctx, devicePatience, func() Volume { return describeVolume(name) })
	if err != nil {
		v = newVolume(name)
		v.err, v.Error = err, err.Error()
	}
	return v
}

func newVolume(name string) Volume {
	return Volume{Kind: "volume", Name: jsonl.Text(name), Mounts: []jsonl.Text{}}
}

func describeVolume(name string) Volume {
	disks := &openDisks{all: map[uint32]*rawDevice{}}
	defer disks.close()
	v := newVolume(name)
	root, err := windows.UTF16PtrFromString(name)
	if err != nil {
		v.Error = err.Error()
		return v
	}
	v.Type = driveType(windows.GetDriveType(root))
	if strings.HasPrefix(name, `\\?\`) {
		v.mountedAt(root)
	} else {
		v.Mounts = append(v.Mounts, jsonl.Text(name))
	}
	v.Device = dosDevice(strings.TrimSuffix(strings.TrimPrefix(name, `\\?\`), `\`))
	if v.Type == "remote" {
		return v
	}
	if (v.Type == "cdrom" || v.Type == "removable") && empty(name) {
		v.noMedium()
		return v
	}
	answers := v.fileSystem(root)
	var below io.ReaderAt
	if v.Lookable() {
		below = v.onDisks(name, disks)
	}
	v.judge(below, answers)
	return v
}

func (v *Volume) mountedAt(root *uint16) {
	buf := make([]uint16, 32<<10)
	var n uint32
	if windows.GetVolumePathNamesForVolumeName(root, &buf[0], uint32(len(buf)), &n) != nil {
		return
	}
	for _, s := range strings.Split(utf16.WTF8(buf[:min(int(n), len(buf))]), "\x00") {
		if s != "" {
			v.Mounts = append(v.Mounts, jsonl.Text(s))
		}
	}
}

// dosDevice is QueryDosDevice: what a name below \\.\ stands for.
func dosDevice(name string) jsonl.Text {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return ""
	}
	var buf [4096]uint16
	if _, err := windows.QueryDosDevice(p, &buf[0], uint32(len(buf))); err != nil {
		return ""
	}
	return jsonl.Text(windows.UTF16ToString(buf[:]))
}

// fileSystem asks it for its name and room, and says whether it answered: that of a
// locked volume does not (FVE_E_LOCKED_VOLUME).
func (v *Volume) fileSystem(root *uint16) bool {
	var label, kind [windows.MAX_PATH + 1]uint16
	var serial, flags uint32
	if err := windows.GetVolumeInformation(root, &label[0], uint32(len(label)), &serial, nil, &flags, &kind[0], uint32(len(kind))); err != nil {
		v.Error = "GetVolumeInformation: " + err.Error()
		return false
	}
	v.Label, v.FileSystem = jsonl.Text(windows.UTF16ToString(label[:])), jsonl.Text(windows.UTF16ToString(kind[:]))
	v.Serial, v.ReadOnly = fmt.Sprintf("%04X-%04X", serial>>16, serial&0xffff), flags&windows.FILE_READ_ONLY_VOLUME != 0
	_ = windows.GetDiskFreeSpaceEx(root, nil, &v.Size, &v.Free)
	return true
}

// deviceOf is the name by which a volume is opened itself.
func deviceOf(name string) string {
	if device := strings.TrimSuffix(name, `\`); strings.HasPrefix(device, `\\?\`) {
		return device
	}
	return `\\.\` + strings.TrimSuffix(name, `\`)
}

// empty says whether a drive has no medium, which asking for its file system would wait for.
func empty(name string) bool {
	const readAttributes = 0x80 // FILE_READ_ATTRIBUTES: the file system is not mounted for it
	h, err := openDevice(deviceOf(name), readAttributes)
	if err == nil {
		_, err = control(h, ioctlCheckVerify2, nil, 4)
		windows.CloseHandle(h)
	}
	return errors.Is(err, windows.ERROR_NOT_READY) || errors.Is(err, windows.ERROR_NO_MEDIA_IN_DRIVE)
}

// onDisks gives the volume as it lies on its disks; nil, with the reason in v, where that
// cannot be read.
func (v *Volume) onDisks(name string, disks *openDisks) io.ReaderAt {
	h, err := openDevice(deviceOf(name), 0)
	if err == nil {
		defer windows.CloseHandle(h)
		var b []byte
		b, err = control(h, ioctlVolumeDiskExtents, nil, 8+24*64)
		v.Sources = append(v.Sources, Source{"IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS " + name, b, err})
		if err == nil {
			v.Extents, err = parseExtents(b)
		}
	}
	if err != nil || len(v.Extents) == 0 {
		v.err = fmt.Errorf("%s: where it lies: %w", name, err)
		v.BitLockerError = v.err.Error()
		return nil
	}
	return extentReader{v.Extents, disks.get}
}

// Disks lists the physical disks. Their partition tables are asked of the driver, which
// needs no right to read the disk.
func Disks(ctx context.Context) ([]Disk, error) {
	var out []Disk
	missing := 0
	for n := uint32(0); n < maxDisks && missing < 16; n++ { // numbers may have gaps
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		d, err := within(ctx, devicePatience, func() Disk { return describeDisk(n) })
		if err != nil {
			d = newDisk(n)
			d.Err, d.Error = err, err.Error()
		}
		if errors.Is(d.Err, windows.ERROR_FILE_NOT_FOUND) || errors.Is(d.Err, windows.ERROR_PATH_NOT_FOUND) {
			missing++
			continue
		}
		out = append(out, d)
	}
	return out, nil
}

func newDisk(n uint32) Disk {
	return Disk{Kind: "disk", Name: jsonl.Text(fmt.Sprintf(`\\.\PhysicalDrive%d`, n)), Number: n}
}

func describeDisk(n uint32) Disk {
	d := newDisk(n)
	h, err := openDevice(string(d.Name), 0)
	if err != nil {
		d.Err, d.Error = err, err.Error()
		return d
	}
	defer windows.CloseHandle(h)
	d.ask(h)
	return d
}

func (d *Disk) ask(h windows.Handle) {
	take := func(what string, code uint32, in []byte, size int) []byte {
		b, err := control(h, code, in, size)
		err = Unanswered(err)
		d.Sources = append(d.Sources, Source{what + " " + string(d.Name), b, err})
		if err != nil && d.Err == nil {
			d.Err = fmt.Errorf("%s: %w", what, err)
			d.Error = d.Err.Error()
		}
		return b
	}
	d.device(take("IOCTL_STORAGE_QUERY_PROPERTY", ioctlStorageQuery, make([]byte, 12), 4096))
	d.geometry(take("IOCTL_DISK_GET_DRIVE_GEOMETRY_EX", ioctlDiskGeometryEx, nil, 4096))
	if b := take("IOCTL_DISK_GET_DRIVE_LAYOUT_EX", ioctlDiskLayoutEx, nil, 48+144*256); len(b) > 0 {
		if err := d.layout(b); err != nil && d.Err == nil {
			d.Err, d.Error = err, err.Error()
		}
	}
}

func openDevice(name string, access uint32) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateFile(p, access, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return h, nil
}

// control is DeviceIoControl with a buffer of its size for the answer.
func control(h windows.Handle, code uint32, in []byte, size int) ([]byte, error) {
	out := make([]byte, size)
	var n uint32
	var from *byte
	if len(in) > 0 {
		from = &in[0]
	}
	err := windows.DeviceIoControl(h, code, from, uint32(len(in)), &out[0], uint32(size), &n, nil)
	return out[:min(int(n), size)], err
}

// openDisks are the physical disks that were opened for reading.
type openDisks struct{ all map[uint32]*rawDevice }

func (o *openDisks) get(n uint32) (io.ReaderAt, error) {
	d := o.all[n]
	if d == nil {
		d = &rawDevice{}
		if d.h, d.err = openDevice(fmt.Sprintf(`\\.\PhysicalDrive%d`, n), windows.GENERIC_READ); d.err == nil {
			var g Disk
			if b, err := control(d.h, ioctlDiskGeometryEx, nil, 4096); err == nil {
				g.geometry(b)
			}
			d.sectors = wholeSectors{diskFile(d.h), int64(g.SectorSize)}
		}
		o.all[n] = d
	}
	return d.sectors, d.err
}

func (o *openDisks) close() {
	for _, d := range o.all {
		if d.err == nil {
			windows.CloseHandle(d.h)
		}
	}
}

type rawDevice struct {
	h       windows.Handle
	sectors wholeSectors
	err     error
}

// A diskFile is a disk that gives whole sectors only.
type diskFile windows.Handle

// ReadAt implements io.ReaderAt.
func (f diskFile) ReadAt(p []byte, off int64) (int, error) {
	overlapped := windows.Overlapped{Offset: uint32(off), OffsetHigh: uint32(off >> 32)}
	var n uint32
	if err := windows.ReadFile(windows.Handle(f), p, &n, &overlapped); err != nil {
		return int(n), fmt.Errorf("ReadFile at %d: %w", off, err)
	}
	return int(n), nil
}
