package volatile

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

const socketsFixture = "../../testdata/hosts/debian-sockets.txtar"

func TestSocketsConform(t *testing.T) {
	t.Run("fixture", func(t *testing.T) { hosttest.Conform(t, Sockets(nil), hosttest.FromTxtar(t, socketsFixture)) })
	t.Run("empty", func(t *testing.T) { hosttest.Conform(t, Sockets(nil), &collector.Host{Root: t.TempDir()}) })
	t.Run("this host", func(t *testing.T) { hosttest.Conform(t, Sockets(nil), collector.ThisHost()) })
}

// collectRows runs the collector and gives its table.
func collectRows(t testing.TB, h *collector.Host) ([]SocketRow, *hosttest.Sink) {
	t.Helper()
	var s hosttest.Sink
	if err := Sockets(nil).Collect(context.Background(), h, &s); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[SocketRow](s.Body(socketsTable))
	if err != nil {
		t.Fatal(err)
	}
	return rows, &s
}

// brief writes a row in one line: what a table of expectations compares.
func brief(r *SocketRow) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s/%s %s", r.NetNS, r.Family, r.Protocol, r.State)
	if r.LocalAddr.IsValid() {
		fmt.Fprintf(&b, " %v.%d %v.%d", r.LocalAddr, r.LocalPort, r.RemoteAddr, r.RemotePort)
	}
	if r.Path != "" {
		fmt.Fprintf(&b, " %q", string(r.Path))
	}
	fmt.Fprintf(&b, " i%d q%d", r.Inode, r.RecvQ)
	for _, h := range r.Holders {
		fmt.Fprintf(&b, " %d:%d(%s@%d)", h.PID, h.FD, h.Comm, h.StartTicks)
	}
	if r.Container != "" {
		fmt.Fprintf(&b, " %s:%.4s", r.Runtime, r.Container)
	}
	return b.String() + " " + strings.Join(r.Views.Names(), ",")
}

func TestSocketsOfAFixture(t *testing.T) {
	rows, s := collectRows(t, hosttest.FromTxtar(t, socketsFixture))
	var got []string
	for i := range rows {
		if rows[i].Family != "netlink" || len(rows[i].Holders) > 0 { // the kernel's own are many
			got = append(got, brief(&rows[i]))
		}
	}
	who := func(fd int) string { return fmt.Sprintf("614:%d(a) b) 0 (c@", fd) }
	want := []string{
		"4026531840 inet/raw close 0.0.0.0.0 0.0.0.0.0 i190848 q0 " + who(16),
		"4026531840 inet/tcp listen 127.0.0.1.2222 0.0.0.0.0 i190835 q0 " + who(3),
		"4026531840 inet/tcp established 127.0.0.1.2222 127.0.0.1.48592 i190837 q5 " + who(5),
		"4026531840 inet/tcp established 127.0.0.1.37162 127.0.0.1.8080 i190839 q0 " + who(7),
		"4026531840 inet/tcp established 127.0.0.1.48592 127.0.0.1.2222 i190836 q0 " + who(4),
		"4026531840 inet/udp close 0.0.0.0.68 0.0.0.0.0 i190841 q0 " + who(9),
		"4026531840 inet6/raw close ::.0 ::.0 i190849 q0 " + who(17),
		"4026531840 inet6/tcp listen ::.8080 ::.0 i190838 q0 " + who(6),
		"4026531840 inet6/tcp established ::ffff:127.0.0.1.8080 ::ffff:127.0.0.1.37162 i190840 q0 " + who(8),
		"4026531840 inet6/udp close ::1.5353 ::.0 i190842 q0 " + who(10),
		"4026531840 netlink/route  i190850 q0 " + who(18),
		"4026531840 packet/  i190847 q0 " + who(15),
		"4026531840 unix/ established i190845 q0 " + who(13),
		"4026531840 unix/ established i190846 q0 " + who(14),
		`4026531840 unix/ listen "/run/app.sock" i190843 q0 ` + who(11),
		`4026531840 unix/ close "hidden name\n0" i190844 q0 ` + who(12),
		"4026532315 inet/tcp listen 0.0.0.0.80 0.0.0.0.0 i53111 q0 812:6(nginx@91234) 813:6(nginx@91240) docker:3f4e proc",
		"4026532315 inet/tcp time-wait 172.17.0.2.80 203.0.113.1.50000 i0 q0 docker:3f4e proc",
		"0 unknown/  i777777 q0 " + who(40),
	}
	for i := range max(len(got), len(want)) {
		g, w := "(none)", "(none)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if !strings.HasPrefix(g, w) {
			t.Errorf("row %d:\n got %s\nwant %s", i, g, w)
		}
	}
	outcomes := map[string]evidence.Outcome{
		"volatile/sockets/sock_diag.nl":            evidence.Skipped,
		"volatile/sockets/4026531840/proc-net.txt": evidence.Collected,
		"volatile/sockets/4026532315/proc-net.txt": evidence.Collected,
		"volatile/sockets/4026532400/proc-net.txt": evidence.Skipped, // only a mount holds it
		socketsTable: evidence.Collected,
	}
	for path, want := range outcomes {
		if r, ok := s.Record(path); !ok || r.Outcome != want {
			t.Errorf("%s: %v %q, not %v", path, r.Outcome, r.Note, want)
		}
	}
	first, _, err := section.Cut(string(s.Body("volatile/sockets/4026532315/proc-net.txt")))
	if err != nil || first.Name != "/proc/812/net/tcp" || !strings.HasPrefix(first.Data, "  sl  local_address") {
		t.Errorf("first section %q %v", first.Name, err)
	}
}

