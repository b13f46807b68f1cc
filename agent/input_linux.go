package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// flushInput throws away what was typed while nobody asked (tcflush(3)). What is no
// terminal stays as it is.
func flushInput(r io.Reader) {
	if f, ok := r.(*os.File); ok {
		unix.IoctlSetInt(int(f.Fd()), unix.TCFLSH, unix.TCIFLUSH)
	}
}
