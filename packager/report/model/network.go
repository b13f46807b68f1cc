package model

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"hozen/packager/evidence/sorting"
)

// A Socket is a connection, or a program that waits for one, over IP.
type Socket struct {
	Protocol, State    string
	Local, Remote      string // address and port
	RemoteAddr         string
	Scope              string // of the remote address: public, private, own, none
	Listen             bool
	PID                int64 // of the first holder; -1 if none is known
	Name               string
	Holders            int
	Sent, Received     int64
	HasBytes, Hidden   bool // Hidden: a view that lists such sockets does not show it
	Since              string
	localPort, remPort int64
}

type socketRow struct {
	Family   text   `json:"family"`
	Protocol text   `json:"protocol"`
	State    text   `json:"state"`
	Local    text   `json:"local_addr"`
	LPort    number `json:"local_port"`
	Remote   text   `json:"remote_addr"`
	RPort    number `json:"remote_port"`
	Created  text   `json:"created"`
	Unseen   texts  `json:"unseen_by"`
	Holders  []struct {
		PID  number `json:"pid"`
		Comm text   `json:"comm"`
	} `json:"holders"`
	TCP *struct {
		Sent     number `json:"bytes_sent"`
		Acked    number `json:"bytes_acked"`
		Received number `json:"bytes_received"`
	} `json:"tcp_info"`
	Module text `json:"owner_module"`
}

func (m *Model) socket(b []byte) bool {
	var r socketRow
	if !decode(b, &r) {
		return false
	}
	if r.Family != "inet" && r.Family != "inet6" {
		return true // of this machine alone
	}
	if len(m.Sockets) >= maxSockets {
		m.table("volatile/sockets.jsonl").Cut++
		return true
	}
	s := Socket{
		Protocol: string(r.Protocol), State: string(r.State), PID: -1, Holders: len(r.Holders), Since: string(r.Created), Hidden: len(r.Unseen) > 0,
		Local: endpoint(r.Local, r.LPort), Remote: endpoint(r.Remote, r.RPort), RemoteAddr: string(r.Remote), Scope: scopeOf(string(r.Remote)),
		localPort: r.LPort.n, remPort: r.RPort.n,
	}
	s.Listen = s.Scope == "none"
	if s.Listen {
		s.Remote, s.RemoteAddr = "", ""
	}
	if len(r.Holders) > 0 && r.Holders[0].PID.ok {
		s.PID, s.Name = r.Holders[0].PID.n, string(r.Holders[0].Comm)
	}
	s.Name = firstOf(s.Name, string(r.Module))
	if r.TCP != nil && !s.Listen {
		s.HasBytes, s.Sent, s.Received = true, cmp.Or(r.TCP.Acked.n, r.TCP.Sent.n), r.TCP.Received.n
	}
	m.Sockets = append(m.Sockets, s)
	return true
}

func endpoint(a text, port number) string {
	if a == "" {
		return ""
	}
	host := string(a)
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.FormatInt(port.n, 10)
}

// scopeOf says where an address is.
func scopeOf(s string) string {
	a, err := netip.ParseAddr(s)
	if err != nil || a.IsUnspecified() {
		return "none"
	}
	switch a = a.Unmap(); {
	case a.IsLoopback():
		return "own"
	case a.IsPrivate(), a.IsLinkLocalUnicast(), a.IsMulticast(), a.IsLinkLocalMulticast():
		return "private"
	}
	return "public"
}

// finishSockets names the processes, and puts those that speak with the outside first.
func (m *Model) finishSockets() {
	names := map[int64]string{}
	for _, p := range m.Processes {
		names[p.PID] = p.Name
	}
	for i := range m.Sockets {
		s := &m.Sockets[i]
		if n := names[s.PID]; n != "" && s.PID >= 0 {
			s.Name = n
		}
	}
	rank := func(s *Socket) int {
		return map[string]int{"public": 0, "private": 1, "none": 2, "own": 3}[s.Scope]
	}
	sorting.By(m.Sockets, func(a, b Socket) int {
		return cmp.Or(rank(&a)-rank(&b), cmp.Compare(a.Name, b.Name), cmp.Compare(a.PID, b.PID), cmp.Compare(a.Remote, b.Remote), cmp.Compare(a.localPort, b.localPort))
	})
	sorting.By(m.Remotes, func(a, b Remote) int { return cmp.Compare(b.Out, a.Out) })
}

// A Peer is a remote address with what speaks with it.
type Peer struct {
	Addr, Scope string
	Sockets     int
	Sent        int64
	Received    int64
	HasBytes    bool
	Who         []string
	Ports       []int64
}

// Peers gives the remote addresses, public ones first, those with most sent first.
func (m *Model) Peers() []Peer {
	at := map[string]int{}
	var list []Peer
	for _, s := range m.Sockets {
		if s.Listen || s.RemoteAddr == "" {
			continue
		}
		i, ok := at[s.RemoteAddr]
		if !ok {
			i = len(list)
			at[s.RemoteAddr] = i
			list = append(list, Peer{Addr: s.RemoteAddr, Scope: s.Scope})
		}
		p := &list[i]
		p.Sockets++
		p.Sent, p.Received, p.HasBytes = p.Sent+s.Sent, p.Received+s.Received, p.HasBytes || s.HasBytes
		who := s.Name
		if s.PID >= 0 {
			who += " (" + itoa(s.PID) + ")"
		}
		if who != "" && len(p.Who) < 8 && !slices.Contains(p.Who, who) {
			p.Who = append(p.Who, who)
		}
		if len(p.Ports) < 16 && !slices.Contains(p.Ports, s.remPort) {
			p.Ports = append(p.Ports, s.remPort)
		}
	}
	rank := map[string]int{"public": 0, "private": 1, "own": 2}
	sorting.By(list, func(a, b Peer) int {
		return cmp.Or(rank[a.Scope]-rank[b.Scope], cmp.Compare(b.Sent, a.Sent), cmp.Compare(a.Addr, b.Addr))
	})
	return list
}

// A Remote is an address with which packets were exchanged while they were captured.
type Remote struct {
	Addr, Scope       string
	Names, Ports, Who string
	Out, In           int64
	Flows             int64
	First, Last       string
}

type remoteRow struct {
	Remote  text   `json:"remote"`
	Scope   text   `json:"scope"`
	Names   texts  `json:"names"`
	Ports   texts  `json:"ports"`
	Out     number `json:"bytes_out"`
	In      number `json:"bytes_in"`
	Flows   number `json:"flows"`
	First   text   `json:"first"`
	Last    text   `json:"last"`
	Process []struct {
		PID number `json:"pid"`
		Exe text   `json:"exe"`
	} `json:"processes"`
}

func (m *Model) remote(b []byte) bool {
	var r remoteRow
	if !decode(b, &r) {
		return false
	}
	if len(m.Remotes) >= maxRows {
		m.table("network/remotes.jsonl").Cut++
		return true
	}
	var who texts
	for _, p := range r.Process[:min(len(r.Process), 8)] {
		who = append(who, p.Exe+text(" ("+itoa(p.PID.n)+")"))
	}
	m.Remotes = append(m.Remotes, Remote{string(r.Remote), string(r.Scope), r.Names.comma(), r.Ports.comma(), who.comma(), r.Out.n, r.In.n, r.Flows.n, string(r.First), string(r.Last)})
	return true
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