func TestNamespacesOfAFixture(t *testing.T) {
	list, tally := netNamespaces(context.Background(), hosttest.FromTxtar(t, socketsFixture))
	want := []string{
		"4026531840 /proc/1/ns/net 2 1 own=true",
		"4026532315 /proc/812/ns/net 2 812 own=false",
		"4026532400 /run/netns/blue 0 0 own=false",
	}
	for i, w := range want {
		if i >= len(list) {
			t.Errorf("namespace %s not found", w)
			continue
		}
		ns := list[i]
		if got := fmt.Sprintf("%d %s %d %d own=%v", ns.Inode, ns.Path, ns.PIDs, ns.FirstPID, ns.Own); got != w {
			t.Errorf("got %s, want %s", got, w)
		}
	}
	if len(list) == 3 && (list[2].Name != "/run/netns/blue" || list[1].Others[len(list[1].Others)-1] != "/proc/614/fd/41") {
		t.Errorf("%+v", list)
	}
	if tally.Err() != nil {
		t.Error(tally.Err())
	}
}

func TestViewsThatDisagreeAreBothKept(t *testing.T) {
	tab := newSocketTable()
	uid := uidOf(7)
	tab.add("tcp", 1, []SocketRow{{NetNS: 1, Family: "inet", Inode: 5, Views: SeenByDiag, UID: uid}, {NetNS: 1, Family: "inet", Inode: 6, Views: SeenByDiag}}, SeenByDiag, true)
	tab.add("tcp", 1, []SocketRow{{NetNS: 1, Family: "inet", Inode: 5, Views: SeenByProcNet, RecvQ: 9}, {NetNS: 1, Family: "inet", Inode: 7, Views: SeenByProcNet}}, SeenByProcNet, true)
	tab.add("unix", 1, []SocketRow{{NetNS: 1, Family: "unix", Inode: 8, Path: "/a\n0: forged", Views: SeenByDiag}}, SeenByDiag, true)
	tab.add("unix", 1, []SocketRow{{NetNS: 1, Family: "unix", Inode: 8, Path: "/a", Views: SeenByProcNet}, {NetNS: 1, Family: "unix", Inode: 8, Path: "/b", Views: SeenByProcNet}}, SeenByProcNet, true)
	tab.add("icmp", 1, []SocketRow{{NetNS: 1, Family: "inet", Inode: 9, Views: SeenByProcNet}}, SeenByProcNet, true)
	want := map[string]string{
		"5 ": "sock_diag,proc unseen by ", "6 ": "sock_diag unseen by proc", "7 ": "proc unseen by sock_diag",
		"8 /a\n0: forged": "sock_diag,proc unseen by ", "8 /b": "proc unseen by sock_diag", "9 ": "proc unseen by ",
	}
	rows := tab.finish(&collector.Host{}, &procScan{}, []netNS{{Inode: 1, Own: true}})
	for _, r := range rows {
		k := fmt.Sprintf("%d %s", r.Inode, r.Path)
		if got := strings.Join(r.Views.Names(), ",") + " unseen by " + strings.Join(r.UnseenBy.Names(), ","); got != want[k] {
			t.Errorf("%q: %s, not %s", k, got, want[k])
		}
		if r.Inode == 5 && (r.UID != uid || r.RecvQ != 9) {
			t.Errorf("views not joined: %+v", r)
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows, not %d", len(rows), len(want))
	}
}

func TestViewsAreWrittenByName(t *testing.T) {
	b, err := json.Marshal(SeenByDiag | SeenByFD)
	var back SocketViews
	if err != nil || string(b) != `["sock_diag","fd"]` || json.Unmarshal(b, &back) != nil || back != SeenByDiag|SeenByFD {
		t.Errorf("%s %v %v", b, back, err)
	}
}
