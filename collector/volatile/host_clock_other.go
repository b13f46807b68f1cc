//go:build !linux

package volatile

import (
	"errors"
	"os"
	"runtime"
)

// errNotLink stands for readlink's error on what is no link; other systems' own
// error is counted as what it is.
var errNotLink = errors.New("not a symbolic link")

func readNTP() (ntpReading, error) {
	return ntpReading{}, notOnThisSystem()
}

// kernelNames has what Go knows of the system.
func kernelNames() (out [6]string, err error) {
	name, err := os.Hostname()
	return [6]string{runtime.GOOS, name, "", "", runtime.GOARCH, ""}, err
}
