package indicators

import (
	"io"
	"slices"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/volatile"
)

func netKinds() []Kind {
	return []Kind{
		{ID: "net-shell-socket", Technique: "T1059.004", Level: memory.High,
			Doc:    "a shell or an interpreter whose standard input or output is a connection, or any program for which both are one",
			Benign: []string{"inetd and socket units of systemd", "remote administration without a terminal (sshd uses pipes and pairs of local sockets)"}},
		{ID: "net-packet-socket", Technique: "T1040", Level: memory.Medium,
			Doc:    "a process sees frames before the firewall does (AF_PACKET); high with a filter and an image that is no program's usual place",
			Benign: []string{"DHCP clients and servers, network managers, lldpd", "tcpdump, Wireshark, Suricata, Zeek"}},
		{ID: "net-raw-socket", Technique: "T1205.002", Level: memory.Medium,
			Doc:    "a process takes and sends IP packets by hand (SOCK_RAW)",
			Benign: []string{"ping, traceroute, routing daemons, VPNs, DHCP"}},
		{ID: "net-promiscuous", Technique: "T1040", Level: memory.Medium,
			Doc:    "a network link takes frames that are not for this machine",
			Benign: []string{"ports of bridges, bonds and virtual switches", "packet capture by the administrator"}},
		{ID: "net-listener-without-process", Technique: "T1014", Level: memory.Medium,
			Doc:    "a socket waits for connections or packets, and no process has it open",
			Benign: []string{"services inside of the kernel: NFS, WireGuard, VXLAN, ksmbd", "a process whose descriptors may not be read"}},
		{ID: "net-socket-filter", Technique: "T1205.002", Level: memory.Medium,
			Doc:    "a program in the kernel picks the packets that a socket gets",
			Benign: []string{"whatever captures packets; DHCP clients", "QUIC and DNS servers that spread load"}},
		{ID: "net-xdp", Technique: "T1205.002", Level: memory.Medium,
			Doc:    "an eBPF program sees a link's packets before any firewall or capture does (XDP)",
			Benign: []string{"Cilium, Katran, load balancers, protection from floods"}},
		{ID: "net-tc", Technique: "T1205.002", Level: memory.Medium,
			Doc:    "an eBPF program sees or changes a link's packets in traffic control",
			Benign: []string{"Cilium, Calico, systemd-networkd, bandwidth managers"}},
	}
}

// A netView is one look at the sockets, with what the pass saw of processes.
type netView struct {
	sockets []*volatile.SocketRow
	byInode map[uint64]*volatile.SocketRow
	seen    map[int]*summary
	links   volatile.Links
	folder  string // of the raw answers about links
	member  string // of the archive: the rows of sockets
}

// checkNet compares sockets with the processes that hold them, and looks at what
// hangs on links.
func checkNet(s *survey) {
	v, err := lookAtNet(s, "sockets")
	if err != nil {
		return
	}
	var links error
	v.folder = "memory/indicators/host/links"
	if v.links, links = volatile.ReadLinks(s.ctx, s.host, s.to, v.folder); links != nil {
		s.stop(links)
		return
	}
	s.note("links", v.links.Tally.Err())
	for _, f := range slices.Concat(v.shells(), v.packets(), v.filters()) {
		f.evidence = append(f.evidence, v.member)
		s.report(f)
	}
	for _, f := range slices.Concat(v.promiscuous(), v.xdp(s.programs), v.tc(s.programs)) {
		s.report(f)
	}
	var alone []finding
	for _, f := range v.listeners(s) {
		if f.explained == "" {
			alone = append(alone, f)
			continue
		}
		f.evidence = []string{v.member} // low anyway: not worth the wait
		s.report(f)
	}
	if len(alone) == 0 || !s.wait(kernelAgain) {
		return
	}
	second, err := lookAtNet(s, "sockets-again")
	if err != nil {
		return
	}
	second.links = v.links
	for _, f := range inBoth(alone, second.listeners(s)) {
		f.evidence = []string{v.member, second.member}
		s.report(f)
	}
}

// lookAtNet reads all sockets and puts them as memory/indicators/host/NAME.jsonl.
func lookAtNet(s *survey, name string) (*netView, error) {
	v := &netView{byInode: map[uint64]*volatile.SocketRow{}, seen: s.seen}
	var err error
	v.sockets, err = volatile.ReadSockets(s.ctx, s.host)
	s.note("sockets", err)
	v.member = s.put(name+".jsonl", "sock_diag, /proc/net, /proc/PID/fd", func(w io.Writer) error {
		if werr := jsonl.Write(w, v.sockets); werr != nil {
			return werr
		}
		return err
	})
	if len(v.sockets) == 0 && err != nil {
		return nil, err
	}
	for _, r := range v.sockets {
		if r.Inode != 0 {
			v.byInode[r.Inode] = r
		}
	}
	return v, nil
}

// holders gives the processes that hold a socket, as the pass saw them.
func (v *netView) holders(r *volatile.SocketRow) (out []*summary) {
	for _, h := range r.Holders {
		p := v.seen[h.PID]
		if p == nil {
			p = &summary{Subject: memory.Subject{PID: h.PID, StartTicks: h.StartTicks, Comm: h.Comm}}
		}
		if !slices.ContainsFunc(out, func(o *summary) bool { return o.PID == p.PID }) {
			out = append(out, p)
		}
	}
	return out
}
