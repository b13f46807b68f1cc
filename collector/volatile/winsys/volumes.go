package winsys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// A Volume is a volume of the running Windows: a row of kind "volume".
type Volume struct {
	Kind       string       `json:"kind"`
	Name       jsonl.Text   `json:"name"`             // \\?\Volume{GUID}\; of a letter without one "X:\"
	Device     jsonl.Text   `json:"device,omitempty"` // \Device\HarddiskVolume3
	Mounts     []jsonl.Text `json:"mounted"`          // "C:\", "D:\data\"
	Type       string       `json:"type"`             // DRIVE_ word: fixed, removable, remote, cdrom, ramdisk, no_root_dir, unknown
	FileSystem jsonl.Text   `json:"file_system,omitempty"`
	Label      jsonl.Text   `json:"label,omitempty"`
	Serial     string       `json:"serial,omitempty"` // hexadecimal, as dir shows it
	ReadOnly   bool         `json:"read_only,omitempty"`
	Size       uint64       `json:"size,omitempty"`
	Free       uint64       `json:"free,omitempty"`
	Extents    []Extent     `json:"extents,omitempty"`
	// Encryption is bitlocker, veracrypt, truecrypt; "" if nothing of it was seen, which
	// EncryptionKnown tells from what could not be looked at.
	Encryption      string     `json:"encryption,omitempty"`
	EncryptionKnown bool       `json:"encryption_known"`
	Unlocked        bool       `json:"unlocked"`            // encrypted, and readable now
	LocksAtPowerOff bool       `json:"locks_at_power_off"`  // unlocked, and not for everybody who has the disk
	BitLocker       *BitLocker `json:"bitlocker,omitempty"` // what the metadata says
	Error           string     `json:"error,omitempty"`     // why the file system does not answer
	BitLockerError  string     `json:"bitlocker_error,omitempty"`
	// Head is the boot sector below the encryption and the headers of the metadata, without keys.
	Head []byte `json:"-"`
	// Sources are the answers as they came.
	Sources []Source `json:"-"`
	err     error
}

// A Source is one answer about a volume or disk: what was asked for, and what came.
type Source struct {
	Name string
	Data []byte
	Err  error
}

// An Extent is where a part of a volume lies on a disk.
type Extent struct {
	Disk   uint32 `json:"disk"`   // \\.\PhysicalDriveN
	Offset uint64 `json:"offset"` // in bytes
	Length uint64 `json:"length"`
}

// parseExtents reads VOLUME_DISK_EXTENTS
// (https://learn.microsoft.com/windows/win32/api/winioctl/ns-winioctl-volume_disk_extents).
func parseExtents(b []byte) ([]Extent, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("extents of %d bytes", len(b))
	}
	var out []Extent
	n := int64(binary.LittleEndian.Uint32(b))
	for i := int64(0); i < n; i++ {
		if 8+24*(i+1) > int64(len(b)) {
			return out, fmt.Errorf("extent %d of %d: not there", i, n)
		}
		e := b[8+24*i:]
		x := Extent{binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint64(e[8:]), binary.LittleEndian.Uint64(e[16:])}
		if x.Offset > 1<<62 || x.Length > 1<<62 {
			return out, fmt.Errorf("extent %d: at %d, %d bytes", i, x.Offset, x.Length)
		}
		out = append(out, x)
	}
	return out, nil
}

// extentReader reads a volume as it lies on its disks: below BitLocker. Extents follow
// one another, as those of simple and spanned volumes do.
type extentReader struct {
	extents []Extent
	disk    func(n uint32) (io.ReaderAt, error)
}

func (r extentReader) ReadAt(p []byte, off int64) (int, error) {
	for _, e := range r.extents {
		if off < int64(e.Length) {
			if off+int64(len(p)) > int64(e.Length) {
				return 0, io.ErrUnexpectedEOF
			}
			d, err := r.disk(e.Disk)
			if err != nil {
				return 0, err
			}
			return d.ReadAt(p, int64(e.Offset)+off)
		}
		off -= int64(e.Length)
	}
	return 0, io.EOF
}

// judge finds out whether the volume is encrypted. Below is the volume as it lies on the
// disk; of what fvevol.sys gives when it is unlocked nothing shows that it is encrypted.
// answers says whether its file system can be read.
func (v *Volume) judge(below io.ReaderAt, answers bool) {
	for prefix, kind := range map[string]string{`\Device\VeraCryptVolume`: "veracrypt", `\Device\TrueCryptVolume`: "truecrypt"} {
		if strings.HasPrefix(string(v.Device), prefix) {
			v.Encryption, v.EncryptionKnown, v.Unlocked, v.LocksAtPowerOff = kind, true, true, true
			return
		}
	}
	if below == nil {
		return
	}
	b, head, err := ReadBitLocker(below)
	v.Head = head
	switch {
	case errors.Is(err, ErrNotBitLocker):
		v.EncryptionKnown = true
		return
	case err != nil && !IsBitLocker(head):
		v.err, v.BitLockerError = err, err.Error()
		return
	case err != nil:
		v.err, v.BitLockerError = err, err.Error()
	}
	v.Encryption, v.EncryptionKnown, v.BitLocker = "bitlocker", true, &b
	v.Unlocked = answers
	v.LocksAtPowerOff = answers && !b.ClearKey && b.State != "decrypted"
}

// Lookable says whether a volume is one that BitLocker could have encrypted.
func (v *Volume) Lookable() bool { return v.Type == "fixed" || v.Type == "removable" }

