package volatile

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// UnlockedDisk is a storage that can be read now and will be locked once the
// power is off. The responder must hear of it before anybody pulls a plug.
type UnlockedDisk struct {
	Name    string   // of the mapping, or the source of the mount
	Kind    string   // luks2, luks1, plain, tcrypt, bitlk, veracrypt, zfs, ecryptfs, gocryptfs, fscrypt, …
	Device  string   // "dm-0"; "" for a stacked file system
	Backing []string // devices below the mapping, or the folder below the mount
	Mounts  []string // where it can be read, everything stacked on it included
	Swap    bool     // swap lies on it
	// Sure is false where the system only hints at encryption: ZFS does not show
	// in its mounts which data set is encrypted, and of fscrypt only a key is seen.
	Sure bool
}

// UnlockedDisks finds them in /sys/block, the mounts of our own namespace and the
// keys of the kernel; on a running Windows on the disks themselves, below BitLocker.
// The error is the first that hid something; what was found
// is given with it.
func UnlockedDisks(h *collector.Host) ([]UnlockedDisk, error) {
	if h.Live {
		if out, ok, err := systemUnlocked(); ok {
			return out, err
		}
	}
	r := &factReader{h: h}
	rows := blockRows(r)
	var out []UnlockedDisk
	for i := range rows {
		row := &rows[i]
		if row.Crypt == "" {
			continue
		}
		d := UnlockedDisk{Name: string(row.DMName), Kind: row.Crypt, Device: string(row.Name), Sure: true}
		for _, s := range row.Slaves {
			d.Backing = append(d.Backing, string(s))
		}
		for _, above := range stackedOn(rows, string(row.Name)) {
			for _, m := range above.Mounted {
				d.Mounts = append(d.Mounts, string(m))
			}
			d.Swap = d.Swap || above.Swap
		}
		out = append(out, d)
	}
	mounts := r.mounts()
	for _, m := range mounts {
		if kind, sure := encryptedType(m); kind != "" {
			out = append(out, UnlockedDisk{Name: m.Source, Kind: kind, Backing: []string{m.Source}, Mounts: []string{m.Point}, Sure: sure})
		}
	}
	keys, _ := h.ReadFile("/proc/keys", longText) // absent without CONFIG_KEYS: no hint
	if strings.Contains(string(keys), "fscrypt") {
		out = append(out, UnlockedDisk{Name: "folders with an fscrypt key", Kind: "fscrypt"})
	}
	return out, r.tally.Err()
}

// stackedOn gives a device and all that is built on it (LVM on LUKS, RAID on LUKS).
func stackedOn(rows []BlockRow, name string) (out []*BlockRow) {
	todo, seen := []string{name}, map[string]bool{}
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		if seen[n] {
			continue
		}
		seen[n] = true
		for i := range rows {
			row := &rows[i]
			if string(row.Name) == n {
				out = append(out, row)
				for _, h := range row.Holders {
					todo = append(todo, string(h))
				}
			}
			if row.Partition && string(row.Parent) == n {
				todo = append(todo, string(row.Name))
			}
		}
	}
	return out
}

// encryptedType knows the file systems that show a decrypted view of files
// elsewhere. A FUSE type names its program: fuse.gocryptfs.
func encryptedType(m proc.Mount) (kind string, sure bool) {
	switch t, _ := strings.CutPrefix(m.Type, "fuse."); t {
	case "ecryptfs", "gocryptfs", "encfs", "cryfs", "securefs", "veracrypt", "truecrypt", "dislocker", "cryptomator":
		return t, true
	case "zfs":
		return t, false
	}
	return "", false
}

// OutputPlace says where a folder lies, so that the responder hears what writing
// there overwrites.
type OutputPlace struct {
	Mount      string // mount point
	Source     string // "/dev/sda2", "server:/share"
	Device     string // "major:minor"
	FileSystem string // "ext4"
	Disk       string // the whole disk that carries it ("sda"); "" if it is none
	Network    bool
	InMemory   bool // lost with the power
	Removable  bool // by its own word, or on USB
	// OnExamined says that writing there changes the storage of the examined
	// system itself: a fixed local disk, and, for a host that is a mounted disk
	// or folder, the same file system as that folder.
	OnExamined bool
	FreeBytes  uint64 // for us
	FreeInodes uint64 // 0 where the file system counts none
}

// room is what statfs(2) says.
type room struct{ bytes, inodes uint64 }

// OutputDisk looks at a folder of the machine that we run on; h is the examined
// host. The error says what could not be found out; the rest is given with it.
func OutputDisk(h *collector.Host, dir string) (OutputPlace, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return OutputPlace{}, err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	here := collector.ThisHost()
	p, err := placeOf(here, dir)
	if !h.Live {
		root, e := filepath.EvalSymlinks(h.Root)
		if e != nil {
			return p, e
		}
		examined, e := placeOf(here, root)
		p.OnExamined = e == nil && examined.Device == p.Device
	}
	free, e := fileSystemRoom(dir)
	if err == nil {
		err = e
	}
	p.FreeBytes, p.FreeInodes = free.bytes, free.inodes
	return p, err
}

// placeOf finds the mount and the disk of a clean absolute path on h.
func placeOf(h *collector.Host, dir string) (OutputPlace, error) {
	if p, ok, err := systemPlace(dir); ok {
		return p, err
	}
	r := &factReader{h: h}
	mounts, _, err := proc.ParseMounts(r.read("/proc/self/mountinfo", proc.MaxMountinfo))
	m, ok := proc.MountAt(mounts, dir)
	if !ok {
		if err == nil {
			err = evidence.Skip("%s: no mount table", dir)
		}
		return OutputPlace{}, err
	}
	p := OutputPlace{Mount: m.Point, Source: m.Source, Device: m.Device, FileSystem: m.Type}
	p.Network, p.InMemory = networkType(m), slices.Contains([]string{"tmpfs", "ramfs", "devtmpfs"}, m.Type)
	rows := blockRows(r)
	for _, d := range carriers(rows, m) {
		p.Disk = string(d.Name)
		p.Removable = p.Removable || d.Removable || d.USB
	}
	p.OnExamined = !p.Network && !p.InMemory && !p.Removable
	return p, nil
}

// carriers gives the whole disks below what is mounted.
func carriers(rows []BlockRow, m proc.Mount) (out []*BlockRow) {
	var todo []jsonl.Text
	for i := range rows {
		if rows[i].is(m.Device, m.Source) {
			todo = append(todo, rows[i].Name)
		}
	}
	seen := map[jsonl.Text]bool{}
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		i := slices.IndexFunc(rows, func(r BlockRow) bool { return r.Name == n })
		if i < 0 || seen[n] {
			continue
		}
		seen[n] = true
		switch row := &rows[i]; {
		case row.Partition:
			todo = append(todo, row.Parent)
		case len(row.Slaves) > 0:
			todo = append(todo, row.Slaves...)
		default:
			out = append(out, row)
		}
	}
	return out
}

// networkType says whether a file system lies on another machine.
func networkType(m proc.Mount) bool {
	t := strings.TrimPrefix(m.Type, "fuse.")
	for _, p := range []string{"nfs", "cifs", "smb", "9p", "virtiofs", "afs", "ceph", "glusterfs", "sshfs", "rclone", "davfs", "s3fs", "lustre", "vboxsf", "vmhgfs"} {
		if strings.HasPrefix(t, p) {
			return true
		}
	}
	return path.IsAbs(m.Source) && strings.HasPrefix(m.Source, "//")
}
