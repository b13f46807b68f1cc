package volatile

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
)

// A textTable is one table of /proc/net (proc_pid_net(5)).
type textTable struct {
	name     string
	protocol string // of its sockets; "" where the table is raw text only
	parse    func(line []byte, t *textTable, bigEndian bool) (SocketRow, bool)
	diag     string // the dump of sock_diag that shows the same sockets; "" if there is none
}

// textTables are the tables that are kept, in the order in which they are read:
// what changes fastest first. Those with a parser become rows.
func textTables() []textTable {
	out := []textTable{
		{"tcp", "tcp", parseInetLine, "tcp"}, {"tcp6", "tcp", parseInetLine, "tcp6"},
		{"udp", "udp", parseInetLine, "udp"}, {"udp6", "udp", parseInetLine, "udp6"},
		{"unix", "", parseUnixLine, "unix"}, {"packet", "", parsePacketLine, "packet"}, {"netlink", "", parseNetlinkLine, "netlink"},
		{"raw", "raw", parseInetLine, "raw"}, {"raw6", "raw", parseInetLine, "raw6"},
		{"icmp", "icmp", parseInetLine, ""}, {"icmp6", "icmp", parseInetLine, ""},
		{"udplite", "udplite", parseInetLine, "udplite"}, {"udplite6", "udplite", parseInetLine, "udplite6"},
	}
	for _, name := range []string{"l2cap", "rfcomm", "sco", "hci", "bnep", "cmtp", "hidp", "iso"} {
		out = append(out, textTable{name, name, parseBluetoothLine, ""})
	}
	for _, name := range []string{
		"sctp/assocs", "sctp/eps", "sctp/remaddr", "vsock", "llc/socket", "x25/socket", "ax25", "can/rcvlist_all", "can/stats",
		"phonet", "pppol2tp", "pppoe", "sockstat", "sockstat6", "snmp", "snmp6", "sctp/snmp", "netstat", "protocols", "ptype",
		"igmp", "igmp6", "mcfilter", "mcfilter6", "ip6_flowlabel", "softnet_stat",
	} {
		out = append(out, textTable{name: name})
	}
	return out
}

// parseText gives the rows of a table and how many lines were not understood;
// the first line is the header. A unix socket's name may hold newlines: a line
// that is no row is taken for the rest of the name before it; but such a rest
// may be made to look like a row, and then like another socket.
func parseText(text []byte, t *textTable, netns uint64, bigEndian bool) (rows []SocketRow, strange int) {
	_, text = cutLine(text)
	for len(text) > 0 {
		var line []byte
		line, text = cutLine(text)
		row, ok := t.parse(line, t, bigEndian)
		if last := len(rows) - 1; !ok && last >= 0 && rows[last].Path != "" {
			rows[last].Path += "\n" + jsonl.Text(line)
			continue
		}
		if !ok {
			strange++
			continue
		}
		row.NetNS, row.Views = netns, SeenByProcNet
		rows = append(rows, row)
	}
	return rows, strange
}

// cutLine cuts the first line, without its newline.
func cutLine(text []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(text, []byte{'\n'})
	return line, rest
}

// fieldsOf splits a line at blanks into at most len(into) fields, without
// allocating; the last field has the rest of the line.
func fieldsOf(line []byte, into [][]byte) [][]byte {
	n := 0
	for n < len(into) {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 {
			break
		}
		end := bytes.IndexAny(line, " \t")
		if end < 0 || n == len(into)-1 {
			end = len(line)
		}
		into[n], line = line[:end], line[end:]
		n++
	}
	return into[:n]
}

