package volume

import (
	"encoding/binary"
	"io"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/packager/evidence/fault"
)

// Control codes of winioctl.h.
const (
	ioctlDiskGetLengthInfo      = 0x7405C // IOCTL_DISK_GET_LENGTH_INFO: a LARGE_INTEGER
	ioctlDiskGetDriveGeometryEx = 0x700A0 // IOCTL_DISK_GET_DRIVE_GEOMETRY_EX: DISK_GEOMETRY_EX
	fsctlAllowExtendedDASDIO    = 0x90083 // FSCTL_ALLOW_EXTENDED_DASD_IO: sectors behind the file system's end, too
)

// openDevice opens a volume or disk for reading, whoever has it open too.
func openDevice(name string) (*device, error) {
	h, err := createFile(name, windows.GENERIC_READ)
	if err != nil {
		return nil, err
	}
	raw := &rawFile{name, h}
	// Of NTFS that is the copy of the boot sector. A disk, and other file systems, do not know
	// the call; what cannot be read without it is an error where it is read.
	_, _ = raw.control(fsctlAllowExtendedDASDIO, nil, nil)
	var geometry [256]byte
	n, geometryErr := raw.control(ioctlDiskGetDriveGeometryEx, nil, geometry[:])
	sector, size := geometryOf(geometry[:n])
	var length [8]byte
	if _, err := raw.control(ioctlDiskGetLengthInfo, nil, length[:]); err == nil {
		size = int64(binary.LittleEndian.Uint64(length[:]))
	} else if geometryErr != nil || size == 0 || !strings.Contains(name, "PhysicalDrive") { // the geometry is that of the whole disk
		return nil, fault.Join(err, geometryErr, raw.Close())
	}
	return &device{Aligned: NewAligned(raw, max(leastUnit, sector), size), sector: sector, closer: raw}, nil
}

// createFile is CreateFileW with all sharing. FILE_FLAG_BACKUP_SEMANTICS lets the
// backup privilege count, where it is enabled.
func createFile(name string, access uint32) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: name, Err: err}
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(p, access, share, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return h, nil
}

// A rawFile is a handle of a device.
type rawFile struct {
	name string
	h    windows.Handle
}

// Close implements io.Closer.
func (r *rawFile) Close() error { return windows.CloseHandle(r.h) }

// ReadAt reads whole sectors: ReadFile with an offset of its own.
func (r *rawFile) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		at := off + int64(n)
		o := windows.Overlapped{Offset: uint32(at), OffsetHigh: uint32(at >> 32)}
		var k uint32
		err := windows.ReadFile(r.h, b[n:], &k, &o)
		n += int(k)
		switch {
		case err == windows.ERROR_HANDLE_EOF || err == nil && k == 0:
			return n, io.EOF
		case err != nil:
			return n, &os.PathError{Op: "read", Path: r.name, Err: err}
		}
	}
	return n, nil
}

// control is DeviceIoControl; it gives how much of out was filled.
func (r *rawFile) control(code uint32, in, out []byte) (int, error) {
	var n uint32
	if err := windows.DeviceIoControl(r.h, code, unsafe.SliceData(in), uint32(len(in)), unsafe.SliceData(out), uint32(len(out)), &n, nil); err != nil {
		return 0, &os.PathError{Op: "DeviceIoControl", Path: r.name, Err: err}
	}
	return min(int(n), len(out)), nil
}
