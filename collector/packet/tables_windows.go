package packet

import (
	"context"
	"net/netip"
	"time"

	"golang.org/x/sys/windows"

	"hozen/collector"
	"hozen/collector/volatile/onwindows"
)

// kernelTables are those of GetExtendedTcpTable and GetExtendedUdpTable.
type kernelTables struct {
	images map[int]string // by process; forgotten with its sockets
}

func newTables(*collector.Host) socketTables { return &kernelTables{images: map[int]string{}} }

func (k *kernelTables) read(*collector.Host) (known, open map[socketKey]*owner) {
	known, open = map[socketKey]*owner{}, map[socketKey]*owner{}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	rows, _ := onwindows.Connections(ctx) // what was read before an error counts
	images := map[int]string{}
	for _, r := range rows[:min(len(rows), maxSockets)] {
		if len(r.Holders) == 0 {
			continue
		}
		pid := r.Holders[0].PID
		if _, ok := images[pid]; !ok {
			if images[pid], ok = k.images[pid]; !ok {
				images[pid] = imageOf(uint32(pid))
			}
		}
		o := &owner{pid: pid, exe: images[pid], others: len(r.Holders) - 1}
		key := socketKey{proto: 6, local: netip.AddrPortFrom(r.LocalAddr.Unmap(), uint16(r.LocalPort))}
		if r.Protocol == "udp" {
			key.proto = 17
		}
		if r.RemotePort != 0 {
			key.remote = netip.AddrPortFrom(r.RemoteAddr.Unmap(), uint16(r.RemotePort))
			known[key] = o
		} else {
			open[key] = o
		}
	}
	k.images = images
	return known, open
}

// imageOf asks QueryFullProcessImageNameW, which needs few rights; "" if it is refused.
func imageOf(pid uint32) string {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(h)
	var name [1024]uint16
	n := uint32(len(name))
	if windows.QueryFullProcessImageName(h, 0, &name[0], &n) != nil {
		return ""
	}
	return windows.UTF16ToString(name[:n])
}
