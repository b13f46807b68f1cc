package packager

import (
	"encoding/hex"
	"time"

	"hozen/packager/signed"
)

// A Stamp is a moment by the host's clocks.
type Stamp struct {
	Wall string `json:"wall"` // RFC 3339, UTC, nanoseconds
	// MonoNS counts nanoseconds of the monotonic clock since the collection began.
	MonoNS int64 `json:"mono_ns"`
}

// Genesis is the first statement: who takes what from where, and why; and the
// first session key. The device key signs it.
type Genesis struct {
	Type       string   `json:"type"` // hozen/genesis/1
	Collection string   `json:"collection"`
	Case       string   `json:"case"`
	Evidence   string   `json:"evidence"`
	Device     string   `json:"device"` // who the device key belongs to
	DeviceKey  string   `json:"device_key"`
	FirstKey   string   `json:"first_key"`
	Tool       string   `json:"tool"` // hozen/<version>+sha256:<hex of the program>
	Reason     string   `json:"reason"`
	Operator   string   `json:"operator"`
	Place      string   `json:"place"`
	Witness    []string `json:"witness"`
	Recipients []string `json:"recipients"`
	Require    []string `json:"require"` // co-signatures that must be there
	Host       HostID   `json:"host"`
	Epoch      int64    `json:"epoch"` // seconds since 1970; the modification time of every member
	Time       Stamp    `json:"time"`
}

// HostID says which machine was examined.
type HostID struct {
	Name      string   `json:"name"`
	MachineID string   `json:"machine_id"`
	OS        string   `json:"os"`
	Kernel    string   `json:"kernel"`
	Make      string   `json:"make"`
	Model     string   `json:"model"`
	Serial    string   `json:"serial"`
	MACs      []string `json:"macs"`
	IPs       []string `json:"ips"`
	BootID    string   `json:"boot_id"`
	Zone      string   `json:"zone"`
}

// FileHash names a member and its SHA-256 in hex.
type FileHash struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// TreeHead is an RFC 6962 tree over manifest lines.
type TreeHead struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // hex
}

// Prefix is the SHA-256 of the first Bytes bytes of the archive.
type Prefix struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Checkpoint is a signed statement about everything before it.
type Checkpoint struct {
	Type       string   `json:"type"` // hozen/checkpoint/1
	Collection string   `json:"collection"`
	Seq        int      `json:"seq"`
	Prev       string   `json:"prev"` // SHA-256 of the statement before, genesis for the first
	Manifest   FileHash `json:"manifest"`
	Entries    int      `json:"entries"` // lines of the manifest
	Tree       TreeHead `json:"tree"`
	Archive    Prefix   `json:"archive"`
	TarBytes   int64    `json:"tar_bytes"`
	Time       Stamp    `json:"time"`
	Key        string   `json:"key"`
	NextKey    string   `json:"next_key"`
	Status     string   `json:"status"` // open, sealing, or stopped:<reason>
}

// Seal is the last statement: the archive is complete. The session key and the
// device key sign it.
type Seal struct {
	Type        string   `json:"type"` // hozen/seal/1
	Collection  string   `json:"collection"`
	Genesis     string   `json:"genesis"` // SHA-256 of the genesis statement
	Checkpoints int      `json:"checkpoints"`
	Last        string   `json:"last"` // SHA-256 of the last checkpoint statement
	Tree        TreeHead `json:"tree"`
	Manifest    FileHash `json:"manifest"`
	TagManifest FileHash `json:"tagmanifest"`
	Archive     Prefix   `json:"archive"`
	TarBytes    int64    `json:"tar_bytes"`  // before the seal frame
	SeekTable   FileHash `json:"seek_table"` // which ends the file
	Status      string   `json:"status"`     // complete, or stopped:<reason>
	Time        Stamp    `json:"time"`
	Key         string   `json:"key"`
}

const (
	typeGenesis    = "hozen/genesis/1"
	typeCheckpoint = "hozen/checkpoint/1"
	typeSeal       = "hozen/seal/1"
)

func stamp(began, now time.Time) Stamp {
	return Stamp{Wall: signed.Wall(now), MonoNS: now.Sub(began).Nanoseconds()}
}

func head(t *tree) TreeHead {
	r := t.root()
	return TreeHead{Size: t.size, Root: hex.EncodeToString(r[:])}
}
