package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

// Every command looks at the machine through hostAt, and so none of them waits
// for a file system whose server never answers.
func TestHostAvoidsADeadMount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: nothing can be mounted")
	}
	dev, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("kernel has no fuse: %v", err)
	}
	dir := t.TempDir()
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", dev.Fd())
	if err := unix.Mount("dead", dir, "fuse", 0, options); err != nil {
		dev.Close()
		t.Skipf("kernel has no fuse that we may mount: %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	defer dev.Close() // ends the connection: whoever waits gets an error
	done := make(chan error, 1)
	go func() {
		_, err := hostAt("/").Lstat(dir + "/name")
		done <- err
	}()
	select {
	case err := <-done:
		if o, _, short := evidence.Classify(err, 0); o != evidence.Skipped || !short {
			t.Errorf("%v (%s)", err, o)
		}
	case <-time.After(time.Minute):
		t.Error("a look at a name below a dead mount does not end")
	}
}
