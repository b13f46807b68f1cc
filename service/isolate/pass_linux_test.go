package isolate

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A probe is something sent to somebody.
type probe struct{ from, network, to string }

func (p probe) String() string { return p.from + " " + p.network + " " + p.to }

// all probes at once: most of them wait for what never comes.
func (l *lab) all(probes []probe) map[probe]error {
	out := map[probe]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, p := range probes {
		wg.Go(func() {
			err := l.reaches(p.from, p.network, p.to)
			mu.Lock()
			defer mu.Unlock()
			out[p] = err
		})
	}
	wg.Wait()
	return out
}

// want fails unless all probes pass, or none. What must pass is tried for some seconds:
// neighbours that were cut off are asked again only after a while.
func (l *lab) want(when string, pass bool, probes []probe) {
	l.t.Helper()
	for end := time.Now().Add(long); ; {
		var wrong []string
		var again []probe
		for p, err := range l.all(probes) {
			if (err == nil) != pass {
				wrong, again = append(wrong, fmt.Sprintf("%v: passes: %v (%v)", p, err == nil, err)), append(again, p)
			}
		}
		if len(wrong) == 0 {
			return
		}
		if !pass || time.Now().After(end) {
			l.t.Fatalf("%s: want %v:\n%s", when, pass, strings.Join(wrong, "\n"))
		}
		probes = again
	}
}

// both makes probes for both families: N is the last number of the address.
func both(from, network string, n int, port string) []probe {
	if network == "icmp" {
		return []probe{{from, network, fmt.Sprintf("192.0.2.%d", n)}, {from, network, fmt.Sprintf("2001:db8::%d", n)}}
	}
	return []probe{{from, network, fmt.Sprintf("192.0.2.%d:%s", n, port)}, {from, network, fmt.Sprintf("[2001:db8::%d]:%s", n, port)}}
}

