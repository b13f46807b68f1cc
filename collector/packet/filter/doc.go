// Package filter compiles the filter language of tcpdump (pcap-filter(7)) to
// classic BPF, without libpcap. It knows the part of the language that chooses
// by protocol, address, port and length:
//
//	host A, src host A, dst host A, src A …   A: an IPv4 or IPv6 address
//	net N/LEN, net N mask M, src net …        N: an IPv4 or IPv6 network
//	port P, portrange P-Q                     with src, dst; tcp, udp or sctp before it
//	ip, ip6, arp, rarp, tcp, udp, sctp, icmp, icmp6, igmp, esp, ah, pim, vrrp
//	proto N, ip proto N, ip6 proto N          N: a number or one of those names
//	ether host M, ether src M, ether dst M    M: aa:bb:cc:dd:ee:ff
//	ether proto N, ether broadcast, ether multicast, broadcast, multicast
//	less N, greater N                         length in bytes, N itself included
//	and &&, or ||, not !, ( )
//
// As in libpcap, "and" and "or" bind equally strongly, from left to right, and
// what follows one of them without a keyword takes the keywords before it: "tcp
// port 80 or 443". Names of hosts and services are refused, for nothing is
// resolved; so is arithmetic ("tcp[13] & 2 != 0"), "vlan" and what else libpcap has.
//
// What matches is what matches in libpcap: a port is never found in a fragment
// but the first; in IPv6 a port is looked for only right behind the fixed
// header, a protocol there or behind one fragment header, and other extension
// headers hide both; "host" and "net" look into ARP and RARP, too; a frame too
// short for a test does not match, whatever the rest says. A VLAN tag that stands
// in the frame hides what is behind it; one that the network card or the kernel
// took out before (as usual on a live interface) does not.
//
// Begin with Parse; parse.go has the grammar, primitive.go what each word tests,
// compile.go the code.
package filter
