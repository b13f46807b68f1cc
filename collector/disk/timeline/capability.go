package timeline

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// capabilityNames are those of capabilities(7), by number (include/uapi/linux/capability.h).
const capabilityNames = `chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice
sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm
block_suspend audit_read perfmon bpf checkpoint_restore`

// fileCapability is the value of security.capability.
type fileCapability struct {
	permitted, inheritable uint64
	effective              bool
	rootUID                uint32 // of the user namespace for which it counts; 0 for all
}

// parseCapability reads the value in its revisions 1, 2 and 3 (struct vfs_cap_data,
// little-endian): magic with the revision in its highest byte and the effective bit in its
// lowest; permitted and inheritable, 32 bits each, once or twice; the user of revision 3.
func parseCapability(b []byte) (c fileCapability, err error) {
	if len(b) < 4 {
		return c, fmt.Errorf("capability: %d bytes", len(b))
	}
	magic := binary.LittleEndian.Uint32(b)
	words, want := 2, 20
	switch magic >> 24 {
	case 1:
		words, want = 1, 12
	case 2:
	case 3:
		want = 24
	default:
		return c, fmt.Errorf("capability: revision %d", magic>>24)
	}
	if len(b) != want {
		return c, fmt.Errorf("capability of revision %d: %d bytes", magic>>24, len(b))
	}
	c.effective = magic&1 != 0
	for i := range words {
		c.permitted |= uint64(binary.LittleEndian.Uint32(b[4+8*i:])) << (32 * i)
		c.inheritable |= uint64(binary.LittleEndian.Uint32(b[8+8*i:])) << (32 * i)
	}
	if want == 24 {
		c.rootUID = binary.LittleEndian.Uint32(b[20:])
	}
	return c, nil
}

// String writes it as getcap(8) does: "cap_net_raw,cap_net_admin=ep".
func (c fileCapability) String() string {
	var groups []string
	add := func(set uint64, flags string) {
		if names := capabilitiesOf(set); names != "" {
			groups = append(groups, names+"="+flags)
		}
	}
	e := ""
	if c.effective {
		e = "e"
	}
	add(c.permitted&c.inheritable, e+"ip")
	add(c.permitted&^c.inheritable, e+"p")
	add(c.inheritable&^c.permitted, e+"i")
	return strings.Join(groups, " ")
}

func capabilitiesOf(set uint64) string {
	names := strings.Fields(capabilityNames)
	var out []string
	for i := range 64 {
		switch {
		case set>>i&1 == 0:
		case i < len(names):
			out = append(out, "cap_"+names[i])
		default:
			out = append(out, fmt.Sprint(i))
		}
	}
	return strings.Join(out, ",")
}

// powerful are those with which a program can become root, or read what only root may.
const powerful = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<6 | 1<<7 | 1<<16 | 1<<17 | 1<<19 | 1<<21 | 1<<31 | 1<<39
