package volatile

import (
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
)

// BlockRow is one block device or partition, as /sys/block tells of it
// (Documentation/ABI/stable/sysfs-block, testing/sysfs-block-dm).
type BlockRow struct {
	Kind      string       `json:"kind"` // "block"
	Name      jsonl.Text   `json:"name"`
	Partition bool         `json:"partition,omitempty"`
	Parent    jsonl.Text   `json:"parent,omitempty"`      // the disk of a partition
	Device    jsonl.Text   `json:"device"`                // "major:minor"
	Size      int64        `json:"size"`                  // bytes
	Sector    int64        `json:"sector_size,omitempty"` // logical, of a disk
	ReadOnly  bool         `json:"read_only"`
	Removable bool         `json:"removable"`
	USB       bool         `json:"usb,omitempty"`
	Model     jsonl.Text   `json:"model,omitempty"`
	Vendor    jsonl.Text   `json:"vendor,omitempty"`
	Serial    jsonl.Text   `json:"serial,omitempty"`
	WWID      jsonl.Text   `json:"wwid,omitempty"`
	Sysfs     jsonl.Text   `json:"sysfs,omitempty"`   // where the link in /sys/block leads: the bus
	DMName    jsonl.Text   `json:"dm_name,omitempty"` // device mapper
	DMUUID    jsonl.Text   `json:"dm_uuid,omitempty"`
	Suspended jsonl.Text   `json:"dm_suspended,omitempty"`
	Crypt     string       `json:"crypt,omitempty"` // "luks2", "luks1", "plain", …: unlocked now
	Slaves    []jsonl.Text `json:"slaves,omitempty"`
	Holders   []jsonl.Text `json:"holders,omitempty"`
	Backing   jsonl.Text   `json:"loop_backing_file,omitempty"`
	LoopAt    jsonl.Text   `json:"loop_offset,omitempty"`
	RAIDLevel jsonl.Text   `json:"md_level,omitempty"`
	RAIDState jsonl.Text   `json:"md_state,omitempty"`
	ZRAM      jsonl.Text   `json:"zram_disksize,omitempty"`
	Mounted   []jsonl.Text `json:"mounted,omitempty"` // in our own mount namespace
	Swap      bool         `json:"swap,omitempty"`
}

const maxBlocks = 1 << 14

// blockRows reads every disk and its partitions, sorted by name.
func blockRows(r *factReader) []BlockRow {
	var rows []BlockRow
	for _, n := range r.names("/sys/block", maxBlocks) {
		dir := "/sys/block/" + n
		disk := blockRow(r, n, dir)
		if target, err := r.h.Readlink(dir); err == nil {
			disk.Sysfs = jsonl.Text(target)
			disk.USB = strings.Contains(target, "/usb")
		}
		if b, err := strconv.ParseInt(string(r.text(dir+"/queue/logical_block_size")), 10, 32); err == nil && b > 0 {
			disk.Sector = b
		}
		rows = append(rows, disk)
		for _, p := range r.names(dir, maxBlocks) {
			if !strings.HasPrefix(p, n) || !r.exists(dir+"/"+p+"/partition") || len(rows) >= maxBlocks {
				continue
			}
			part := blockRow(r, p, dir+"/"+p)
			part.Partition, part.Parent, part.Removable, part.USB = true, disk.Name, disk.Removable, disk.USB
			rows = append(rows, part)
		}
	}
	useOfBlocks(r, rows)
	return rows
}

func blockRow(r *factReader, name, dir string) BlockRow {
	row := BlockRow{
		Kind: "block", Name: jsonl.Text(strings.ReplaceAll(name, "!", "/")), Device: r.text(dir + "/dev"),
		ReadOnly: r.text(dir+"/ro") == "1", Removable: r.text(dir+"/removable") == "1",
		Slaves: jsonl.Texts(r.names(dir+"/slaves", maxBlocks)), Holders: jsonl.Texts(r.names(dir+"/holders", maxBlocks)),
	}
	// The unit of size is 512 bytes, whatever the sector size of the device.
	if n, err := strconv.ParseInt(string(r.text(dir+"/size")), 10, 53); err == nil && n >= 0 {
		row.Size = n * 512
	}
	if r.exists(dir + "/device") {
		row.Model, row.Vendor = r.trimmed(dir+"/device/model"), r.trimmed(dir+"/device/vendor")
		row.Serial, row.WWID = r.trimmed(dir+"/device/serial"), r.trimmed(dir+"/device/wwid")
	}
	if row.Serial == "" {
		row.Serial = r.trimmed(dir + "/serial") // virtio
	}
	switch {
	case r.exists(dir + "/dm"):
		row.DMName, row.DMUUID, row.Suspended = r.text(dir+"/dm/name"), r.text(dir+"/dm/uuid"), r.text(dir+"/dm/suspended")
		row.Crypt = cryptKind(string(row.DMName), string(row.DMUUID))
	case r.exists(dir + "/loop"):
		row.Backing, row.LoopAt = r.text(dir+"/loop/backing_file"), r.text(dir+"/loop/offset")
	case r.exists(dir + "/md"):
		row.RAIDLevel, row.RAIDState = r.text(dir+"/md/level"), r.text(dir+"/md/array_state")
	case r.exists(dir + "/disksize"):
		row.ZRAM = r.text(dir + "/disksize")
	}
	return row
}

func (r *factReader) trimmed(name string) jsonl.Text {
	return jsonl.Text(strings.TrimSpace(string(r.text(name))))
}

// cryptKind names the kind of an open encrypted mapping, from the UUID that
// cryptsetup gives it ("CRYPT-LUKS2-…", lib/libdevmapper.c) or the name that
// VeraCrypt and TrueCrypt give theirs. dm-verity and dm-integrity use the same
// prefix but hide nothing: "" for them and for everything else.
func cryptKind(name, uuid string) string {
	if rest, ok := strings.CutPrefix(uuid, "CRYPT-"); ok {
		kind, _, _ := strings.Cut(rest, "-")
		switch kind {
		case "VERITY", "INTEGRITY", "SUBDEV":
			return ""
		}
		return strings.ToLower(kind)
	}
	for _, p := range []string{"veracrypt", "truecrypt"} {
		if strings.HasPrefix(name, p) {
			return p
		}
	}
	return ""
}

// useOfBlocks fills in mount points and swap.
func useOfBlocks(r *factReader, rows []BlockRow) {
	mounts := r.mounts()
	swaps := parseSwaps(r.long("/proc/swaps"))
	for i := range rows {
		row := &rows[i]
		for _, m := range mounts {
			if row.is(m.Device, m.Source) {
				row.Mounted = append(row.Mounted, jsonl.Text(m.Point))
			}
		}
		row.Swap = slices.ContainsFunc(swaps, func(s SwapRow) bool { return row.named(string(s.Name)) })
	}
}

// is says whether a mount is of this device: by number, or by name where the
// file system has a number of its own (btrfs, zfs, overlay).
func (row *BlockRow) is(device, source string) bool {
	if !strings.HasPrefix(device, "0:") {
		return device == string(row.Device)
	}
	return row.named(source)
}

func (row *BlockRow) named(path string) bool {
	return path == "/dev/"+string(row.Name) || row.DMName != "" && path == "/dev/mapper/"+string(row.DMName)
}
