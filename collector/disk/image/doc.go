// Package image reads the image of a disk in our own process: nothing is mounted, no
// device is attached, nothing is written.
//
// What to call, in order:
//
//	file, number := image.SplitName(arg)        // FILE[:partition] of --image
//	disk, err := image.Open(file)                // container: raw, split raw, EWF-E01, qcow2, VMDK, VHD
//	part, err := image.Choose(disk, number)      // partition table: GPT, MBR, none
//	files, err := image.Mount(disk, part)        // file system
//	host := &collector.Host{Root: "/", Image: files, Live: false}
//
// and put image.Collector(image.Options{Disk: disk, Chosen: part, Files: files}) among
// the collectors; at the end disk.Close().
//
// Where to begin in the code: open.go has the list of containers, partition.go the
// tables, detect.go what a partition holds, mount.go the list of file systems that can
// be read (ext4 and ntfs are packages of their own), collector.go what is put into the
// archive. What is only recognised is refused by name, with what helps.
package image
