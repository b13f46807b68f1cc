package packager

import (
	"fmt"
	"io"
	"os"
)

// ReadLogFile reads the file of a custody log, which may be anybody's: one of more than
// 256 MiB (FORMAT.md section 4) is an error, and is not held in memory.
func ReadLogFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var b []byte
	if st.Size() <= maxLog {
		b, err = io.ReadAll(io.LimitReader(f, maxLog+1))
	}
	if err == nil && max(st.Size(), int64(len(b))) > maxLog {
		return nil, fmt.Errorf("%s: over %d bytes", name, maxLog)
	}
	return b, err
}

// ReadLog parses a custody log and checks what can be checked without its archive: each
// line is in its one encoding and signed by the key that it names, and has the hash of
// the line before. It gives the events up to the first line that is wrong, and the
// error. cut says that the last line was not written whole; it is not counted. Whose the
// keys are, and whether the log is that of an archive, only Verify can say.
func ReadLog(b []byte) (events []Event, cut bool, err error) { return readLog(b) }
