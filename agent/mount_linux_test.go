package main

import "golang.org/x/sys/unix"

// mountTiny mounts a file system in memory that is soon full.
func mountTiny(dir string) (unmount func(), err error) {
	if err := unix.Mount("hozen-test", dir, "tmpfs", 0, "size=65536"); err != nil {
		return nil, err
	}
	return func() { unix.Unmount(dir, unix.MNT_DETACH) }, nil
}
