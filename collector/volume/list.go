package volume

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"hozen/collector"
	"hozen/collector/disk/image"
	"hozen/collector/jsonl"
	"hozen/collector/utf16"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
)

// A VolumeRow is one row of disk/volumes.jsonl: a volume of this machine, or a drive
// letter that leads to none.
type VolumeRow struct {
	Name       jsonl.Text   `json:"name"`                  // \\?\Volume{…}\, or a letter ("Z:")
	Mounts     []jsonl.Text `json:"mounts,omitempty"`      // where it is mounted: C:\, folders
	Device     jsonl.Text   `json:"device,omitempty"`      // \Device\HarddiskVolume3
	DriveType  string       `json:"drive_type"`            // fixed, removable, remote, cdrom, ramdisk, unknown, no_root_dir
	Extents    []Extent     `json:"extents,omitempty"`     // on which disks it lies
	Size       int64        `json:"size,omitempty"`        // bytes
	SectorSize int64        `json:"sector_size,omitempty"` // bytes
	Contents   string       `json:"contents,omitempty"`    // by its boot sector: ntfs, bitlocker (and locked), refs, fat32, exfat, …
	Serial     string       `json:"serial,omitempty"`      // of NTFS, hexadecimal
	Readable   bool         `json:"readable"`              // its files can be read raw
	Outcome    string       `json:"outcome,omitempty"`     // of reading it raw, where that is not so: denied, skipped, failed
	Reason     jsonl.Text   `json:"reason,omitempty"`
	Item       jsonl.Text   `json:"item,omitempty"` // with its first sectors
}

// An Extent is a part of a disk that a volume lies on.
type Extent struct {
	Disk   uint32 `json:"disk"`   // the N of PhysicalDriveN
	Start  int64  `json:"start"`  // bytes
	Length int64  `json:"length"` // bytes
}

// Volumes lists the volumes of the machine that we run on, and looks at the first sectors
// of each that is local. What was found before an error is given with it.
func Volumes(h *collector.Host) ([]VolumeRow, error) {
	if !h.Live || h.Image != nil {
		return nil, collector.ErrNotLive
	}
	rows, err := listVolumes()
	for i := range rows {
		rows[i].look()
	}
	sorting.By(rows, func(a, b VolumeRow) int { return strings.Compare(a.letter(), b.letter()) })
	return rows, err
}

// letter is what sorts a volume: its first mount, or its name; those without one come last.
func (v *VolumeRow) letter() string {
	if len(v.Mounts) > 0 {
		return string(v.Mounts[0])
	}
	return "\xff" + string(v.Name)
}

// Short is what names the volume in the archive: its letter, or its GUID.
func (v *VolumeRow) Short() string {
	for _, m := range append([]jsonl.Text{v.Name}, v.Mounts...) {
		if s := strings.TrimSuffix(string(m), `\`); len(s) == 2 && s[1] == ':' {
			return strings.ToUpper(s[:1])
		}
	}
	return strings.Trim(strings.TrimPrefix(string(v.Name), `\\?\Volume`), `{}\`)
}

// local says whether reading the volume asks only disks of this machine.
func (v *VolumeRow) local() error {
	switch v.DriveType {
	case "fixed", "removable", "ramdisk":
		return nil
	}
	return evidence.Skip("drive type %s: not read raw", v.DriveType)
}

// look opens the volume and says what it holds.
func (v *VolumeRow) look() {
	err := v.local()
	if err == nil {
		var d *device
		if d, err = openNamed(string(v.Name)); err == nil {
			v.Size, v.SectorSize = d.Size(), d.sector
			v.Contents = image.Detect(d, 0, d.Size())
			v.Serial = serialOf(d, v.Contents)
			_, err = open(v.Short()+":", d)
			err = fault.Join(err, d.closer.Close())
		}
	}
	if v.Readable = err == nil; !v.Readable {
		o, note, _ := evidence.Classify(err, 0)
		v.Outcome, v.Reason = o.String(), jsonl.Text(note)
	}
}

// serialOf reads the serial number of NTFS: 8 bytes at 72 of the boot sector.
func serialOf(r io.ReaderAt, contents string) string {
	b := make([]byte, 512)
	if n, _ := r.ReadAt(b, 0); contents != "ntfs" || n < len(b) {
		return ""
	}
	return fmt.Sprintf("%016x", binary.LittleEndian.Uint64(b[72:]))
}

// extentsOf reads a VOLUME_DISK_EXTENTS (winioctl.h).
func extentsOf(b []byte) (out []Extent) {
	if len(b) < 8 {
		return nil
	}
	n := binary.LittleEndian.Uint32(b)
	for b = b[8:]; n > 0 && len(b) >= 24; n, b = n-1, b[24:] {
		out = append(out, Extent{binary.LittleEndian.Uint32(b), int64(binary.LittleEndian.Uint64(b[8:])), int64(binary.LittleEndian.Uint64(b[16:]))})
	}
	return out
}

// driveType names what GetDriveTypeW says (fileapi.h).
func driveType(n uint32) string {
	if n > 6 {
		return "unknown"
	}
	return [...]string{"unknown", "no_root_dir", "removable", "fixed", "remote", "cdrom", "ramdisk"}[n]
}

// multiString reads strings that each end in a NUL, the last in two.
func multiString(units []uint16) (out []jsonl.Text) {
	for len(units) > 0 && units[0] != 0 {
		n := slices.Index(units, 0)
		if n < 0 {
			n = len(units)
		}
		out = append(out, jsonl.Text(utf16.WTF8(units[:n])))
		units = units[min(n+1, len(units)):]
	}
	return out
}
