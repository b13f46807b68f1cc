// Package isolate cuts this machine from every network but the hub, and gives it back.
//
// Cut is everything that passes the kernel's network layer: in, out and forwarded, IPv4 and
// IPv6, on every interface and on those that come later, connections included that are
// open already. Kept are loopback, TCP with the hub's pinned addresses and ports, and
// what reaching them needs: ARP and IPv6 neighbour discovery. Nothing is resolved, so a name
// server is cut, too.
//
// On Linux the kernel's nftables does it (firewall_linux.go): tables of our own, called
// hozen_isolation, put there in one transaction and taken away in one; nobody else's rule is
// touched. The rules hold only as long as an element with a time-out is in a set of each
// table, so the kernel itself releases the machine after the time that was given, even if
// this program is dead. Nothing that nftables does not load itself is loaded.
//
// What is not stopped: what arrives can be heard by packet sockets, which stand before every
// hook (sending by them is stopped, from Linux 5.16); XDP and BPF programs; AF_XDP; flows that
// a network card forwards by itself; ARP and neighbour discovery carry little things to
// hosts on the same link; devices inside other network namespaces; vsock, Bluetooth, RDMA;
// and root can undo it. What of these the machine has is said in each Change (Around in
// around.go). Cut are, too: DHCP, on every system, since a datagram to port 67
// carries what one likes to whoever is on the link; so an address may end (a warning says when)
// and is not had again after a restart; and ICMP about packets that are too big for a way to the
// hub.
//
// On Windows the filtering platform does it (wfp.go is the plan, filtering.go puts it there and
// takes it away, firewall_windows.go translates): filters of a provider of our own, which hold
// across reboots. No clock of the kernel's ends them there: Watch, and every command, go by
// the deadline that is one of them.
//
// Begin with Machine (isolate.go); state.go is what survives a reboot, rules.go is what the
// tables hold, ruleset.go reads back what the kernel has, watch.go keeps it so.
package isolate
