package indicators

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"hozen/collector/memory"
	"hozen/collector/volatile"
)

// packetPrograms hold packet or raw sockets on many healthy machines.
const packetPrograms = " dhclient dhcpcd dhcpcd-gtk dhcpd udhcpc busybox systemd-networkd NetworkManager nm-dhcp-helper connmand iwd lldpd lldpad ladvd wpa_supplicant hostapd " +
	"tcpdump dumpcap tshark wireshark suricata snort zeek arping arpwatch arp-scan keepalived avahi-autoipd avahi-daemon pppoe pppd dnsmasq kea-dhcp4 kea-dhcp6 radvd " +
	"ifplugd ptp4l nmap masscan packetbeat softflowd ntopng cilium-agent conntrackd odhcpd ndppd " +
	"ping ping6 fping mtr mtr-packet traceroute traceroute6.db tracepath rdisc6 zebra ospfd ospf6d bfdd isisd bird bird6 charon charon-systemd starter pluto racoon iked " +
	"smokeping gobgpd tailscaled openvpn ModemManager systemd-resolved vrrpd corosync pimd smcroute igmpproxy "

// packets reports packet and raw sockets, a row for each holder.
func (v *netView) packets() (out []finding) {
	for _, r := range v.sockets {
		id := "net-packet-socket"
		switch {
		case r.Family == "packet":
		case inet(r) && r.Protocol == "raw":
			id = "net-raw-socket"
		default:
			continue
		}
		for _, f := range v.perHolder(r, id, describePacket(r)) {
			if r.Packet != nil && r.Packet.Filter != "" && f.explained == "" && f.subject != nil && oddImage(string(f.subject.Exe)) {
				f.level = memory.High
				f.seen += "; with a filter, and its image is not where programs are"
			}
			out = append(out, f)
		}
	}
	return out
}

// perHolder makes a finding for each process that holds a socket, or one where
// nobody does.
func (v *netView) perHolder(r *volatile.SocketRow, id, what string) (out []finding) {
	object := fmt.Sprintf("socket %s %d", r.Family, r.Inode)
	holders := v.holders(r)
	if len(holders) == 0 {
		return []finding{{id: id, object: object, seen: what + ", which no process that could be read holds",
			views: []memory.View{{Source: "sock_diag and /proc/net", Says: "listed"}, {Source: "/proc/PID/fd", Says: "no descriptor"}}}}
	}
	for _, p := range holders {
		f := finding{id: id, object: object, subject: &p.Subject, seen: fmt.Sprintf("%s (%s) holds %s", p.Comm, p.Exe, what)}
		if exe := string(p.Exe); p.installed && strings.Contains(packetPrograms, " "+path.Base(exe)+" ") {
			f.explained = exe + " does so on many machines"
		}
		if own := ownHand(p); own != "" {
			f.explained = own
		}
		out = append(out, f)
	}
	return out
}

// oddImage says whether an image is deleted, in memory, or where anybody may write.
func oddImage(exe string) bool {
	if strings.HasSuffix(exe, " (deleted)") || strings.HasPrefix(exe, "/memfd:") {
		return true
	}
	for _, dir := range []string{"/tmp/", "/var/tmp/", "/dev/", "/run/", "/var/run/"} {
		if strings.HasPrefix(exe, dir) {
			return true
		}
	}
	return false
}

func describePacket(r *volatile.SocketRow) string {
	if r.Packet == nil {
		return fmt.Sprintf("a raw socket of IP protocol %d", r.IPProtocol)
	}
	s := fmt.Sprintf("a packet socket of type %s for protocol %#04x", r.Type, r.Packet.EtherType)
	if r.Packet.EtherType == 3 {
		s = fmt.Sprintf("a packet socket of type %s for every protocol", r.Type)
	}
	if r.IfIndex != 0 {
		s += fmt.Sprintf(" on link %d", r.IfIndex)
	}
	for _, m := range r.Packet.Memberships {
		if m.Type == 1 {
			s += ", promiscuous"
		}
	}
	return s
}

