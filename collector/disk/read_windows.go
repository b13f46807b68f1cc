package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"

	"hozen/collector"
)

// look asks Windows about an open file: size, identity, and, if times is true, whether
// reading it may set its last access time.
func look(f *os.File, times bool) (o opened) {
	st, err := f.Stat()
	if err != nil {
		return o
	}
	id, known := collector.Identity(f)
	return opened{size: st.Size(), id: id, known: known, mayMove: times && !collector.KeepsTimes(f)}
}

// damaged says whether an error of ReadFile is one of the medium, or of a file system
// that is damaged there, so that the rest of the file may still be read.
func damaged(err error) bool {
	for _, e := range []error{windows.ERROR_CRC, windows.ERROR_SECTOR_NOT_FOUND, windows.ERROR_IO_DEVICE, windows.ERROR_FILE_CORRUPT, windows.ERROR_DISK_CORRUPT, windows.ERROR_READ_FAULT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
