package volatile

import (
	"context"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/collector"
)

// unshared gives a namespace of its own that lives until the test ends.
func unshared(t *testing.T) (f *os.File, inode uint64) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes a network namespace")
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			f, err = os.Open("/proc/thread-self/ns/net")
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Skipf("needs root with CAP_SYS_ADMIN: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	return f, st.Ino
}

func TestDumpInsideANamespaceThatOnlyAFileHolds(t *testing.T) {
	_, inode := unshared(t)
	h := collector.ThisHost()
	list, _ := netNamespaces(context.Background(), h)
	for _, ns := range list {
		if ns.Inode != inode {
			continue
		}
		if ns.FirstPID != 0 {
			t.Logf("a thread is still inside: %+v", ns)
		}
		raw, err := dumpNetlink(t, h, ns, unix.NETLINK_ROUTE, unix.RTM_GETLINK, make([]byte, 16))
		if err != nil {
			t.Fatal(err)
		}
		m, rest, ok := nextMessage(raw)
		if !ok || m.Type != unix.RTM_NEWLINK || u32at(m.Body, 4) != 1 {
			t.Fatalf("first message %+v: a new namespace begins with lo", m)
		}
		for m, more, ok := nextMessage(rest); ok; m, more, ok = nextMessage(more) {
			if m.Type == nlmsgDone && len(more) != 0 {
				t.Errorf("%d bytes after the end", len(more))
			}
		}
		return
	}
	t.Errorf("namespace %d not among %+v", inode, list)
}

func TestErrorOfTheKernelIsGiven(t *testing.T) {
	h := collector.ThisHost()
	_, err := dumpNetlink(t, h, netNS{Own: true}, unix.NETLINK_ROUTE, 0x7ff0, make([]byte, 16))
	if err == nil {
		t.Error("no error for a request that no kernel knows")
	}
}

// dumpNetlink makes one dump request inside a namespace.
func dumpNetlink(t *testing.T, h *collector.Host, ns netNS, family int, typ uint16, body []byte) ([]byte, error) {
	t.Helper()
	s, err := dialNetlink(h, ns, family)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.ask(t.Context(), typ, nlfDump, body)
}
