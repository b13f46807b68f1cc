package indicators

import (
	"path"
	"strings"
)

// isShell says whether a program is a command interpreter of users.
func isShell(exe string) bool {
	switch imageName(exe) {
	case "sh", "bash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "csh", "tcsh", "fish", "busybox", "rbash", "yash", "elvish":
		return true
	}
	return false
}

// isInterpreter says whether a program runs scripts, shells included.
func isInterpreter(exe string) bool {
	name := strings.TrimRight(imageName(exe), "0123456789.-")
	switch name {
	case "python", "pypy", "perl", "ruby", "node", "nodejs", "php", "lua", "luajit", "tclsh", "wish", "expect", "gawk", "mawk", "awk", "Rscript", "guile", "bun", "deno":
		return true
	}
	return isShell(exe)
}

// isDebugger says whether a program is called like one that looks into others because it is there for it.
func isDebugger(exe string) bool {
	switch imageName(exe) {
	case "gdb", "gdbserver", "lldb", "lldb-server", "strace", "ltrace", "rr", "perf", "dlv", "valgrind", "bpftrace", "systemtap", "stap", "gcore", "pstack", "eu-stack", "py-spy":
		return true
	}
	return false
}

// imageName is the last component of an image's path, without the kernel's mark of a
// deleted file.
func imageName(exe string) string { return path.Base(strings.TrimSuffix(exe, " (deleted)")) }

// systemName says whether a name is that of a program that every Linux system
// runs for itself, whose name malware likes to take.
func systemName(name string) bool {
	switch name {
	case "init", "systemd", "sshd", "cron", "crond", "atd", "anacron", "rsyslogd", "syslogd", "syslog-ng", "klogd", "auditd", "dbus-daemon", "dbus-broker",
		"udevd", "polkitd", "agetty", "getty", "login", "su", "sudo", "passwd", "dhclient", "dhcpcd", "NetworkManager", "wpa_supplicant", "ntpd", "chronyd",
		"rpcbind", "rpc.statd", "acpid", "irqbalance", "snapd", "dockerd", "containerd", "runc", "cupsd", "avahi-daemon", "master", "postfix", "exim4", "sendmail",
		"httpd", "apache2", "nginx", "named", "unbound", "mysqld", "mariadbd", "postgres", "redis-server", "lvmetad", "multipathd", "iscsid", "accounts-daemon",
		"ls", "ps", "top", "netstat", "ss", "ip", "ifconfig", "kill", "mount", "umount", "bash", "sh", "dash", "ssh", "scp", "sftp-server", "modprobe", "insmod",
		"kthreadd", "ksoftirqd", "kworker", "kswapd", "watchdog", "migration", "xinetd", "inetd", "vsftpd", "smbd", "nmbd", "gdm", "sddm", "lightdm", "Xorg":
		return true
	}
	return strings.HasPrefix(name, "systemd-") || strings.HasPrefix(name, "kworker")
}

// kernelThreadName says whether a name is one that threads of the kernel have.
func kernelThreadName(name string) bool {
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") && len(name) > 2 {
		return true
	}
	for _, prefix := range []string{"kworker/", "ksoftirqd/", "migration/", "cpuhp/", "idle_inject/", "irq/", "rcu_", "jbd2/", "scsi_eh_", "scsi_tmf_", "kswapd", "kcompactd", "ext4-rsv-conver", "xfs-", "xfsaild/", "nvme-", "watchdogd", "khugepaged", "kauditd", "kthreadd", "oom_reaper", "khungtaskd", "kdevtmpfs", "kintegrityd", "kblockd", "card0-crtc"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
