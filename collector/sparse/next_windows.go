package sparse

import (
	"encoding/binary"
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// nextOf asks Windows (FSCTL_QUERY_ALLOCATED_RANGES). A file system that does not know
// has no holes.
func nextOf(f *os.File, at, size int64) (from, to int64, ok bool) {
	const queryAllocatedRanges = 0x940cf // winioctl.h
	in := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(at)), uint64(max(size-at, 0)))
	out := make([]byte, 16)
	var n uint32
	err := windows.DeviceIoControl(windows.Handle(f.Fd()), queryAllocatedRanges, &in[0], uint32(len(in)), &out[0], uint32(len(out)), &n, nil)
	if err != nil && !errors.Is(err, windows.ERROR_MORE_DATA) || int(n) > len(out) {
		return at, size, at < size
	}
	return firstAllocated(out[:n], at, size)
}
