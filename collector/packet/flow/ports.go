package flow

import (
	"net/netip"
	"slices"
	"strings"
)

// broadcast is never taken for a client.
var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// likelyServer says whether a port is one that servers listen on, by Zeek's
// likely_server_ports: those of the protocols that it knows.
func likelyServer(proto uint8, port uint16) bool {
	if proto == protoTCP {
		switch port {
		case 21, 2811, 22, 25, 587, 53, 80, 81, 631, 1080, 3128, 8000, 8080, 8888, 88, 110, 135, 139, 445, 143,
			389, 3268, 443, 563, 585, 614, 636, 989, 990, 992, 993, 995, 5223, 502, 20000, 3389, 1434, 3306, 5432,
			5222, 5269, 6379, 6666, 6667, 6668, 6669, 1883, 79:
			return true
		}
		return false
	}
	switch port {
	case 53, 137, 5353, 5355, 67, 88, 123, 161, 162, 389, 3268, 443, 784, 514, 1812, 2123, 2152, 3389, 3544, 4789, 5060, 5072,
		6081, 20000:
		return true
	}
	return false
}

// services is a set of what a flow was seen to speak.
type services uint32

// The services by content, by the names that Zeek gives them.
const (
	serviceHTTP services = 1 << iota
	serviceTLS
	serviceDNS
	serviceSSH
	serviceSMTP
	serviceFTP
	servicePOP3
	serviceIMAP
	serviceXMPP
	serviceSMB
	serviceRDP
	serviceIRC
	serviceSOCKS
	serviceQUIC
	serviceNTP
	serviceDHCP
	serviceBitTorrent
	serviceSTUN
	serviceSSDP
	serviceVNC
	serviceWireGuard
	serviceVXLAN
	serviceGeneve
	serviceGTP
	serviceTeredo
	serviceAYIYA
)

var serviceNames = []string{"http", "ssl", "dns", "ssh", "smtp", "ftp", "pop3", "imap", "xmpp", "smb", "rdp", "irc",
	"socks", "quic", "ntp", "dhcp", "bittorrent", "stun", "ssdp", "rfb", "wireguard", "vxlan", "geneve", "gtpv1", "teredo", "ayiya"}

func serviceTunnel(kind string) services {
	return 1 << max(slices.Index(serviceNames, kind), 0)
}

// serves notes what a flow was seen to speak.
func (c *conn) serves(s services) {
	c.sum.services |= s
	c.sum.byContent = true
}

func (s services) text() string {
	var names []string
	for i, name := range serviceNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// portService names what is usually behind a port (IANA's registry, and what is known
// of programs that chose their own).
func portService(proto uint8, port uint16) string {
	if proto != protoTCP && proto != protoUDP {
		return ""
	}
	switch port {
	case 20, 21:
		return "ftp"
	case 22:
		return "ssh"
	case 23:
		return "telnet"
	case 25, 587:
		return "smtp"
	case 53, 5353, 5355:
		return "dns"
	case 67, 68, 546, 547:
		return "dhcp"
	case 69:
		return "tftp"
	case 80, 8000, 8080, 8888, 3128:
		return "http"
	case 88, 464:
		return "krb"
	case 110:
		return "pop3"
	case 123:
		return "ntp"
	case 135:
		return "dce_rpc"
	case 137:
		return "netbios-ns"
	case 138:
		return "netbios-dgm"
	case 139, 445:
		return "smb"
	case 143:
		return "imap"
	case 161, 162:
		return "snmp"
	case 389, 3268:
		return "ldap"
	}
	return highPortService(proto, port)
}

func highPortService(proto uint8, port uint16) string {
	switch port {
	case 443:
		if proto == protoUDP {
			return "quic"
		}
		return "ssl"
	case 465, 636, 853, 989, 990, 992, 993, 995, 3269, 5223, 8443, 9443:
		return "ssl"
	case 500, 4500:
		return "ike"
	case 502:
		return "modbus"
	case 514:
		return "syslog"
	case 520:
		return "rip"
	case 631:
		return "ipp"
	case 873:
		return "rsync"
	case 1080:
		return "socks"
	case 1194:
		return "openvpn"
	case 1433:
		return "mssql"
	case 1812, 1813:
		return "radius"
	case 1883:
		return "mqtt"
	case 1900:
		return "ssdp"
	case 2049:
		return "nfs"
	case 3306:
		return "mysql"
	case 3389:
		return "rdp"
	case 3478:
		return "stun"
	case 4662, 4672:
		return "edonkey"
	case 5060, 5061:
		return "sip"
	case 5222, 5269:
		return "xmpp"
	case 5432:
		return "postgresql"
	case 5900, 5901:
		return "rfb"
	case 5985, 5986:
		return "winrm"
	case 6379:
		return "redis"
	case 6667:
		return "irc"
	case 6881:
		return "bittorrent"
	case 7070:
		return "anydesk"
	case 9050, 9150:
		return "tor-socks"
	case 27017:
		return "mongodb"
	case 51820:
		return "wireguard"
	}
	return ""
}
