package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"hozen/collector"
	"hozen/collector/disk/image"
	"hozen/packager/evidence/fault"
)

// openHost finds the machine that is examined: this one, one whose files are in the
// folder of --root, or one in the image of --image. c.close lets go
// of it.
func (c *collection) openHost() error {
	if c.o.disk.image != "" {
		return c.openImage()
	}
	c.host = c.a.host(c.o.root)
	if st, err := os.Stat(c.host.Root); err != nil || !st.IsDir() {
		return usage(fmt.Errorf("--root %s: not a directory that can be read", c.o.root), "")
	}
	if !c.host.Live && !rootOfMachine(c.host) {
		return usage(fmt.Errorf("--root %s: not the root of a machine: nothing of %s is in it", c.o.root, strings.Join(rootFolders(), ", ")), "")
	}
	if !c.host.Live { // nothing of it is running: all of it is only read, and never touched
		c.host, c.close = c.host.Quiet()
	}
	return nil
}

func (c *collection) openImage() error {
	if c.o.root != "/" {
		return usage(errors.New("--image and --root are both given"), c.a.text(mHintImageRoot))
	}
	name, number := image.SplitName(c.o.disk.image)
	d, err := image.Open(name)
	if err != nil {
		return usage(fmt.Errorf("--image %w", err), c.a.text(mHintImage))
	}
	part, err := image.Choose(d, number)
	var files collector.Files
	if err == nil {
		files, err = image.Mount(d, part)
	}
	if err != nil {
		return usage(fault.Join(fmt.Errorf("--image %s: %w", name, err), d.Close()), c.a.text(mHintPartition))
	}
	c.close = func() { d.Close() } // it was only read
	c.image = &image.Options{Disk: d, Chosen: part, Files: files, Hash: c.o.disk.hashImage}
	c.host = &collector.Host{Root: c.o.disk.image, Image: files, Elevated: true, Now: c.a.now}
	return nil
}
