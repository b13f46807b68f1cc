package ntapi

import (
	"fmt"
	"io/fs"

	"hozen/packager/evidence"
)

// The NTSTATUS values that mean more to us than that a call did not work (MS-ERREF,
// section 2.3.1).
const (
	statusNotImplemented     = 0xc0000002
	statusInvalidInfoClass   = 0xc0000003
	statusLengthMismatch     = 0xc0000004
	statusInvalidCID         = 0xc000000b
	statusAccessDenied       = 0xc0000022
	statusBufferTooSmall     = 0xc0000023
	statusBufferOverflow     = 0x80000005
	statusProcessTerminating = 0xc000010a
	statusPrivilegeNotHeld   = 0xc0000061
	statusNotSupported       = 0xc00000bb
)

// statusError gives the error of a call that ended with an NTSTATUS, in the words of
// package evidence. errno, which may be nil, is what the system makes of other values.
func statusError(what string, status uint32, errno error) error {
	switch status {
	case statusNotImplemented, statusInvalidInfoClass, statusNotSupported:
		return evidence.NotHere("%s: this Windows does not answer (status %#x)", what, status)
	case statusProcessTerminating, statusInvalidCID:
		return evidence.Gone("%s: it has ended (status %#x)", what, status)
	case statusAccessDenied, statusPrivilegeNotHeld:
		return fmt.Errorf("%s: %w (status %#x)", what, fs.ErrPermission, status)
	}
	if errno == nil {
		return fmt.Errorf("%s: status %#x", what, status)
	}
	return fmt.Errorf("%s: %w (status %#x)", what, errno, status)
}

// tooSmall says whether a status asks for a larger buffer.
func tooSmall(status uint32) bool {
	return status == statusLengthMismatch || status == statusBufferTooSmall || status == statusBufferOverflow
}
