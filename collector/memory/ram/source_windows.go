package ram

import (
	"fmt"
	"io/fs"

	"golang.org/x/sys/windows"
)

func systemOpener() opener { return nil }

func systemDriver() driverOpener { return openPmem }

// pmemAsk is IOCTL_GET_INFO of WinPmem's ctl_codes.h: CTL_CODE(0x22, 0x103,
// METHOD_NEITHER, FILE_READ_ACCESS|FILE_WRITE_ACCESS). For those two rights the device
// must be opened for writing, too; nothing is written.
const (
	pmemAsk     = 0x22<<16 | 3<<14 | 0x103<<2 | 3
	pmemMaxInfo = 64 << 10
)

// A pmem is the open device.
type pmem struct{ handle windows.Handle }

func openPmem() (driver, error) {
	name, err := windows.UTF16PtrFromString(pmemName)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: pmemName, Err: err}
	}
	return &pmem{h}, nil
}

func (p *pmem) info() ([]byte, error) {
	b := make([]byte, pmemMaxInfo)
	var n uint32
	if err := windows.DeviceIoControl(p.handle, pmemAsk, nil, 0, &b[0], uint32(len(b)), &n, nil); err != nil {
		return nil, fmt.Errorf("%s: DeviceIoControl %#x: %w", pmemName, pmemAsk, err)
	}
	if n > 0 && int(n) < len(b) {
		b = b[:n]
	}
	return b, nil
}

// ReadAt reads memory at a physical address.
func (p *pmem) ReadAt(b []byte, at int64) (int, error) {
	if _, err := windows.Seek(p.handle, at, 0); err != nil {
		return 0, &fs.PathError{Op: "seek", Path: pmemName, Err: err}
	}
	n, err := windows.Read(p.handle, b)
	if err != nil {
		return n, &fs.PathError{Op: "read", Path: pmemName, Err: err}
	}
	return n, nil
}

// Close closes the device.
func (p *pmem) Close() error { return windows.CloseHandle(p.handle) }
