package packet

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"hozen/collector/hosttest"
	"hozen/collector/packet/flow"
)

func flowKey(proto uint8, src, dst string) key {
	return key{proto, netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)}
}

func TestOwners(t *testing.T) {
	o := newOwners(hosttest.FromTxtar(t, "testdata/owners.txtar"))
	o.setLocal([]netip.Addr{netip.MustParseAddr("10.0.2.7"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("fe80::7")})
	o.freshen()
	const web = `exe=/usr/sbin/a\x20web\x20server\x20(deleted)`
	const docker = "container=docker:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		what string
		k    key
		want []string
	}{
		{"a client of ours", flowKey(6, "10.0.2.7:50000", "192.0.2.9:443"), []string{"hozen: pid=102 exe=/usr/bin/curl end=source"}},
		{"its answer", flowKey(6, "192.0.2.9:443", "10.0.2.7:50000"), []string{"hozen: pid=102 exe=/usr/bin/curl end=destination"}},
		{"another protocol", flowKey(17, "10.0.2.7:50000", "192.0.2.9:443"), nil},
		{"a connection that is over", flowKey(6, "10.0.2.7:50001", "192.0.2.9:443"), nil},
		{"one that a server has accepted", flowKey(6, "192.0.2.8:40000", "10.0.2.7:80"), []string{"hozen: pid=100 " + web + " end=destination"}},
		{"one that it has not yet", flowKey(6, "192.0.2.8:40001", "10.0.2.7:80"), []string{"hozen: pid=100 " + web + " end=destination others=1"}},
		{"one that is only passed on, to a port where we listen, too", flowKey(6, "192.0.2.8:40001", "172.17.0.2:80"), nil},
		{"a datagram to an unconnected socket", flowKey(17, "192.0.2.8:5353", "10.0.2.7:5353"), []string{"hozen: pid=101 " + web + " end=destination"}},
		{"one to all", flowKey(17, "192.0.2.8:5353", "224.0.0.251:5353"), []string{"hozen: pid=101 " + web + " end=destination"}},
		{"one in IPv6", flowKey(17, "[fe80::8]:5353", "[fe80::7]:5353"), []string{"hozen: pid=101 " + web + " end=destination"}},
		{"a connected socket of IPv6 that speaks IPv4", flowKey(17, "10.0.2.7:5354", "192.0.2.9:53"), []string{"hozen: pid=102 exe=/usr/bin/curl end=source"}},
		{"a client in a container", flowKey(6, "172.17.0.2:50000", "192.0.2.9:443"), []string{"hozen: pid=103 exe=/usr/bin/wget " + docker + " end=source"}},
		{"a port at which only a container listens", flowKey(6, "192.0.2.8:40001", "10.0.2.7:443"), nil},
		{"loopback of a container, which is not ours", flowKey(6, "127.0.0.1:50000", "127.0.0.1:443"), nil},
	} {
		if got := o.comments(c.k); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	pid, exe, container, ok := o.ofFlow(flow.Key{Proto: 6, Orig: netip.MustParseAddrPort("192.0.2.8:40000"), Resp: netip.MustParseAddrPort("10.0.2.7:80")})
	if pid != 100 || exe != "/usr/sbin/a web server (deleted)" || container != "" || !ok {
		t.Errorf("%d %q %q %v", pid, exe, container, ok)
	}
	if reads, _ := o.cost(); reads != 1 {
		t.Errorf("%d reads", reads)
	}
}

// A listener that is gone is remembered until the segment is written in which its
// packets are, but not for long.
func TestOwnersRememberListeners(t *testing.T) {
	o := newOwners(hosttest.FromTxtar(t, "testdata/owners.txtar"))
	gone, old := socketKey{proto: 6, local: netip.MustParseAddrPort("0.0.0.0:1")}, socketKey{proto: 6, local: netip.MustParseAddrPort("0.0.0.0:2")}
	o.open[gone], o.open[old] = openSocket{&owner{pid: 7}, time.Now()}, openSocket{&owner{pid: 7}, time.Now().Add(-time.Hour)}
	if done, next := o.freshen(); !done || next < refreshGap {
		t.Errorf("%v, %v", done, next)
	}
	if done, next := o.freshen(); done || next <= 0 {
		t.Errorf("read again at once: %v, %v", done, next)
	}
	if _, ok := o.open[gone]; !ok {
		t.Error("a listener is forgotten at once")
	}
	if _, ok := o.open[old]; ok {
		t.Error("a listener is remembered for an hour")
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"/usr/bin/curl":       "/usr/bin/curl",
		"/tmp/プログラム":          "/tmp/プログラム",
		"/tmp/a b\nend=x\x1b": `/tmp/a\x20b\x0aend=x\x1b`,
		"\\x20\xff":           `\x5cx20\xff`,
		"a\u202eb\u00a0":      `a\xe2\x80\xaeb\xc2\xa0`,
	} {
		if got := escape(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