// Err is why it could not be found out whether the volume is encrypted; nil if it was.
func (v *Volume) Err() error {
	if v.EncryptionKnown || !v.Lookable() {
		return nil
	}
	if v.err != nil {
		return v.err
	}
	return errors.New("not looked at")
}

// driveType names the numbers of GetDriveType (fileapi.h).
func driveType(n uint32) string {
	names := [...]string{"unknown", "no_root_dir", "removable", "fixed", "remote", "cdrom", "ramdisk"}
	if n < uint32(len(names)) {
		return names[n]
	}
	return fmt.Sprint(n)
}

// A Disk is a physical disk: a row of kind "disk".
type Disk struct {
	Kind       string      `json:"kind"`
	Name       jsonl.Text  `json:"name"` // \\.\PhysicalDrive0
	Number     uint32      `json:"number"`
	Size       uint64      `json:"size,omitempty"`
	SectorSize uint32      `json:"sector_size,omitempty"`
	Bus        string      `json:"bus,omitempty"` // STORAGE_BUS_TYPE: nvme, sata, usb, …
	Removable  bool        `json:"removable"`
	Vendor     jsonl.Text  `json:"vendor,omitempty"`
	Model      jsonl.Text  `json:"model,omitempty"`
	Revision   jsonl.Text  `json:"revision,omitempty"`
	Serial     jsonl.Text  `json:"serial,omitempty"`
	Table      string      `json:"partition_table,omitempty"` // gpt, mbr, raw
	TableID    string      `json:"partition_table_id,omitempty"`
	Partitions []Partition `json:"partitions,omitempty"`
	Error      string      `json:"error,omitempty"`
	Err        error       `json:"-"` // the same
	Sources    []Source    `json:"-"`
}

// A Partition is an entry of a partition table as Windows sees it.
type Partition struct {
	Number     uint32     `json:"number"`
	Offset     uint64     `json:"offset"`
	Size       uint64     `json:"size"`
	Type       string     `json:"type"` // GUID, or two hexadecimal digits of an MBR
	ID         string     `json:"id,omitempty"`
	Name       jsonl.Text `json:"name,omitempty"`
	Attributes string     `json:"attributes,omitempty"` // of GPT, hexadecimal
	Active     bool       `json:"active,omitempty"`     // of MBR
}

// device reads STORAGE_DEVICE_DESCRIPTOR (winioctl.h): texts are ANSI, at offsets.
func (d *Disk) device(b []byte) {
	if len(b) < 32 {
		return
	}
	text := func(at int) jsonl.Text {
		off := int64(binary.LittleEndian.Uint32(b[at:]))
		if off == 0 || off >= int64(len(b)) {
			return ""
		}
		s, _, _ := strings.Cut(string(b[off:]), "\x00")
		return jsonl.Text(strings.TrimSpace(s))
	}
	d.Removable = b[10] != 0
	d.Vendor, d.Model, d.Revision, d.Serial = text(12), text(16), text(20), text(24)
	d.Bus = busType(binary.LittleEndian.Uint32(b[28:]))
}

// busType names STORAGE_BUS_TYPE (ntddstor.h).
func busType(n uint32) string {
	names := [...]string{"unknown", "scsi", "atapi", "ata", "1394", "ssa", "fibre", "usb", "raid", "iscsi", "sas", "sata", "sd", "mmc",
		"virtual", "file_backed_virtual", "spaces", "nvme", "scm", "ufs"}
	if n < uint32(len(names)) {
		return names[n]
	}
	return fmt.Sprint(n)
}

// geometry reads DISK_GEOMETRY_EX.
func (d *Disk) geometry(b []byte) {
	if len(b) >= 32 {
		d.SectorSize, d.Size = binary.LittleEndian.Uint32(b[20:]), binary.LittleEndian.Uint64(b[24:])
	}
}

// layout reads DRIVE_LAYOUT_INFORMATION_EX.
func (d *Disk) layout(b []byte) error {
	if len(b) < 48 {
		return fmt.Errorf("partition table of %d bytes", len(b))
	}
	style, n := binary.LittleEndian.Uint32(b), int64(binary.LittleEndian.Uint32(b[4:]))
	switch style {
	case 0:
		d.Table, d.TableID = "mbr", fmt.Sprintf("%08x", binary.LittleEndian.Uint32(b[8:]))
	case 1:
		d.Table, d.TableID = "gpt", guid(b[8:])
	default:
		d.Table = "raw"
	}
	for i := int64(0); i < n; i++ {
		at := 48 + 144*i
		if at+144 > int64(len(b)) {
			return fmt.Errorf("partition %d of %d: not there", i, n)
		}
		e := b[at:]
		p := Partition{Offset: binary.LittleEndian.Uint64(e[8:]), Size: binary.LittleEndian.Uint64(e[16:]), Number: binary.LittleEndian.Uint32(e[24:])}
		if style == 1 {
			p.Type, p.ID, p.Name = guid(e[32:]), guid(e[48:]), jsonl.Text(utf16.ToNUL(e[72:144]))
			p.Attributes = fmt.Sprintf("%#x", binary.LittleEndian.Uint64(e[64:]))
		} else {
			p.Type, p.Active = fmt.Sprintf("%02x", e[32]), e[33] != 0
		}
		if p.Size > 0 { // an MBR has empty entries
			d.Partitions = append(d.Partitions, p)
		}
	}
	return nil
}

// Shown is the name that people know the volume by: where it is mounted, else its own.
func (v *Volume) Shown() string {
	if len(v.Mounts) > 0 {
		return strings.TrimSuffix(string(v.Mounts[0]), `\`)
	}
	return string(v.Name)
}
