package volume

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"hozen/collector"
	"hozen/collector/disk/image"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// leastUnit is what is read at least: the largest sector that disks have.
const leastUnit = 4096

// A DiskRow is one row of disk/physical_disks.jsonl: a disk of this machine.
type DiskRow struct {
	Number     int            `json:"number"` // the N of PhysicalDriveN
	Vendor     jsonl.Text     `json:"vendor,omitempty"`
	Product    jsonl.Text     `json:"product,omitempty"`
	Revision   jsonl.Text     `json:"revision,omitempty"`
	Serial     jsonl.Text     `json:"serial,omitempty"`
	Bus        string         `json:"bus,omitempty"` // STORAGE_BUS_TYPE: sata, nvme, usb, …
	Removable  bool           `json:"removable,omitempty"`
	Size       int64          `json:"size,omitempty"`        // bytes
	SectorSize int64          `json:"sector_size,omitempty"` // bytes
	Scheme     string         `json:"scheme,omitempty"`      // of its partitions: gpt, mbr, none
	Partitions []PartitionRow `json:"partitions,omitempty"`
	Outcome    string         `json:"outcome,omitempty"` // of reading it, where that failed
	Reason     jsonl.Text     `json:"reason,omitempty"`
	Item       jsonl.Text     `json:"item,omitempty"` // with its first sectors
}

// A PartitionRow is a part of a disk that its table names.
type PartitionRow struct {
	Number int        `json:"number"`
	Start  int64      `json:"start"`              // bytes
	Size   int64      `json:"size"`               // bytes
	Type   string     `json:"type"`               // GPT: a GUID; MBR: "0x07"
	Name   jsonl.Text `json:"name,omitempty"`     // GPT
	Holds  string     `json:"contents,omitempty"` // by its magic: ntfs, bitlocker, fat32
}

// Disks lists the disks of the machine that we run on. What was found before an error is
// given with it.
func Disks(h *collector.Host) ([]DiskRow, error) {
	if !h.Live || h.Image != nil {
		return nil, collector.ErrNotLive
	}
	rows, err := listDisks()
	for i := range rows {
		rows[i].look()
	}
	return rows, err
}

func (d *DiskRow) file() string { return fmt.Sprintf(`\\.\PhysicalDrive%d`, d.Number) }

// look reads the tables of partitions.
func (d *DiskRow) look() {
	dev, err := openDevice(d.file())
	if err == nil {
		d.Size, d.SectorSize = dev.Size(), dev.sector
		d.partitions(image.NewDisk(dev, dev.Size(), int(dev.sector)))
		err = dev.closer.Close()
	}
	if err != nil {
		o, note, _ := evidence.Classify(err, 0)
		d.Outcome, d.Reason = o.String(), jsonl.Text(note)
	}
}

func (d *DiskRow) partitions(disk *image.Disk) {
	d.Scheme = disk.Scheme()
	for _, p := range disk.Partitions() {
		d.Partitions = append(d.Partitions, PartitionRow{p.Number, p.Start, p.Size, p.Type, jsonl.Text(p.Name), p.FS})
	}
}

// describe reads a STORAGE_DEVICE_DESCRIPTOR (winioctl.h).
func (d *DiskRow) describe(b []byte) error {
	if len(b) < 36 {
		return errors.New("a descriptor of the device that is too short")
	}
	text := func(at int) jsonl.Text {
		off := binary.LittleEndian.Uint32(b[at:])
		if off == 0 || int64(off) >= int64(len(b)) {
			return ""
		}
		s, _, _ := bytes.Cut(b[off:], []byte{0})
		return jsonl.Text(strings.TrimSpace(string(s)))
	}
	d.Removable = b[10] != 0
	d.Vendor, d.Product, d.Revision, d.Serial = text(12), text(16), text(20), text(24)
	d.Bus = busType(binary.LittleEndian.Uint32(b[28:]))
	return nil
}

// busType names a STORAGE_BUS_TYPE (winioctl.h).
func busType(n uint32) string {
	names := [...]string{
		"unknown", "scsi", "atapi", "ata", "1394", "ssa", "fibre", "usb", "raid", "iscsi", "sas", "sata", "sd", "mmc",
		"virtual", "file_backed_virtual", "spaces", "nvme", "scm", "ufs", "nvmeof",
	}
	if int64(n) >= int64(len(names)) {
		return fmt.Sprintf("%d", n)
	}
	return names[n]
}

// geometryOf reads BytesPerSector and DiskSize of a DISK_GEOMETRY_EX (winioctl.h); 0 where
// it has none.
func geometryOf(b []byte) (sector, size int64) {
	if len(b) < 24 {
		return 0, 0
	}
	if len(b) >= 32 {
		size = max(0, int64(binary.LittleEndian.Uint64(b[24:])))
	}
	n := int64(binary.LittleEndian.Uint32(b[20:]))
	if n < 512 || n > 1<<16 || n&(n-1) != 0 {
		return 0, size
	}
	return n, size
}
