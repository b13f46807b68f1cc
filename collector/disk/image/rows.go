package image

import (
	"encoding/hex"

	"hozen/collector/jsonl"
)

// An About is disk/image.json: the container, and what it says of the medium.
type About struct {
	Files        []jsonl.Text          `json:"files"`                 // of the container, as they were named
	Format       string                `json:"format"`                // raw, split raw, ewf, qcow2, vmdk, vhd, vhd fixed
	Size         int64                 `json:"size"`                  // of the medium in bytes
	SectorSize   int                   `json:"sector_size"`           // bytes, as the container or the partition table says; 0 if neither does
	Scheme       string                `json:"scheme"`                // of its partitions: gpt, mbr, none
	DiskID       string                `json:"disk_id,omitempty"`     // GPT: the disk's GUID; MBR: its signature
	Stored       []HashRow             `json:"stored,omitempty"`      // hashes of the medium that the container states
	Acquisition  map[string]jsonl.Text `json:"acquisition,omitempty"` // what the imager was told, by the names of EWF
	Unreadable   []Range               `json:"unreadable,omitempty"`  // what the imager could not read
	Notes        []string              `json:"notes,omitempty"`
	ContentTaken bool                  `json:"content_taken"` // always false: the medium itself is not in the archive
}

// A HashRow is a row of disk/image/hashes.jsonl: a hash of the whole medium.
type HashRow struct {
	Algorithm string `json:"algorithm"`          // md5, sha1, sha256
	Stored    string `json:"stored,omitempty"`   // hexadecimal, as the container states it
	Computed  string `json:"computed,omitempty"` // hexadecimal, of all bytes as we read them
	Equal     *bool  `json:"equal,omitempty"`    // where both are there
}

// A PartitionRow is a row of disk/image/partitions.jsonl.
type PartitionRow struct {
	Number int        `json:"number"`           // as sgdisk and fdisk count; 0 for a medium without a table
	Start  int64      `json:"start"`            // bytes
	Size   int64      `json:"size"`             // bytes, within the medium
	Type   string     `json:"type"`             // GPT: a GUID; MBR: "0x83", "extended"; "none"
	Name   jsonl.Text `json:"name,omitempty"`   // GPT
	GUID   string     `json:"guid,omitempty"`   // GPT
	FS     string     `json:"fs,omitempty"`     // by its magic; absent if unknown
	Active bool       `json:"active,omitempty"` // marked as bootable
	Cut    bool       `json:"cut,omitempty"`    // it goes on beyond the end of the medium
	Chosen bool       `json:"chosen,omitempty"` // its files are what this collection is of
	Label  jsonl.Text `json:"label,omitempty"`  // of the file system that was chosen
	UUID   string     `json:"uuid,omitempty"`   // of the file system that was chosen
	Notes  []string   `json:"notes,omitempty"`  // of the file system that was chosen
}

func about(d *Disk) About {
	a := About{
		Files: jsonl.Texts(d.Files), Format: d.Format, Size: d.Size, SectorSize: d.SectorSize,
		Scheme: d.Scheme(), DiskID: d.partitions.guid, Unreadable: d.Bad, Notes: append(append([]string(nil), d.Notes...), d.partitions.notes...),
	}
	if a.SectorSize == 0 && a.Scheme != "none" {
		a.SectorSize = int(d.partitions.sector)
	}
	for _, h := range d.Stored {
		a.Stored = append(a.Stored, HashRow{Algorithm: h.Algorithm, Stored: hex.EncodeToString(h.Sum)})
	}
	for k, v := range d.Header {
		if a.Acquisition == nil {
			a.Acquisition = map[string]jsonl.Text{}
		}
		a.Acquisition[k] = jsonl.Text(v)
	}
	return a
}

func partitionRows(o *Options) []PartitionRow {
	rows := []PartitionRow{}
	for _, p := range o.Disk.Partitions() {
		row := PartitionRow{
			Number: p.Number, Start: p.Start, Size: p.Size, Type: p.Type, Name: jsonl.Text(p.Name), GUID: p.GUID,
			FS: p.FS, Active: p.Active, Cut: p.Cut,
		}
		if o.Files != nil && p.Number == o.Chosen.Number {
			row.Chosen, row.Notes = true, Notes(o.Files)
			if named, ok := o.Files.(interface{ Label() string }); ok {
				row.Label = jsonl.Text(named.Label())
			}
			if named, ok := o.Files.(interface{ UUID() string }); ok {
				row.UUID = named.UUID()
			}
		}
		rows = append(rows, row)
	}
	return rows
}
