package main

import (
	"errors"
	"syscall"
)

// Errors of Windows by number (winerror.h): elsewhere these mean something else.
const (
	errSharing      = syscall.Errno(32)  // ERROR_SHARING_VIOLATION
	errLocked       = syscall.Errno(33)  // ERROR_LOCK_VIOLATION
	errWriteProtect = syscall.Errno(19)  // ERROR_WRITE_PROTECT
	errDiskFull     = syscall.Errno(112) // ERROR_DISK_FULL
	errBrokenPipe   = syscall.Errno(109) // ERROR_BROKEN_PIPE
	errNoData       = syscall.Errno(232) // ERROR_NO_DATA: the pipe is being closed
	errNotConnected = syscall.Errno(233) // ERROR_PIPE_NOT_CONNECTED
)

// nobodyReads says that an error is of a pipe whose other end is gone.
func (a *app) nobodyReads(err error) bool {
	if a.system != "windows" {
		return errors.Is(err, syscall.EPIPE)
	}
	return errors.Is(err, errBrokenPipe) || errors.Is(err, errNoData) || errors.Is(err, errNotConnected)
}

// othersHave says that another program has a file open and lets nobody else.
func (a *app) othersHave(err error) bool {
	return a.system == "windows" && (errors.Is(err, errSharing) || errors.Is(err, errLocked))
}
