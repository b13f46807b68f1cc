package lnk

import (
	"time"

	"hozen/collector/jsonl"
)

// A Row is one shortcut. Text that is not UTF-16 in the file is in the code page of the
// system that made it, and kept as its bytes.
type Row struct {
	Target          jsonl.Text `json:"target"`                // where it leads: LocalPath, else Share and its path, else Items, else Environment
	LocalPath       jsonl.Text `json:"local_path,omitempty"`  // as LinkInfo says
	Share           jsonl.Text `json:"share,omitempty"`       // `\\server\share`
	SharePath       jsonl.Text `json:"share_path,omitempty"`  // below it
	ShareDrive      jsonl.Text `json:"share_drive,omitempty"` // the letter that it was connected as: "Z:"
	Description     jsonl.Text `json:"description,omitempty"`
	Relative        jsonl.Text `json:"relative_path,omitempty"`
	WorkingDir      jsonl.Text `json:"working_directory,omitempty"`
	Arguments       jsonl.Text `json:"arguments,omitempty"` // of the command line
	Icon            jsonl.Text `json:"icon,omitempty"`
	IconIndex       int32      `json:"icon_index,omitempty"`
	IconEnvironment jsonl.Text `json:"icon_environment,omitempty"` // the icon's file with variables
	Environment     jsonl.Text `json:"environment,omitempty"`      // the target with variables: `%windir%\explorer.exe`
	Darwin          jsonl.Text `json:"darwin,omitempty"`           // identifier of a program of Windows Installer
	Flags           []string   `json:"flags"`                      // LinkFlags, by the document's names
	Show            uint32     `json:"show"`                       // ShowCommand: 1 normal, 3 maximised, 7 minimised
	HotKey          uint16     `json:"hot_key,omitempty"`

	// The target's as it was when the shortcut was written.
	Attributes uint32     `json:"attributes"` // FILE_ATTRIBUTE_…
	Size       uint32     `json:"size"`       // the low 32 bits
	Created    *time.Time `json:"created,omitempty"`
	Accessed   *time.Time `json:"accessed,omitempty"`
	Modified   *time.Time `json:"modified,omitempty"`

	Volume  *Volume  `json:"volume,omitempty"`
	Tracker *Tracker `json:"tracker,omitempty"`
	Items   []Item   `json:"items"` // the list of shell items that leads to the target
	// Appended counts bytes behind the last block: some attacks carry their program there.
	Appended int `json:"appended,omitempty"`
}

// A Volume is the drive of a local target.
type Volume struct {
	Type   string     `json:"type"`   // unknown, no root, removable, fixed, remote, cdrom, ramdisk
	Serial string     `json:"serial"` // 8 digits in hexadecimal
	Label  jsonl.Text `json:"label"`
}

// A Tracker is what the service Distributed Link Tracking knows of the target.
type Tracker struct {
	Machine     jsonl.Text `json:"machine"`             // NetBIOS name of the machine where it was last
	VolumeID    string     `json:"volume_id"`           // of the volume: a GUID
	FileID      string     `json:"file_id"`             // of the file: a GUID
	BirthVolume string     `json:"birth_volume_id"`     // where it was made
	BirthFile   string     `json:"birth_file_id"`       //
	MAC         string     `json:"mac,omitempty"`       // in FileID, where that is of version 1
	Generated   *time.Time `json:"generated,omitempty"` // in FileID, where that is of version 1
}

// An Item is one shell item: a step on the way to the target.
type Item struct {
	Kind     string     `json:"kind"`               // root, volume, folder, file, network, uri, control, users, other
	Class    uint8      `json:"class"`              // its first byte
	Name     jsonl.Text `json:"name,omitempty"`     // the long one where there is one, "C:\", `\\server\share`, a GUID
	Short    jsonl.Text `json:"short,omitempty"`    // 8.3
	Size     uint32     `json:"size,omitempty"`     // of a file
	Modified *time.Time `json:"modified,omitempty"` // FAT times: UTC, to two seconds
	Created  *time.Time `json:"created,omitempty"`
	Accessed *time.Time `json:"accessed,omitempty"`
	Record   uint64     `json:"record,omitempty"` // of the MFT
	Sequence uint16     `json:"sequence,omitempty"`
	Bytes    int        `json:"bytes"` // of the item
}
