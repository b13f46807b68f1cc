package volatile

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/proc"
)

// inScene runs f on a thread of its own that is in a new network namespace,
// with ip(8) to furnish it; the namespace ends with the thread.
func inScene(t *testing.T, commands string, f func(ns uint64)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: a network namespace of its own")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip(8) as a judge")
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread dies with its namespace
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			for line := range strings.Lines(commands) {
				w := strings.Fields(line)
				if out, err := exec.Command(w[0], w[1:]...).CombinedOutput(); err != nil {
					return fmt.Errorf("%s: %v: %s", strings.TrimSpace(line), err, out)
				}
			}
			target, err := os.Readlink("/proc/thread-self/ns/net")
			if err != nil {
				return err
			}
			n, _ := proc.NamespaceInode([]byte(target), "net")
			f(n)
			return nil
		}()
	}()
	if err := <-done; err != nil {
		if strings.Contains(err.Error(), "not permitted") {
			t.Skip("needs root: ", err)
		}
		t.Fatal(err)
	}
}

const judgeScene = `ip link set lo up
ip link add hz0 type veth peer name hz1
ip link add hzbr type bridge
ip link set hz1 master hzbr
ip link set hz0 addrgenmode none
ip link set hz1 addrgenmode none
ip link property add dev hz0 altname hz-other-name
ip link set hz0 promisc on
ip link set hz0 up
ip link set hz1 up
ip addr add 192.0.2.1/24 dev hz0
ip addr add 192.0.2.2/24 dev hz0 valid_lft 3600 preferred_lft 1800
ip addr add 2001:db8::1/64 dev hz0 nodad
ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev hz0 nud permanent
ip route add 203.0.113.0/24 via 192.0.2.253 table 100 metric 50
ip route add 198.51.100.0/24 nexthop via 192.0.2.251 weight 1 nexthop via 192.0.2.252 weight 5
ip route add blackhole 198.18.0.0/15
ip -6 route add 2001:db8:1::/48 via 2001:db8::fe table 100
ip rule add fwmark 0x10/0xff table 100 priority 500
ip -6 rule add from 2001:db8::/32 table 100 priority 600
`

// netRows gives the rows of one kind and namespace as plain JSON.
func netRows(t *testing.T, s *hosttest.Sink, kind string, ns uint64) (out []map[string]any) {
	t.Helper()
	for _, line := range kinds(t, s)[kind] {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r["netns"] == float64(ns) {
			out = append(out, r)
		}
	}
	return out
}

// judge runs ip -j and gives its rows.
func judge(t *testing.T, args ...string) (out []map[string]any) {
	t.Helper()
	b, err := exec.Command("ip", append([]string{"-j", "-N"}, args...)...).Output()
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatalf("ip %v: %v", args, err)
	}
	return out
}

