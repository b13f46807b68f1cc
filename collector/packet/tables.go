package packet

import "hozen/collector"

// socketTables tell which process holds which socket: those of /proc on Linux, the
// kernel's own on Windows.
type socketTables interface {
	// read gives the connected sockets, and the unconnected ones.
	read(h *collector.Host) (known, open map[socketKey]*owner)
}

// maxSockets bounds what is read of them.
const maxSockets = 1 << 17
