package volatile

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/shirou/gopsutil/v3/net"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// socketsElsewhere takes the sockets of a live Windows through gopsutil, which
// asks iphlpapi (GetExtendedTcpTable, GetExtendedUdpTable) and starts no program.
func socketsElsewhere(ctx context.Context, h *collector.Host, to evidence.Sink) (bool, error) {
	if !h.Live {
		return false, nil
	}
	return true, to.Put(ctx, evidence.Item{Path: socketsTable, Source: "iphlpapi"}, func(w io.Writer) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		list, err := net.ConnectionsWithContext(ctx, "all")
		if err != nil {
			return fmt.Errorf("connections: %w", err)
		}
		rows := make([]SocketRow, 0, len(list))
		for _, c := range list {
			rows = append(rows, portableRow(c))
		}
		slices.SortStableFunc(rows, func(a, b SocketRow) int { return compareSockets(&a, &b) })
		return jsonl.Write(w, rows)
	})
}

func portableRow(c net.ConnectionStat) SocketRow {
	r := SocketRow{Family: "inet", Protocol: "udp", State: strings.ToLower(c.Status)}
	if c.Family != 2 { // AF_INET; AF_INET6 is 23 here
		r.Family = "inet6"
	}
	if c.Type == 1 { // SOCK_STREAM
		r.Protocol = "tcp"
	}
	r.LocalAddr, _ = netip.ParseAddr(c.Laddr.IP)
	r.RemoteAddr, _ = netip.ParseAddr(c.Raddr.IP)
	r.LocalPort, r.RemotePort = c.Laddr.Port, c.Raddr.Port
	if c.Pid != 0 {
		r.Holders = []SocketHolder{{PID: int(c.Pid), FD: int(c.Fd)}}
	}
	return r
}

func (j *socketJob) dumpNamespace(context.Context, netNS) (func(), error) { return func() {}, nil }

func socketProtocolName(string, uint64) string { return "" }
