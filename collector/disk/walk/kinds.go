package walk

import (
	"slices"
	"strings"

	"hozen/collector/proc"
)

// notWalked says why a file system of that kind is not walked; "" if it is. What has a
// device of its own (major number not 0) is on a disk; of the others those are walked
// that are known to live in memory or on disks.
func notWalked(m proc.Mount, all bool) string {
	switch {
	case m.Type == "autofs":
		return "a look at it could mount something (autofs)"
	case isPseudo(m.Type):
		return "its files are made up by the kernel (" + m.Type + ")"
	case proc.MayHang(m.Type) && !all:
		if strings.HasPrefix(m.Type, "fuse") {
			return "a program serves it, and may never answer (" + m.Type + ")"
		}
		return "another machine serves it, and may never answer (" + m.Type + ")"
	case proc.MayHang(m.Type), !strings.HasPrefix(m.Device, "0:"), isLocal(m.Type):
		return ""
	}
	return "not known to be a local file system (" + m.Type + ")"
}

// isPseudo says whether the kernel makes up the files of such a file system
// (fs/ and Documentation/filesystems/ of Linux).
func isPseudo(fstype string) bool {
	switch fstype {
	case "proc", "sysfs", "cgroup", "cgroup2", "cpuset", "debugfs", "tracefs", "bpf", "devpts", "securityfs", "configfs",
		"efivarfs", "binfmt_misc", "mqueue", "pstore", "selinuxfs", "smackfs", "apparmorfs", "fusectl", "nsfs", "rpc_pipefs",
		"nfsd", "resctrl", "functionfs", "pipefs", "sockfs", "anon_inodefs", "bdev", "dax", "xenfs", "openpromfs", "ipathfs",
		"oprofilefs", "usbfs", "hugetlbfs", "secretmem", "guest_memfd":
		return true
	}
	return false
}

// isLocal lists file systems without a device of their own that live in memory or on disks.
func isLocal(fstype string) bool {
	return slices.Contains([]string{"tmpfs", "ramfs", "devtmpfs", "rootfs", "overlay", "overlayfs", "aufs", "unionfs", "btrfs", "zfs",
		"bcachefs", "ubifs", "jffs2", "ecryptfs", "shiftfs", "stratis", "squashfs", "erofs", "ext4", "xfs"}, fstype)
}