// parseInetLine reads a line of tcp, udp, raw, icmp, udplite and their IPv6
// kin (net/ipv4/tcp_ipv4.c get_tcp4_sock, net/ipv4/udp.c udp4_format_sock …):
// sl, local and remote address, state, queues, timer, retransmits, uid, timeout, inode.
func parseInetLine(line []byte, t *textTable, bigEndian bool) (r SocketRow, ok bool) {
	var room [13][]byte
	f := fieldsOf(line, room[:])
	if len(f) < 10 || len(f[5]) < 4 {
		return r, false
	}
	if r.LocalAddr, r.LocalPort, ok = hexAddr(f[1], bigEndian); !ok {
		return r, false
	}
	if r.RemoteAddr, r.RemotePort, ok = hexAddr(f[2], bigEndian); !ok {
		return r, false
	}
	r.Family, r.Protocol = "inet", t.protocol
	if r.LocalAddr.Is6() {
		r.Family = "inet6"
	}
	state, ok1 := hexNum(f[3], 8)
	q1, q2, ok2 := bytes.Cut(f[4], []byte{':'})
	tx, ok3 := hexNum(q1, 32)
	rx, ok4 := hexNum(q2, 32)
	tr, when, ok5 := bytes.Cut(f[5], []byte{':'})
	timer, ok6 := hexNum(tr, 8)
	ticks, ok7 := hexNum(when, 64)
	retrans, ok8 := hexNum(f[6], 32)
	uid, ok9 := proc.Number(f[7])
	inode, ok10 := proc.Number(f[9])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7 && ok8 && ok9 && ok10) || uid > 0xffffffff {
		return r, false
	}
	r.State, r.SendQ, r.RecvQ = tcpState(uint8(state)), uint32(tx), uint32(rx)
	if r.Timer = timerName(uint8(timer)); timer != 0 {
		r.TimerMS = ticks * 10 // USER_HZ is 100 on every system of today (include/asm-generic/param.h)
	}
	r.Retrans, r.UID, r.Inode = uint32(retrans), uidOf(uint32(uid)), inode
	if t.protocol == "raw" {
		r.IPProtocol, r.LocalPort = r.LocalPort, 0
	}
	if t.protocol != "tcp" && len(f) == 13 {
		r.Drops, _ = proc.Number(bytes.TrimSpace(f[12]))
	}
	return r, true
}

// hexAddr reads "0100007F:0016": the address is written word by word as numbers
// in the order of the machine that wrote it, the port as a number.
func hexAddr(b []byte, bigEndian bool) (a netip.Addr, port uint32, ok bool) {
	at := bytes.IndexByte(b, ':')
	if at != 8 && at != 32 {
		return a, 0, false
	}
	p, ok := hexNum(b[at+1:], 16)
	if !ok {
		return a, 0, false
	}
	var raw [16]byte
	if _, err := hex.Decode(raw[:at/2], b[:at]); err != nil {
		return a, 0, false
	}
	if !bigEndian {
		for i := 0; i < at/2; i += 4 {
			binary.BigEndian.PutUint32(raw[i:], binary.LittleEndian.Uint32(raw[i:]))
		}
	}
	if at == 8 {
		return netip.AddrFrom4([4]byte(raw[:4])), uint32(p), true
	}
	return netip.AddrFrom16(raw), uint32(p), true
}

// hexNum reads a hexadecimal number that fills b and has at most bits bits.
func hexNum(b []byte, bits int) (uint64, bool) {
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b), 16, bits)
	return n, err == nil
}

// parseUnixLine reads "Num: RefCount Protocol Flags Type St Inode Path"
// (net/unix/af_unix.c, unix_seq_show). An abstract name has @ for its first
// NUL, so a path that begins with @ cannot be told from one.
func parseUnixLine(line []byte, _ *textTable, _ bool) (r SocketRow, ok bool) {
	var room [7][]byte
	f := fieldsOf(line, room[:])
	if len(f) < 7 || !bytes.HasSuffix(f[0], []byte{':'}) {
		return r, false
	}
	num, path, named := bytes.Cut(f[6], []byte{' '})
	flags, ok1 := hexNum(f[3], 32)
	typ, ok2 := hexNum(f[4], 16)
	state, ok3 := hexNum(f[5], 8)
	inode, ok4 := proc.Number(num)
	if !(ok1 && ok2 && ok3 && ok4) {
		return r, false
	}
	r.Family, r.Type, r.Inode = "unix", socketType(uint8(typ)), inode
	switch {
	case flags&(1<<16) != 0: // __SO_ACCEPTCON
		r.State = "listen"
	case state == 3: // SS_CONNECTED
		r.State = "established"
	default:
		r.State = "close"
	}
	if named {
		r.Path = jsonl.Text(path)
		if r.Abstract = bytes.HasPrefix(path, []byte{'@'}); r.Abstract {
			r.Path = r.Path[1:]
		}
	}
	return r, true
}

