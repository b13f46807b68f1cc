package sparse

import "encoding/binary"

// firstAllocated reads the first FILE_ALLOCATED_RANGE_BUFFER (winioctl.h) of the answer
// to FSCTL_QUERY_ALLOCATED_RANGES from at on: where the next data of the file is. ok is
// false if there is none below size.
func firstAllocated(b []byte, at, size int64) (from, to int64, ok bool) {
	if len(b) < 16 {
		return 0, 0, false
	}
	from, length := int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
	if from < 0 || length <= 0 || from >= size {
		return 0, 0, false
	}
	to = size
	if length < size-from {
		to = from + length
	}
	from = max(from, at)
	return from, to, from < to
}
