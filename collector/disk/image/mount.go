package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/disk/image/ext4"
	"hozen/collector/disk/image/ntfs"
	"hozen/packager/evidence/fault"
)

// A fileSystem is one that we read.
type fileSystem struct {
	fs   string // as detect names it
	open func(disk io.ReaderAt, size int64) (collector.Files, error)
}

// fileSystems is THE list of what can be read.
func fileSystems() []fileSystem {
	return []fileSystem{
		{"ext4", openExt},
		{"ext3", openExt},
		{"ext2", openExt},
		{"ntfs", openNTFS},
	}
}

func openExt(disk io.ReaderAt, size int64) (collector.Files, error) { return ext4.Open(disk, size) }

func openNTFS(disk io.ReaderAt, _ int64) (collector.Files, error) { return ntfs.Open(disk) }

// why says what helps with what is recognised and not read.
func why(what string) string {
	switch {
	case what == "":
		return "no file system that is known here"
	case strings.HasPrefix(what, "luks"), what == "bitlocker":
		return what + ": encrypted; open it where the key is known, and give the device that comes of it"
	case what == "lvm2", what == "md raid", what == "bcache":
		return what + ": it must be assembled; give the device that comes of it"
	case strings.HasPrefix(what, "swap"):
		return what + ": it holds memory, not files"
	}
	return what + ": it is not read here; mount it read-only and give the folder with --root"
}

// Mount opens the file system in a partition. Nothing is mounted: the name says what
// for. The disk must stay open as long as the files are used.
func Mount(d *Disk, p Partition) (collector.Files, error) {
	for _, known := range fileSystems() {
		if known.fs != p.FS {
			continue
		}
		files, err := known.open(io.NewSectionReader(d, p.Start, p.Size), p.Size)
		if err != nil {
			return nil, fmt.Errorf("partition %d: %w", p.Number, err)
		}
		return files, nil
	}
	return nil, fmt.Errorf("partition %d: %s", p.Number, why(p.FS))
}

// Notes gives what a reader must know of a file system that Mount opened.
func Notes(files collector.Files) []string {
	if n, ok := files.(interface{ Notes() []string }); ok {
		return n.Notes()
	}
	return nil
}

// Choose finds the partition to read: the one with this number, or, without a number,
// the only one that can be read, or the only one that holds a system (a folder /etc,
// /Windows or /System). Where that is not clear, the error lists all of them.
func Choose(d *Disk, number string) (Partition, error) {
	parts := d.Partitions()
	if number != "" {
		want, err := strconv.Atoi(number)
		if err != nil {
			return Partition{}, fmt.Errorf("partition %q: not a number", number)
		}
		for _, p := range parts {
			if p.Number == want {
				return p, nil
			}
		}
		return Partition{}, fmt.Errorf("no partition %d; %s", want, listed(parts))
	}
	var readable, systems []Partition
	var failed error
	for _, p := range parts {
		files, err := Mount(d, p)
		if err != nil {
			failed = fault.Join(failed, err)
			continue
		}
		readable = append(readable, p)
		if holdsSystem(files) {
			systems = append(systems, p)
		}
	}
	switch {
	case len(systems) == 1:
		return systems[0], nil
	case len(readable) == 1:
		return readable[0], nil
	case len(readable) == 0:
		return Partition{}, fmt.Errorf("nothing that can be read here; %s: %w", listed(parts), failed)
	}
	return Partition{}, fmt.Errorf("%d partitions can be read, and %d of them hold a system: name one (FILE:NUMBER); %s", len(readable), len(systems), listed(parts))
}

func listed(parts []Partition) string {
	lines := []string{"there are"}
	for _, p := range parts {
		lines = append(lines, p.String())
	}
	return lines[0] + ": " + strings.Join(lines[1:], "; ")
}

// holdsSystem says whether the top folder looks like a system's.
func holdsSystem(files collector.Files) bool {
	for _, name := range []string{"/etc", "/Windows", "/WINDOWS", "/System"} {
		if m, err := files.Lstat(name); err == nil && m.Mode&0o170000 == 0o040000 {
			return true
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
	}
	return false
}
