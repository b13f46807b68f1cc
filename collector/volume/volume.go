package volume

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"hozen/collector"
	"hozen/collector/disk/image"
	"hozen/collector/disk/image/ntfs"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A Volume is an NTFS volume of this machine, read raw: a collector.Files whose names are
// "/Windows/System32/config/SAM", "/$MFT", "/$Extend/$UsnJrnl:$J". What it has read of
// directories it keeps: open a new one to see them anew.
type Volume struct {
	*ntfs.FS
	Name string // as it was asked for
	raw  *device
}

// A device is an open volume or disk.
type device struct {
	*Aligned
	sector int64 // bytes; 0 if unknown
	closer io.Closer
}

// Close lets go of the volume. No file of it may be read afterwards.
func (v *Volume) Close() error { return v.raw.closer.Close() }

// A NotReadError says why the files of a volume cannot be read raw, though its sectors can.
type NotReadError struct {
	Name     string
	Contents string // what its boot sector says: bitlocker, refs, fat32, …; "" if unknown
}

// Error implements error.
func (e *NotReadError) Error() string {
	switch e.Contents {
	case "bitlocker":
		return e.Name + ": encrypted by BitLocker, and locked: its key is not in use"
	case "":
		return e.Name + ": no file system that is known here"
	}
	return e.Name + ": " + e.Contents + ": only NTFS is read raw"
}

// As lets evidence.Classify see the outcome: what is locked is denied, another file
// system skipped.
func (e *NotReadError) As(target any) bool {
	if e.Contents == "bitlocker" {
		return false
	}
	return errors.As(evidence.Skip("%s", e.Error()), target)
}

// Open opens a volume of the machine that we run on, by its letter ("C:") or its name
// (`\\?\Volume{…}\`), which needs an elevated administrator. Nothing is mounted or
// written. On a host that is not live it is collector.ErrNotLive; what holds no NTFS is a
// NotReadError.
func Open(h *collector.Host, name string) (*Volume, error) {
	if !h.Live || h.Image != nil {
		return nil, collector.ErrNotLive
	}
	d, err := openNamed(name)
	if err != nil {
		return nil, err
	}
	v, err := open(name, d)
	if err != nil {
		return nil, fault.Join(err, d.closer.Close())
	}
	return v, nil
}

func openNamed(name string) (*device, error) {
	file, err := deviceOf(name)
	if err != nil {
		return nil, err
	}
	return openDevice(file)
}

// open reads what an open device holds.
func open(name string, d *device) (*Volume, error) {
	if what := image.Detect(d, 0, d.Size()); what != "ntfs" {
		return nil, &NotReadError{name, what}
	}
	files, err := ntfs.Open(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Volume{FS: files, Name: name, raw: d}, nil
}

// deviceOf gives the name by which a volume or disk is opened raw ("Naming Files, Paths,
// and Namespaces", Microsoft): no other device can be named here.
func deviceOf(name string) (string, error) {
	bare := strings.TrimSuffix(name, `\`)
	switch guid, isVolume := strings.CutPrefix(bare, `\\?\Volume{`); {
	case len(bare) == 2 && bare[1] == ':' && isLetter(bare[0]):
		return `\\.\` + bare, nil
	case isVolume && len(guid) == 37 && guid[36] == '}' && strings.Trim(guid[:36], "0123456789abcdefABCDEF-") == "":
		return bare, nil
	}
	return "", fmt.Errorf("%q: not a volume: neither a letter and a colon nor a volume's GUID", name)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// SplitName takes a name on a live Windows ("/C:/Windows/notepad.exe") apart: the volume
// and the name on it.
func SplitName(name string) (drive, rest string, ok bool) {
	if len(name) < 3 || name[0] != '/' || name[2] != ':' || !isLetter(name[1]) || len(name) > 3 && name[3] != '/' {
		return "", "", false
	}
	return name[1:3], path.Clean("/" + name[3:]), true
}

// A File is a file of a raw volume, which it keeps open.
type File struct {
	collector.HoleReader
	volume *Volume
	size   int64
}

// Size is the number of its bytes.
func (f *File) Size() int64 { return f.size }

// Close lets go of the file and of its volume.
func (f *File) Close() error { return fault.Join(f.HoleReader.Close(), f.volume.Close()) }

// OpenFile opens a file of this machine on its raw volume, by its name on the host
// ("/C:/hiberfil.sys", "/C:/pagefile.sys"): whatever keeps it locked is not asked. Reads
// may be concurrent.
func OpenFile(h *collector.Host, name string) (*File, error) {
	drive, rest, ok := SplitName(name)
	if !ok {
		return nil, fmt.Errorf("%q: no name on a drive", name)
	}
	v, err := Open(h, drive)
	if err != nil {
		return nil, err
	}
	f, err := v.file(rest)
	if err != nil {
		return nil, fault.Join(err, v.Close())
	}
	return f, nil
}

func (v *Volume) file(name string) (*File, error) {
	meta, err := v.Lstat(name)
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", v.Name, name, err)
	}
	if !meta.Regular() {
		return nil, &collector.NotRegularError{Name: name, Mode: meta.Mode}
	}
	r, err := v.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", v.Name, name, err)
	}
	holes, ok := r.(collector.HoleReader)
	if !ok {
		return nil, fault.Join(fmt.Errorf("%s%s: its holes cannot be told", v.Name, name), r.Close())
	}
	return &File{HoleReader: holes, volume: v, size: meta.Size}, nil
}