// Nothing but the hub passes: both families, both directions, every protocol, what was
// open before, what comes later, what is forwarded; so after a reboot; and after the release
// everything passes again and the rules of others are the same bytes.
func TestNothingButTheHubPasses(t *testing.T) {
	l := newLab(t)
	for _, at := range []string{"pc", "hub", "other"} {
		for _, port := range []string{"4222", "4223", "53"} {
			l.echo(at, ":"+port)
		}
	}
	l.echo("far", ":4222")
	// A network behind pc, which forwards.
	l.ip("netns", "add", l.ns("behind"))
	t.Cleanup(func() { l.ip("netns", "del", l.ns("behind")) })
	l.on("behind", "link", "set", "lo", "up")
	l.link("pc", "eth7", "behind", "eth0")
	l.addr("pc", "eth7", "203.0.113.1/24", "2001:db8:7::1/64")
	l.addr("behind", "eth0", "203.0.113.2/24", "2001:db8:7::2/64")
	l.gateway("behind", "203.0.113.1", "2001:db8:7::1")
	l.forward("pc")
	for _, ns := range []string{"hub", "other"} {
		l.on(ns, "route", "add", "203.0.113.0/24", "via", "192.0.2.1")
		l.on(ns, "route", "add", "2001:db8:7::/64", "via", "2001:db8::1")
	}
	l.tool("pc", "table ip x { chain c { type filter hook input priority 0; ct state established counter accept; }; }", "nft", "-f", "-")

	kept := slices.Concat(both("pc", "tcp", 2, "4222"), []probe{{"pc", "tcp", "198.51.100.2:4222"}, {"pc", "tcp", "[2001:db8:1::2]:4222"}, {"pc", "tcp", "127.0.0.1:4223"}, {"pc", "udp", "[::1]:53"}, {"pc", "tcp", "192.0.2.1:4223"}})
	cut := slices.Concat(both("pc", "tcp", 2, "4223"), both("pc", "udp", 2, "4222"), both("pc", "udp", 2, "53"), both("pc", "icmp", 2, ""),
		both("pc", "tcp", 3, "4222"), both("pc", "udp", 3, "4222"), both("pc", "tcp", 3, "53"), both("pc", "udp", 3, "53"), both("pc", "icmp", 3, ""),
		both("other", "tcp", 1, "4223"), both("other", "udp", 1, "53"), both("other", "icmp", 1, ""), both("hub", "tcp", 1, "4223"), both("hub", "icmp", 1, ""),
		both("behind", "tcp", 3, "4222"), both("behind", "tcp", 2, "4222"), both("behind", "icmp", 2, ""), both("behind", "udp", 3, "53"))
	l.want("before", true, kept)
	l.want("before", true, cut)
	var flows, hubFlows []net.Conn
	open := func(list *[]net.Conn, probes []probe) {
		for _, p := range probes {
			c, err := l.dial(p.from, p.network, p.to, long)
			if err == nil {
				err = passes(c)
			}
			if err != nil {
				t.Fatalf("%v: %v", p, err)
			}
			*list = append(*list, c)
		}
	}
	open(&flows, slices.Concat(both("pc", "tcp", 3, "4222"), both("pc", "udp", 3, "53"), both("other", "tcp", 1, "4223"), both("pc", "tcp", 2, "4223"), both("behind", "tcp", 2, "4222")))
	open(&hubFlows, both("pc", "tcp", 2, "4222"))
	before := l.rawDump("pc")

	m := l.machine()
	hubs := []string{"192.0.2.2:4222", "[2001:db8::2]:4222", "198.51.100.2:4222", "[2001:db8:1::2]:4222"}
	c := l.isolated(m, time.Hour, hubs...)
	if len(c.Missing) > 0 {
		t.Skipf("kernel has no %q", c.Missing)
	}
	isolated := func(when string) {
		t.Helper()
		for _, ns := range []string{"pc", "hub", "other", "far"} {
			l.on(ns, "neigh", "flush", "all") // the hub must be found again
		}
		l.want(when, true, kept)
		l.want(when, false, cut)
		if st := l.status(m); st.Kernel != Cut || !st.Agree {
			t.Errorf("%s: status %+v", when, st)
		}
	}
	isolated("isolated")
	for i, c := range flows {
		if said(c, patience) == nil {
			t.Errorf("isolated: flow %d that was open before still passes: %v", i, c.RemoteAddr())
		}
	}
	for _, c := range hubFlows {
		if err := passes(c); err != nil {
			t.Errorf("isolated: the flow to the hub that was open before is cut: %v", err)
		}
	}
	// An interface that comes later, with nobody watching.
	l.link("pc", "late0", "other", "late0")
	l.addr("pc", "late0", "192.0.3.1/24", "2001:db8:3::1/64")
	l.addr("other", "late0", "192.0.3.2/24", "2001:db8:3::2/64")
	late := []probe{{"pc", "tcp", "192.0.3.2:4222"}, {"pc", "udp", "[2001:db8:3::2]:53"}, {"pc", "icmp", "192.0.3.2"}, {"pc", "icmp", "2001:db8:3::2"}, {"other", "tcp", "192.0.3.1:4222"}, {"other", "icmp", "2001:db8:3::1"}}
	l.want("a new interface", false, late)

	// A reboot: the kernel has forgotten everything.
	l.tool("pc", "", "sh", "-c", "for f in inet netdev bridge; do nft delete table $f "+Table+"; done")
	if st := l.status(m); st.Kernel != Open || st.Agree || st.File != Cut || !strings.Contains(st.Problem, "the kernel says open") {
		t.Errorf("the tables are gone: %+v", st)
	}
	l.want("without the tables", true, late)
	l.in("pc", func() {
		if c, err := m.Restore(context.Background()); err != nil || !c.Verified || c.Cause != byBoot {
			t.Errorf("restore: %v %+v", err, c)
		}
	})
	isolated("after a reboot")
	l.want("after a reboot", false, late)

	l.in("pc", func() {
		if c, err := m.Off(context.Background(), Why{Reason: "done"}); err != nil || !c.Verified || c.Event != Rejoined || len(c.Others) > 0 {
			t.Errorf("off: %v %+v", err, c)
		}
	})
	l.want("released", true, slices.Concat(kept, cut, late))
	// The counter of the one rule has gone on; the rest is the same.
	if after := l.rawDump("pc"); len(after) != len(before) {
		t.Errorf("the rules of others: %d bytes, %d before", len(after), len(before))
	}
}

