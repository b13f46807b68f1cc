package keys

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/windows"

	"hozen/packager/text"
)

// pipe opens a named pipe. Whoever serves it is not to act in the name of whoever calls:
// the name may have been taken by malware before the agent was there. Another caller may
// be served at the moment: that is waited for.
func pipe(name string) (io.ReadWriteCloser, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	// Overlapped: closing it ends a read that nobody answers.
	const flags = windows.FILE_FLAG_OVERLAPPED | windows.SECURITY_SQOS_PRESENT | windows.SECURITY_IDENTIFICATION
	for end := time.Now().Add(listWait); ; time.Sleep(20 * time.Millisecond) {
		h, err := windows.CreateFile(p, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING, flags, 0)
		switch {
		case err == nil:
			return os.NewFile(uintptr(h), name), nil
		case errors.Is(err, windows.ERROR_FILE_NOT_FOUND):
			return nil, fmt.Errorf("no agent runs: nobody listens at %s: %w", text.Name(name), err)
		case !errors.Is(err, windows.ERROR_PIPE_BUSY) || time.Now().After(end):
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
}
