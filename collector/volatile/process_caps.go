package volatile

import (
	"fmt"
	"math/bits"
	"strconv"
)

// capName gives the name of a capability of include/uapi/linux/capability.h,
// without CAP_ and in lower case.
func capName(bit int) string {
	known := [...]string{
		"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
		"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
		"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
		"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
		"mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
		"checkpoint_restore",
	}
	if bit < len(known) {
		return known[bit]
	}
	return fmt.Sprintf("cap_%d", bit)
}

// parseCap reads a set of capabilities as status has it, in hex. last is the
// highest capability of the kernel (/proc/sys/kernel/cap_last_cap).
func parseCap(hex string, last int) Cap {
	set, err := strconv.ParseUint(hex, 16, 64)
	if err != nil {
		return Cap{}
	}
	c := Cap{Hex: hex}
	every := uint64(1)<<(last+1) - 1
	sign := ""
	if missing := every &^ set; bits.OnesCount64(missing) < last/2 && set&^every == 0 {
		c.Names, set, sign = []string{"all"}, missing, "-"
	}
	for bit := range 64 {
		if set>>bit&1 == 1 {
			c.Names = append(c.Names, sign+capName(bit))
		}
	}
	return c
}