// Rules of every kind that belong to others are the same bytes after the release.
func TestReleaseLeavesTheRulesOfOthers(t *testing.T) {
	l := newLab(t)
	l.on("pc", "link", "set", "eth0", "down") // no packet moves a counter
	l.tool("pc", othersRules, "nft", "-f", "-")
	for _, tool := range []string{"iptables-nft", "ip6tables-nft"} {
		for _, r := range []string{
			"-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", "-A INPUT -p tcp -m multiport --dports 22,80,443 -m comment --comment web -j ACCEPT",
			"-N DOCKER", "-A FORWARD -o eth0 -j DOCKER", "-A DOCKER -m limit --limit 5/min -j LOG --log-prefix x:", "-t nat -A POSTROUTING -o eth0 -j MASQUERADE", "-t mangle -A PREROUTING -j MARK --set-mark 7", "-P FORWARD DROP",
		} {
			l.tool("pc", "", append([]string{tool}, strings.Fields(r)...)...)
		}
	}
	list := func() string {
		return l.tool("pc", "", "nft", "-a", "list", "ruleset") + l.tool("pc", "", "iptables-nft-save", "-c") + l.tool("pc", "", "ip6tables-nft-save", "-c")
	}
	before, text := l.rawDump("pc"), list()
	m := l.machine()
	for range 3 {
		l.isolated(m, time.Hour, "192.0.2.2:4222")
		l.isolated(m, time.Hour, "[2001:db8::2]:4222") // on again: others than before
		l.in("pc", func() {
			if c, err := m.Off(context.Background(), Why{}); err != nil || !c.Verified || len(c.Others) > 0 || c.Before.SHA256 == c.After.SHA256 || c.After.Tables < 10 {
				t.Errorf("off: %v %+v", err, c)
			}
		})
		if after := l.rawDump("pc"); !bytes.Equal(before, after) {
			t.Errorf("the rules of others are not the same bytes (%d, %d)", len(before), len(after))
		}
	}
	if after := list(); clean(after) != clean(text) {
		t.Errorf("nft and iptables-save list something else:\n%s\n%s", text, after)
	}
}

// clean takes the time at which it was saved out of what iptables-save writes.
func clean(s string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(s, "\n"), func(l string) bool { return strings.HasPrefix(l, "#") }), "\n")
}

const othersRules = `
table inet fw {
	comment "somebody's"
	counter hits { comment "of all"; }
	quota q { over 100 mbytes; }
	limit lim { rate 10/second; }
	set admins { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/8, 192.168.1.0/24 comment "home" } ; }
	set pairs { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0-10.0.0.9 . 80-90, 10.1.0.1 . 443 } ; }
	set seen { type ipv6_addr; size 1024; flags dynamic,timeout; timeout 1h; }
	set big { type inet_service; elements = { 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20 } ; }
	map to { type inet_service : ipv4_addr; elements = { 80 : 10.0.0.1, 443 : 10.0.0.2 } ; }
	map verdicts { type ifname : verdict; elements = { "eth0" : jump wan, "eth1" : drop } ; }
	chain wan { tcp dport @big counter name hits accept; ip saddr @admins accept; ip saddr . tcp dport @pairs accept; }
	chain input { type filter hook input priority filter; policy accept; ct state vmap { established : accept, invalid : drop }; iifname vmap @verdicts; ip6 saddr != ::1 add @seen { ip6 saddr limit rate 5/minute } counter; meta l4proto udp quota name q drop; log prefix "x " group 3 counter packets 5 bytes 300; }
	chain out { type route hook output priority mangle; meta mark set jhash ip daddr mod 7; }
}
table ip nat2 {
	chain pre { type nat hook prerouting priority dstnat; dnat to tcp dport map { 8080 : 10.0.0.3 }; }
	chain post { type nat hook postrouting priority srcnat; oifname "eth0" masquerade random; }
}
table netdev early { chain in { type filter hook ingress device "eth0" priority -500; ip saddr 10.9.9.9 counter drop; }; }
table bridge br { chain f { type filter hook forward priority 0; ether type arp accept; }; }
table arp a { chain in { type filter hook input priority 0; arp operation request limit rate 100/second accept; }; }
table ip6 old { flags dormant; chain c { type filter hook input priority 0; policy drop; }; }
`
