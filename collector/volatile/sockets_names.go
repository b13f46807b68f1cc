package volatile

import "strconv"

// tcpState names the states of include/net/tcp_states.h, which the other families use too.
func tcpState(n uint8) string {
	names := [...]string{
		"", "established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2", "time-wait",
		"close", "close-wait", "last-ack", "listen", "closing", "new-syn-recv", "bound",
	}
	if int(n) < len(names) && n > 0 {
		return names[n]
	}
	return strconv.Itoa(int(n))
}

// timerName is the timer of idiag_timer and of the column "tr" (net/ipv4/tcp_diag.c, tcp_ipv4.c).
func timerName(n uint8) string {
	names := [...]string{"", "on", "keepalive", "timewait", "persist"}
	if int(n) < len(names) {
		return names[n]
	}
	return strconv.Itoa(int(n))
}

// socketType names SOCK_* (include/linux/net.h).
func socketType(n uint8) string {
	names := [...]string{"", "stream", "dgram", "raw", "rdm", "seqpacket", "dccp"}
	switch {
	case int(n) < len(names):
		return names[n]
	case n == 10:
		return "packet"
	}
	return strconv.Itoa(int(n))
}

// shutdownName names the bits RCV_SHUTDOWN and SEND_SHUTDOWN (include/net/sock.h).
func shutdownName(n uint8) string { return [...]string{"", "receive", "send", "both"}[n&3] }

// netlinkName names NETLINK_* (include/uapi/linux/netlink.h).
func netlinkName(n uint8) string {
	names := [...]string{
		"route", "unused", "usersock", "firewall", "sock_diag", "nflog", "xfrm", "selinux", "iscsi", "audit", "fib_lookup",
		"connector", "netfilter", "ip6_fw", "dnrtmsg", "kobject_uevent", "generic", "", "scsitransport", "ecryptfs", "rdma", "crypto", "smc",
	}
	if int(n) < len(names) && names[n] != "" {
		return names[n]
	}
	return strconv.Itoa(int(n))
}
