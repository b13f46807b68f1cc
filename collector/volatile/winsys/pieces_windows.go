package winsys

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/windows"

	"hozen/packager/evidence"
)

// Unanswered tells a call that this Windows, or the device, does not know from one that
// went wrong: the first is an ordinary outcome.
func Unanswered(err error) error {
	var no windows.Errno
	if errors.As(err, &no) && slices.Contains([]windows.Errno{windows.ERROR_INVALID_FUNCTION, windows.ERROR_NOT_SUPPORTED, windows.ERROR_CALL_NOT_IMPLEMENTED}, no) {
		return evidence.NotHere("this Windows does not answer: %v", err)
	}
	var status windows.NTStatus
	if errors.As(err, &status) && slices.Contains([]windows.NTStatus{windows.STATUS_NOT_IMPLEMENTED, windows.STATUS_INVALID_INFO_CLASS, windows.STATUS_NOT_SUPPORTED,
		windows.STATUS_INVALID_DEVICE_REQUEST, windows.STATUS_BAD_DEVICE_TYPE}, status) {
		return evidence.NotHere("this Windows does not answer: %v", err)
	}
	return err
}

// CopyAt copies n bytes of our own memory that Windows pointed at. It asks the kernel
// to copy: a pointer to nowhere is an error and no crash.
func CopyAt(addr uintptr, n int) (Piece, error) {
	if addr == 0 || n <= 0 {
		return Piece{}, fmt.Errorf("%d bytes at %#x: nothing there", n, addr)
	}
	b := make([]byte, n)
	if err := windows.ReadProcessMemory(windows.CurrentProcess(), addr, &b[0], uintptr(n), nil); err != nil {
		return Piece{}, fmt.Errorf("%d bytes at %#x: %w", n, addr, err)
	}
	return Piece{uint64(addr), b}, nil
}

// CopyText copies the UTF-16 text at an address with its NUL, at most max bytes. A null
// pointer and what cannot be read give an empty piece.
func CopyText(addr uintptr, max int) Piece {
	const page = 4096
	p := Piece{Addr: uint64(addr)}
	for addr != 0 && len(p.Data) < max {
		at := addr + uintptr(len(p.Data))
		n := min(page-int(at%page), max-len(p.Data)) // never over the end of a page: the next may not be there
		more, err := CopyAt(at, n)
		if err != nil {
			break
		}
		from := len(p.Data) &^ 1
		p.Data = append(p.Data, more.Data...)
		for i := from; i+1 < len(p.Data); i += 2 {
			if bytes.Equal(p.Data[i:i+2], []byte{0, 0}) {
				p.Data = p.Data[:i+2]
				return p
			}
		}
	}
	return p
}