// agree compares two tables by a key for each row.
// disagreement says what is not the same in two lists of the same; "" if they are.
func disagreement(what string, ours, theirs []string) string {
	slices.Sort(ours)
	slices.Sort(theirs)
	if len(ours) > 0 && slices.Equal(ours, theirs) {
		return ""
	}
	return fmt.Sprintf("%s: ours\n%s\nip's\n%s\n", what, strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
}

func keys(rows []map[string]any, f func(map[string]any) string) (out []string) {
	for _, r := range rows {
		out = append(out, f(r))
	}
	return out
}

func fields(names ...string) func(map[string]any) string {
	return func(r map[string]any) string {
		var out []string
		for _, n := range names {
			v := r[n]
			if v == nil {
				v = ""
			}
			out = append(out, fmt.Sprint(v))
		}
		return strings.Join(out, " ")
	}
}

// The kernel adds routes of its own to an interface some time after it is up: what we get wrong
// disagrees every time.
func TestNetworkAgreesWithIP(t *testing.T) {
	inScene(t, judgeScene, func(ns uint64) {
		wrong := againstIP(t, ns)
		for end := time.Now().Add(time.Minute); wrong != "" && time.Now().Before(end); wrong = againstIP(t, ns) {
			time.Sleep(200 * time.Millisecond)
		}
		if wrong != "" {
			t.Error(wrong)
		}
		linked(t, netRows(t, collectTest(t, Network(nil), collector.ThisHost()), "link", ns))
	})
}

// againstIP compares once, and says what ip and we say otherwise.
func againstIP(t *testing.T, ns uint64) (wrong string) {
	t.Helper()
	s := collectTest(t, Network(nil), collector.ThisHost())
	agree := func(what string, ours, theirs []string) { wrong += disagreement(what, ours, theirs) }
	agree("links", keys(netRows(t, s, "link", ns), fields("index", "name", "mac", "mtu", "promiscuity", "alt_names", "qdisc", "tx_queue_len")),
		keys(judge(t, "-d", "link"), fields("ifindex", "ifname", "address", "mtu", "promiscuity", "altnames", "qdisc", "txqlen")))
	var addresses []map[string]any
	for _, l := range judge(t, "addr") {
		for _, a := range l["addr_info"].([]any) {
			a := a.(map[string]any)
			a["link"] = l["ifname"]
			addresses = append(addresses, a)
		}
	}
	agree("addresses", keys(netRows(t, s, "address", ns), fields("link", "family", "address", "prefix_len")), keys(addresses, fields("link", "family", "local", "prefixlen")))
	// the kernel's own entries for multicast come and go
	permanent := slices.DeleteFunc(netRows(t, s, "neighbour", ns), func(r map[string]any) bool { return fmt.Sprint(r["state"]) != "[permanent]" })
	agree("neighbours", keys(permanent, fields("link", "address", "mac")), keys(judge(t, "neigh", "show", "nud", "permanent"), fields("dev", "dst", "lladdr")))
	for _, v := range []struct{ flag, family, all string }{{"-4", "inet", "0.0.0.0/0"}, {"-6", "inet6", "::/0"}} {
		ofFamily := func(r map[string]any) bool { return r["family"] != v.family }
		ours := slices.DeleteFunc(netRows(t, s, "route", ns), ofFamily)
		agree("routes "+v.flag, keys(ours, routeKey(v.all)), keys(judge(t, v.flag, "route", "show", "table", "all"), routeKey(v.all)))
		ours = slices.DeleteFunc(netRows(t, s, "rule", ns), ofFamily)
		agree("rules "+v.flag, keys(ours, ruleKey), keys(judge(t, v.flag, "rule"), ruleKey))
	}
	return wrong
}

// routeKey makes the same text of a row of ours and of one of ip -j -N, which
// leaves out the main table, type unicast and the length of a host's prefix.
func routeKey(all string) func(map[string]any) string {
	host := "/32"
	if strings.Contains(all, ":") {
		host = "/128"
	}
	return func(r map[string]any) string {
		to, table, kind, link := fmt.Sprint(r["to"]), fmt.Sprint(r["table"]), fmt.Sprint(r["type"]), r["link"]
		if dst, theirs := r["dst"].(string); theirs {
			link = r["dev"]
			to = dst
			if dst == "default" {
				to = all
			} else if !strings.Contains(dst, "/") {
				to += host
			}
			if r["table"] == nil {
				table = "254"
			}
			if n, err := fmt.Sscan(kind, new(int)); n == 1 && err == nil {
				var i uint8
				fmt.Sscan(kind, &i)
				kind = routeType(i)
			} else if r["type"] == nil {
				kind = "unicast"
			}
		}
		hops := r["multipath"]
		if hops == nil {
			hops = r["nexthops"]
		}
		n, _ := hops.([]any)
		if link == nil {
			link = ""
		}
		gateway := r["gateway"]
		if gateway == nil {
			gateway = ""
		}
		metric := r["metric"]
		if metric == nil {
			metric = 0
		}
		return fmt.Sprint(to, " table ", table, " ", kind, " via ", gateway, " dev ", link, " metric ", metric, " hops ", len(n))
	}
}

func ruleKey(r map[string]any) string {
	mark, _ := r["mark"].(float64)
	if theirs, ok := r["fwmark"].(string); ok {
		var n uint64
		fmt.Sscanf(theirs, "0x%x", &n)
		mark = float64(n)
	}
	from := r["from"]
	if src, ok := r["src"].(string); ok {
		from = src
		if n := r["srclen"]; n != nil {
			from = fmt.Sprint(src, "/", n)
		}
	}
	if from == nil {
		from = "all"
	}
	return fmt.Sprint(r["priority"], " from ", from, " mark ", mark, " table ", r["table"])
}

func linked(t *testing.T, links []map[string]any) {
	t.Helper()
	for _, l := range links {
		switch l["name"] {
		case "hz0":
			if l["promisc"] != true || l["promiscuity"] != 1.0 || l["info_kind"] != "veth" || l["link"] == nil {
				t.Errorf("hz0: %v", l)
			}
		case "hz1":
			if l["promisc"] != false || l["promiscuity"] != 1.0 || l["slave_kind"] != "bridge" || l["master"] == nil {
				t.Errorf("hz1, in a bridge: %v", l)
			}
		}
	}
}

// TestFirewallOfNamespace plants a table by nft(8) and iptables(8) where they
// are, and looks for it in that namespace only.
func TestFirewallOfNamespace(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("needs nft(8)")
	}
	scene := "nft add table inet hozentest\n" +
		"nft add set inet hozentest bad { type ipv4_addr ; }\n" +
		"nft add element inet hozentest bad { 192.0.2.66 }\n" +
		"nft add chain inet hozentest in { type filter hook input priority 7 ; policy drop ; }\n" +
		"nft add rule inet hozentest in ip saddr @bad counter accept comment \"why\"\n"
	_, err := exec.LookPath("iptables-legacy")
	legacy := err == nil
	if legacy {
		scene += "iptables-legacy -A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -j DROP\n"
	}
	inScene(t, scene, func(ns uint64) {
		before := tableNames(t)
		s := collectTest(t, Network(nil), collector.ThisHost())
		if after := tableNames(t); before != after {
			t.Errorf("tables of iptables before: %q, after: %q", before, after)
		}
		want := map[string]string{
			"nft_table":   `"name":"hozentest"`,
			"nft_chain":   `"type":"filter","hook":"input","priority":7,"policy":"drop"`,
			"nft_rule":    `"comment":"why"`,
			"nft_element": `"set":"bad","key":"c0000242","key_text":"192.0.2.66"`,
		}
		if legacy {
			want["iptables_rule"] = `"chain":"INPUT","number":1,"source":"192.0.2.0/24","proto":"tcp","matches":[{"name":"tcp","text":"sports=0-65535 dports=22-22"}],"target":{"name":"DROP"}`
		}
		for kind, text := range want {
			found := 0
			for _, line := range kinds(t, s)[kind] {
				if strings.Contains(line, fmt.Sprintf(`"netns":%d,`, ns)) && strings.Contains(line, text) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("%d rows of kind %s with %s in namespace %d", found, kind, text, ns)
			}
		}
	})
}

func tableNames(t *testing.T) (out string) {
	t.Helper()
	for _, n := range []string{"ip_tables_names", "ip6_tables_names", "arp_tables_names"} {
		b, _ := os.ReadFile("/proc/thread-self/net/" + n)
		out += string(b)
	}
	return out
}

func BenchmarkNetwork(b *testing.B) {
	h := collector.ThisHost()
	for b.Loop() {
		var s hosttest.Sink
		if err := Network(nil).Collect(b.Context(), h, &s); err != nil {
			b.Fatal(err)
		}
	}
}
