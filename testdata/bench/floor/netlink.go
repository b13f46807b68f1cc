//go:build linux

package main

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// dumpNetns enters a network namespace (an empty name is our own) and dumps
// its socket and routing tables. It gives the bytes that the kernel answered,
// or -1. The thread stays in the namespace: every entry names its own.
func dumpNetns(name string, buf []byte) int {
	if name != "" {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1
		}
		err = unix.Setns(fd, unix.CLONE_NEWNET)
		unix.Close(fd)
		if err != nil {
			return -1
		}
	}
	total := 0
	if fd, err := dial(unix.NETLINK_SOCK_DIAG); err == nil {
		for _, m := range diagRequests() {
			total += dump(fd, 20 /* SOCK_DIAG_BY_FAMILY, sock_diag(7) */, m, buf)
		}
		unix.Close(fd)
	}
	if fd, err := dial(unix.NETLINK_ROUTE); err == nil {
		for _, kind := range []uint16{unix.RTM_GETLINK, unix.RTM_GETADDR, unix.RTM_GETNEIGH, unix.RTM_GETROUTE, unix.RTM_GETRULE} {
			total += dump(fd, kind, make([]byte, 16), buf)
		}
		unix.Close(fd)
	}
	return total
}

func dial(protocol int) (int, error) {
	return unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
}

// diagRequests are the requests of sock_diag(7), every state and extension.
func diagRequests() [][]byte {
	var all [][]byte
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		for _, proto := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_RAW} {
			m := make([]byte, 56) // struct inet_diag_req_v2
			m[0], m[1], m[2] = family, proto, 0xff
			binary.NativeEndian.PutUint32(m[4:], ^uint32(0))
			all = append(all, m)
		}
	}
	for family, size := range map[byte]int{unix.AF_UNIX: 24, unix.AF_NETLINK: 20, unix.AF_PACKET: 20} {
		m := make([]byte, size) // struct unix_diag_req, netlink_diag_req, packet_diag_req
		m[0] = family
		switch family {
		case unix.AF_UNIX:
			binary.NativeEndian.PutUint32(m[4:], ^uint32(0))
			binary.NativeEndian.PutUint32(m[12:], 0x3f)
		case unix.AF_NETLINK:
			m[1] = 255 // NDIAG_PROTO_ALL
		}
		all = append(all, m)
	}
	return all
}

// dump asks for one table and reads the answer up to NLMSG_DONE or an error, netlink(7).
func dump(fd int, kind uint16, body, buf []byte) int {
	m := make([]byte, 16, 16+len(body))
	binary.NativeEndian.PutUint32(m, uint32(16+len(body)))
	binary.NativeEndian.PutUint16(m[4:], kind)
	binary.NativeEndian.PutUint16(m[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	if unix.Sendto(fd, append(m, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return 0
	}
	total := 0
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil || n < 16 {
			return total
		}
		total += n
		for b := buf[:n]; len(b) >= 16; {
			size := int(binary.NativeEndian.Uint32(b)+3) &^ 3
			if t := binary.NativeEndian.Uint16(b[4:]); t == unix.NLMSG_DONE || t == unix.NLMSG_ERROR || size < 16 || size > len(b) {
				return total
			}
			b = b[size:]
		}
	}
}
