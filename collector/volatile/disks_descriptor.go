package volatile

import (
	"encoding/binary"
	"fmt"
)

// storageDescriptor reads a STORAGE_DEVICE_DESCRIPTOR, as IOCTL_STORAGE_QUERY_PROPERTY of
// Windows gives it: whether the device calls itself removable, and whether it is on USB.
// Little endian; RemovableMedia is byte 10, BusType the 32 bits at 28 (BusTypeUsb is 7).
// https://learn.microsoft.com/windows/win32/api/winioctl/ns-winioctl-storage_device_descriptor
func storageDescriptor(b []byte) (removable, usb bool, err error) {
	const busType, busTypeUSB = 28, 7
	if len(b) < busType+4 {
		return false, false, fmt.Errorf("storage descriptor: %d bytes, want %d", len(b), busType+4)
	}
	return b[10] != 0, binary.LittleEndian.Uint32(b[busType:]) == busTypeUSB, nil
}
