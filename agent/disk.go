package main

import (
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hozen/collector/added"
	"hozen/collector/packet"
	"hozen/collector/winfile"
)

// diskOptions are the flags of collect for files: artefacts, trees, images, lists.
type diskOptions struct {
	image         string
	hashImage     bool
	definitions   []string
	artifacts     []string
	take          []string
	maxSize       int64
	add           []string
	integrity     bool
	hashTree      []string
	known         []string
	networkMounts bool
}

func (a *app) diskFlags(c *cobra.Command, o *diskOptions) {
	f := c.Flags()
	f.StringVar(&o.image, "image", "", a.text(mFlagImage))
	f.BoolVar(&o.hashImage, "hash-image", false, a.text(mFlagHashImage))
	f.StringArrayVar(&o.definitions, "definitions", nil, a.text(mFlagDefinitions))
	f.StringSliceVar(&o.artifacts, "artifact", nil, a.text(mFlagArtifact))
	f.StringArrayVar(&o.take, "take", nil, a.text(mFlagTake))
	f.Func("max-size", a.text(mFlagMaxSize), sizeInto(&o.maxSize))
	f.StringArrayVar(&o.add, "add", nil, a.text(mFlagAdd))
	f.BoolVar(&o.integrity, "integrity", false, a.text(mFlagIntegrity))
	f.StringArrayVar(&o.hashTree, "hash-tree", nil, a.text(mFlagHashTree))
	f.StringArrayVar(&o.known, "known", nil, a.text(mFlagKnown))
	f.BoolVar(&o.networkMounts, "network-mounts", false, a.text(mFlagNetworkMounts))
}

// packetOptions are the flags of collect for traffic.
type packetOptions struct {
	duration   time.Duration
	only       bool
	interfaces []string
	filter     string
	snaplen    int
	size       int64
}

func (a *app) packetFlags(c *cobra.Command, o *packetOptions) {
	f := c.Flags()
	f.Func("pcap", a.text(mFlagPcap), durationInto(&o.duration))
	f.BoolVar(&o.only, "pcap-only", false, a.text(mFlagPcapOnly))
	f.StringSliceVar(&o.interfaces, "interface", nil, a.text(mFlagInterface))
	f.StringVar(&o.filter, "filter", "", a.text(mFlagFilter))
	f.IntVar(&o.snaplen, "snaplen", 0, a.text(mFlagSnaplen))
	f.Func("pcap-size", a.text(mFlagPcapSize), sizeInto(&o.size))
}

// checkPackets refuses what no capture can be, before anything is begun.
func (a *app) checkPackets(o *collectOptions) error {
	p := &o.packets
	if p.only {
		if len(o.only) > 0 {
			return usage(errors.New("--pcap-only and --only are both given"), "")
		}
		o.only = []string{"packets"}
	}
	asked := p.duration > 0 || p.only || o.profile == "full" || slices.Contains(o.only, "packets")
	if given := len(p.interfaces) > 0 || p.filter != "" || p.snaplen != 0 || p.size > 0; given && !asked {
		return usage(errors.New(a.text(mPcapAlone)), "")
	}
	dead := o.disk.image != "" || o.root != "/"
	for _, name := range p.interfaces {
		if _, err := net.InterfaceByName(name); err != nil && !dead {
			return usage(fmt.Errorf("--interface %s: there is none of this name", name), a.text(mHintInterface, strings.Join(interfaceNames(), ", ")))
		}
	}
	if p.snaplen < 0 {
		return usage(fmt.Errorf("--snaplen %d: not a number of bytes", p.snaplen), "")
	}
	if err := packet.CheckFilter(p.filter); p.filter != "" && err != nil {
		return usage(fmt.Errorf("--filter: %w", err), a.text(mHintFilter))
	}
	return nil
}

func interfaceNames() (names []string) {
	all, _ := net.Interfaces() // without them the hint is short
	for _, i := range all {
		names = append(names, i.Name)
	}
	return names
}

// checkDisk refuses what could not be done, before anything is begun. Names that people
// write on a running Windows (`C:\x`) become the Host's in o's own lists.
func (a *app) checkDisk(o collectOptions) error {
	d := &o.disk
	live := d.image == "" && o.root == "/"
	for _, names := range [][]string{d.take, d.hashTree} {
		for i, name := range names {
			if live && a.system == "windows" && winfile.HasDrive(winfile.HostName(name)) {
				names[i] = winfile.HostName(name)
				continue
			}
			if !path.IsAbs(name) || live && a.system == "windows" {
				return usage(fmt.Errorf("%s: not a whole path on the examined machine", name), a.absoluteHint(live))
			}
		}
	}
	if o.profile == "volatile" && len(d.take)+len(d.artifacts)+len(d.definitions) > 0 {
		return usage(errors.New(a.text(mDiskAlone)), "")
	}
	if err := added.Check(d.add); err != nil {
		return usage(err, "")
	}
	if d.hashImage && d.image == "" {
		return usage(errors.New("--hash-image: no --image is given"), "")
	}
	return nil
}

// absoluteHint shows what a whole path looks like: with a drive on a running Windows, and
// from the root on in an image or a mounted disk.
func (a *app) absoluteHint(live bool) string {
	if live {
		return a.text(mHintAbsolute)
	}
	return a.lang.text(mHintAbsolute)
}

func sizeInto(to *int64) func(string) error {
	return func(s string) (err error) {
		*to, err = parseSize(s)
		return err
	}
}
