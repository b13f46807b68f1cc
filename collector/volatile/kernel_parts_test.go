package volatile

import (
	"os"
	"path/filepath"
	"testing"

	"hozen/collector"
)

// kernelFiles are the files that tell what a kernel has.
type kernelFiles map[string]string

func (k kernelFiles) host(t *testing.T) *collector.Host {
	t.Helper()
	root := t.TempDir()
	for name, text := range k {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &collector.Host{Root: root, Live: true}
}

func TestNothingIsAskedForThatTheKernelWouldLoad(t *testing.T) {
	debian := kernelFiles{
		"proc/sys/kernel/osrelease":                  "6.1.0-18-amd64\n",
		"proc/sys/kernel/modprobe":                   "/sbin/modprobe\n",
		"proc/modules":                               "tcp_diag 16384 0 - Live 0x0000000000000000\ninet_diag 24576 1 tcp_diag, Live 0x0000000000000000\n",
		"proc/kallsyms":                              "0000000000000000 T udp_diag_init\n",
		"lib/modules/6.1.0-18-amd64/modules.builtin": "kernel/net/unix/unix.ko\nkernel/net/packet/af-packet-diag.ko.xz\n",
		"sys/module/nfnetlink/refcnt":                "1\n",
	}
	with := func(change map[string]string) kernelFiles {
		out := kernelFiles{}
		for n, s := range debian {
			out[n] = s
		}
		for n, s := range change {
			if out[n] = s; s == "-" {
				delete(out, n)
			}
		}
		return out
	}
	noList := map[string]string{"lib/modules/6.1.0-18-amd64/modules.builtin": "-"}
	for _, c := range []struct {
		name   string
		kernel kernelFiles
		module string
		want   bool
	}{
		{"loaded", debian, "tcp_diag", true},
		{"in sysfs", debian, "nfnetlink", true},
		{"built in", debian, "af_packet_diag", true},
		{"on the disk only", debian, "unix_diag", false},
		{"a symbol proves nothing where the list of built-in modules is whole", debian, "udp_diag", false},
		{"a symbol, without that list", with(noList), "udp_diag", true},
		{"no symbol, without that list", with(noList), "unix_diag", false},
		{"no loader", with(map[string]string{"proc/sys/kernel/modprobe": "\n"}), "unix_diag", true},
		{"a kernel without modules", with(map[string]string{"proc/sys/kernel/modprobe": "-"}), "unix_diag", true},
		{"no /proc/sys at all", with(map[string]string{"proc/sys/kernel/modprobe": "-", "proc/sys/kernel/osrelease": "-"}), "unix_diag", false},
		{"modules switched off: the loader is started all the same", with(map[string]string{"proc/sys/kernel/modules_disabled": "1\n"}), "unix_diag", false},
	} {
		got, why := newKernelParts(c.kernel.host(t)).has(c.module)
		if got != c.want || why == "" {
			t.Errorf("%s: %s: %v (%s)", c.name, c.module, got, why)
		}
	}
	dead := debian.host(t)
	dead.Live = false
	if ok, why := newKernelParts(dead).has("tcp_diag"); ok || why == "" {
		t.Errorf("not live: %v (%s)", ok, why)
	}
}

func TestNetlinkFamilyIsHereWhenTheKernelListens(t *testing.T) {
	text := []byte("sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n" +
		"0000000083a55a8e 0   619        00000011 0        0        0     2        0        189508  \n" +
		"000000002b84abc8 4   0          00000000 0        0        0     2        0        188890  \n" +
		"000000002b84abc8 12  77         00000000 0        0        0     2        0        188891\n")
	for family, want := range map[int]bool{0: false, 4: true, 12: false, 16: false} {
		if got := netlinkFamilyHere(text, family); got != want {
			t.Errorf("family %d: %v", family, got)
		}
	}
}

// On a host whose kernel would have to load them, the dumps are left out with a
// reason, and nothing is asked.
func TestDumpsThatWouldLoadAModuleAreLeftOut(t *testing.T) {
	h := kernelFiles{
		"proc/sys/kernel/osrelease":                  "6.1.0-18-amd64\n",
		"proc/sys/kernel/modprobe":                   "/sbin/modprobe\n",
		"proc/modules":                               "",
		"lib/modules/6.1.0-18-amd64/modules.builtin": "kernel/net/unix/unix.ko\n",
		"proc/thread-self/net/netlink":               "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n0 4 0 0 0 0 0 2 0 7\n",
		"proc/thread-self/net/tcp": "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
			"   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0\n",
	}.host(t)
	rows, s := collectRows(t, h)
	r, ok := s.Record(socketsDir + "tcp.nl")
	if !ok || r.Shortfall || r.Note == "" || r.Size != 0 {
		t.Errorf("%+v", r)
	}
	found := false
	for _, row := range rows {
		found = found || row.Inode == 5 && row.Views == SeenByProcNet && row.UnseenBy == 0
	}
	if !found {
		t.Errorf("no row from /proc/net: %+v", rows)
	}
}