// filters reports the filters that sockets show. Of a packet socket the kernel
// gives the classic program; of TCP and raw sockets only that something takes
// option memory, as a filter does (sk_filter_charge in net/core/filter.c). The
// filter itself could be had by taking the process's descriptor (pidfd_getfd(2))
// and asking it: that reaches into the process, and is not done.
func (v *netView) filters() (out []finding) {
	for _, r := range v.sockets {
		switch {
		case r.Packet != nil && r.Packet.Filter != "":
			code, err := hex.DecodeString(r.Packet.Filter)
			if err != nil {
				continue
			}
			text := classicBPF(code)
			out = append(out, v.perHolder(r, "net-socket-filter", fmt.Sprintf("a packet socket with a filter of %d instructions: %s", len(code)/8, text))...)
		case inet(r) && (r.Protocol == "tcp" || r.Protocol == "raw") && r.Mem != nil && r.Mem.OptMem > 0:
			for _, f := range v.perHolder(r, "net-socket-filter", fmt.Sprintf("%s, whose options take %d bytes, as a filter does", describeSocket(r), r.Mem.OptMem)) {
				f.level = memory.Low
				out = append(out, f)
			}
		}
	}
	return out
}

// maxInstructions is how many instructions of a filter are written out.
const maxInstructions = 64

// classicBPF writes the instructions of struct sock_filter (linux/filter.h), one
// after another: "ldh [12]; jeq #0x7777 jt 0 jf 1; ret #65535".
func classicBPF(code []byte) string {
	var out []string
	for ; len(code) >= 8; code = code[8:] {
		if len(out) == maxInstructions {
			return strings.Join(append(out, "…"), "; ")
		}
		op, k := binary.NativeEndian.Uint16(code), binary.NativeEndian.Uint32(code[4:])
		out = append(out, classicInstruction(op, code[2], code[3], k))
	}
	return strings.Join(out, "; ")
}

func classicInstruction(op uint16, jt, jf uint8, k uint32) string {
	size := [...]string{"", "h", "b", "?"}[op>>3&3]
	switch op & 7 {
	case 0, 1: // BPF_LD, BPF_LDX
		name := [...]string{"ld", "ldx"}[op&1] + size
		switch op >> 5 & 7 {
		case 0:
			return fmt.Sprintf("%s #%#x", name, k)
		case 1:
			return fmt.Sprintf("%s [%d]", name, int32(k))
		case 2:
			return fmt.Sprintf("%s [x+%d]", name, int32(k))
		case 3:
			return fmt.Sprintf("%s M[%d]", name, k)
		case 4:
			return name + " len"
		case 5:
			return fmt.Sprintf("%s 4*([%d]&0xf)", name, k)
		}
	case 2, 3:
		return fmt.Sprintf("%s M[%d]", [...]string{"st", "stx"}[op&1], k)
	case 4:
		if i := op >> 4 & 15; i < 11 {
			name := [...]string{"add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor"}[i]
			if op&8 != 0 {
				return name + " x"
			}
			return fmt.Sprintf("%s #%#x", name, k)
		}
	case 5:
		switch i := op >> 4 & 15; {
		case i == 0:
			return fmt.Sprintf("ja %d", k)
		case i < 5 && op&8 != 0:
			return fmt.Sprintf("%s x jt %d jf %d", [...]string{"ja", "jeq", "jgt", "jge", "jset"}[i], jt, jf)
		case i < 5:
			return fmt.Sprintf("%s #%#x jt %d jf %d", [...]string{"ja", "jeq", "jgt", "jge", "jset"}[i], k, jt, jf)
		}
	case 6:
		if op>>3&3 == 2 {
			return "ret a"
		}
		return fmt.Sprintf("ret #%d", k)
	case 7:
		return [...]string{"tax", "txa"}[op>>7&1]
	}
	return fmt.Sprintf("op %#x %d %d %#x", op, jt, jf, k)
}
