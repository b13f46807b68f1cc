package proc

import "encoding/binary"

// PageState is one entry of /proc/PID/pagemap, 64 bits in the byte order of the
// machine (Documentation/admin-guide/mm/pagemap.rst). The number of the frame,
// bits 0 to 54, is 0 for those without CAP_SYS_ADMIN.
type PageState uint64

const pageStateSize = 8

// Present says that the page is in RAM and this process has it mapped: bit 63.
func (s PageState) Present() bool { return s>>63&1 == 1 }

// Swapped says that the page is in swap: bit 62.
func (s PageState) Swapped() bool { return s>>62&1 == 1 }

// Shared says that the page is of a file or of shared anonymous memory: bit 61. A
// page of a private file mapping that was written to is not.
func (s PageState) Shared() bool { return s>>61&1 == 1 }

// parsePagemap takes whole entries from raw into dst, and gives how many.
func parsePagemap(dst []PageState, raw []byte) int {
	n := min(len(dst), len(raw)/pageStateSize)
	for i := range n {
		dst[i] = PageState(binary.NativeEndian.Uint64(raw[i*pageStateSize:]))
	}
	return n
}
