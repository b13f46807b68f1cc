package shutdown

import "encoding/binary"

// Records of utmp(5) as glibc writes them on Linux.
const (
	utmpSize   = 384
	utmpRunLvl = 1 // ut_type: the run level changed; ut_pid has the new one
	utmpPID    = 4 // its offset
)

// utmpStopping says whether the last run level in a utmp file is 0 (halt) or 6 (reboot).
// Musl writes no run levels.
func utmpStopping(b []byte) bool {
	level := byte(0)
	for ; len(b) >= utmpSize; b = b[utmpSize:] {
		if binary.NativeEndian.Uint16(b) == utmpRunLvl {
			level = byte(binary.NativeEndian.Uint32(b[utmpPID:]))
		}
	}
	return level == '0' || level == '6'
}
