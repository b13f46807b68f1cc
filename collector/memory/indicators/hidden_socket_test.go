package indicators

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/memory"
	"hozen/collector/volatile"
)

func TestDisputedSockets(t *testing.T) {
	row := func(inode uint64, views, unseen volatile.SocketViews) *volatile.SocketRow {
		return &volatile.SocketRow{NetNS: 1, Family: "inet", Protocol: "tcp", State: "listen", Inode: inode, LocalAddr: netip.IPv4Unspecified(), LocalPort: 4444,
			Views: views, UnseenBy: unseen, Holders: []volatile.SocketHolder{{PID: 7, StartTicks: 8}}}
	}
	both, diag, text := volatile.SeenByDiag|volatile.SeenByProcNet, volatile.SeenByDiag, volatile.SeenByProcNet
	for _, c := range []struct {
		name  string
		looks [][]*volatile.SocketRow // the last one comes again
		want  int
		level memory.Level
	}{
		{name: "all agree", looks: [][]*volatile.SocketRow{{row(1, both, 0)}}},
		{name: "hidden from /proc/net", looks: [][]*volatile.SocketRow{{row(1, diag, text)}}, want: 1},
		{name: "hidden from sock_diag", looks: [][]*volatile.SocketRow{{row(1, text, diag), row(2, both, 0)}}, want: 1},
		{name: "opened between the views", looks: [][]*volatile.SocketRow{{row(1, text, diag)}, {row(1, both, 0)}}},
		{name: "closed between the views", looks: [][]*volatile.SocketRow{{row(1, diag, text)}, {}}},
		{name: "always another", looks: [][]*volatile.SocketRow{{row(1, diag, text)}, {row(2, diag, text)}, {row(3, diag, text)}}},
		{name: "now this view, now that", looks: [][]*volatile.SocketRow{{row(1, diag, text)}, {row(1, text, diag)}}},
		{name: "nobody's", looks: [][]*volatile.SocketRow{{row(0, diag, text)}}},
		{name: "not bound", looks: [][]*volatile.SocketRow{{{Family: "unknown", Protocol: "TCP", Inode: 5, Views: volatile.SeenByFD}}}},
		{name: "packet, in no table", looks: [][]*volatile.SocketRow{{{Family: "unknown", Protocol: "PACKET", Inode: 5, Views: volatile.SeenByFD}}}, want: 1, level: memory.Medium},
	} {
		at := 0
		left, told, err := lookAtSockets(context.Background(), func(context.Context) ([]*volatile.SocketRow, error) {
			at++
			return c.looks[min(at, len(c.looks))-1], nil
		})
		if len(left) != c.want || err != nil {
			t.Errorf("%s: %v, %v\n%s", c.name, left, err, told)
		}
		if c.want > 0 && at != socketLooks {
			t.Errorf("%s: called hidden after %d looks", c.name, at)
		}
		for _, r := range left {
			if f := socketFinding(r, "m"); f.level != c.level || f.object == "" || len(f.views) != 2 {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
	}
	if got := disputedName(row(1, both, 0)); got != "socket tcp 0.0.0.0:4444 listen" {
		t.Error(got)
	}
}

// TestNoSocketIsCalledHiddenWhileConnectionsComeAndGo opens and closes
// connections, some hundreds a second, beside a few searches.
func TestNoSocketIsCalledHiddenWhileConnectionsComeAndGo(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted, dialled := make(chan struct{}), make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); l.Close(); <-accepted; <-dialled })
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	go func() {
		defer close(dialled)
		for ctx.Err() == nil {
			if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
				waitFor(ctx, time.Millisecond)
				c.Close()
			}
			if c, err := net.ListenPacket("udp", "127.0.0.1:0"); err == nil {
				c.Close()
			}
		}
	}()
	for range 5 {
		left, told, err := lookAtSockets(ctx, func(ctx context.Context) ([]*volatile.SocketRow, error) {
			return volatile.ReadSockets(ctx, collector.ThisHost())
		})
		for _, r := range left {
			t.Errorf("%s: %v, not by %v\n%s", disputedName(r), r.Views.Names(), r.UnseenBy.Names(), told)
		}
		if err != nil {
			t.Log(err)
		}
	}
}