// parsePacketLine reads "sk RefCnt Type Proto Iface R Rmem User Inode" (net/packet/af_packet.c, packet_seq_show).
func parsePacketLine(line []byte, _ *textTable, _ bool) (r SocketRow, ok bool) {
	var room [10][]byte
	f := fieldsOf(line, room[:])
	if len(f) != 9 {
		return r, false
	}
	typ, ok1 := proc.Number(f[2])
	proto, ok2 := hexNum(f[3], 16)
	iface, ok3 := proc.Number(f[4])
	rmem, ok4 := proc.Number(f[6])
	uid, ok5 := proc.Number(f[7])
	inode, ok6 := proc.Number(f[8])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || uid > 0xffffffff {
		return r, false
	}
	r.Family, r.Type, r.Packet = "packet", socketType(uint8(typ)), &SocketPacket{EtherType: uint16(proto)}
	r.IfIndex, r.RecvQ, r.UID, r.Inode = uint32(iface), uint32(rmem), uidOf(uint32(uid)), inode
	return r, true
}

// parseNetlinkLine reads "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode"
// (net/netlink/af_netlink.c, netlink_native_seq_show). Groups has the first 32 only.
func parseNetlinkLine(line []byte, _ *textTable, _ bool) (r SocketRow, ok bool) {
	var room [11][]byte
	f := fieldsOf(line, room[:])
	if len(f) != 10 {
		return r, false
	}
	proto, ok1 := proc.Number(f[1])
	port, ok2 := proc.Number(bytes.TrimPrefix(f[2], []byte{'-'}))
	groups, ok3 := hexNum(f[3], 32)
	rmem, ok4 := proc.Number(f[4])
	wmem, ok5 := proc.Number(f[5])
	drops, ok6 := proc.Number(f[8])
	inode, ok7 := proc.Number(f[9])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) || proto > 255 {
		return r, false
	}
	if f[2][0] == '-' { // written as a signed number by old kernels
		port = -port
	}
	r.Family, r.Protocol, r.LocalPort = "netlink", netlinkName(uint8(proto)), uint32(port)
	r.Netlink = &SocketNetlink{Number: uint8(proto)}
	if groups != 0 {
		r.Netlink.Groups = groupMask(binary.NativeEndian.AppendUint32(nil, uint32(groups)))
	}
	r.RecvQ, r.SendQ, r.Drops, r.Inode = uint32(rmem), uint32(wmem), drops, inode
	return r, true
}

// parseBluetoothLine reads "sk RefCnt Rmem Wmem User Inode Parent …" (net/bluetooth/af_bluetooth.c, bt_seq_show).
func parseBluetoothLine(line []byte, t *textTable, _ bool) (r SocketRow, ok bool) {
	var room [8][]byte
	f := fieldsOf(line, room[:])
	if len(f) < 6 {
		return r, false
	}
	rmem, ok1 := proc.Number(f[2])
	wmem, ok2 := proc.Number(f[3])
	uid, ok3 := proc.Number(f[4])
	inode, ok4 := proc.Number(f[5])
	if !(ok1 && ok2 && ok3 && ok4) || uid > 0xffffffff {
		return r, false
	}
	r.Family, r.Protocol, r.RecvQ, r.SendQ = "bluetooth", t.protocol, uint32(rmem), uint32(wmem)
	r.UID, r.Inode = uidOf(uint32(uid)), inode
	return r, true
}
