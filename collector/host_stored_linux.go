package collector

import (
	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

// stored says, of a host that has Stored, why the contents of an open regular file are
// none that lie anywhere; nil if they may be read.
func (h *Host) stored(fd int, st *unix.Stat_t, name string) error {
	if !h.Stored || st.Mode&unix.S_IFMT != unix.S_IFREG || unix.Major(uint64(st.Dev)) != 0 {
		return nil // what lies on a block device is stored
	}
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil {
		return nil // a program or another machine answers: none of the kernel's refuses
	}
	if kind := kernelMade(int64(fs.Type)); kind != "" {
		return evidence.Cut("%s: not read: the kernel makes this file while it is read (%s)", name, kind)
	}
	return nil
}

// kernelMade names the file systems whose files the kernel makes while they are read
// (linux/magic.h); "" for all others.
func kernelMade(magic int64) string {
	switch magic & 0xffffffff {
	case unix.PROC_SUPER_MAGIC:
		return "proc"
	case unix.SYSFS_MAGIC:
		return "sysfs"
	case unix.TRACEFS_MAGIC:
		return "tracefs"
	case unix.DEBUGFS_MAGIC:
		return "debugfs"
	case unix.SECURITYFS_MAGIC:
		return "securityfs"
	case unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC:
		return "cgroup"
	case unix.SELINUX_MAGIC, unix.SMACK_MAGIC:
		return "a security module"
	case unix.NSFS_MAGIC:
		return "nsfs"
	case unix.BINFMTFS_MAGIC:
		return "binfmt_misc"
	case unix.XENFS_SUPER_MAGIC:
		return "xenfs"
	}
	return ""
}
