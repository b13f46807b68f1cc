package onwindows

import (
	"context"
	"time"

	"hozen/collector"
	"hozen/packager/evidence"
)

// Sockets is the collector "sockets": every TCP and UDP end of IPv4 and IPv6 with the
// process, the module or service that made it and the time when, and every named pipe.
// The four tables are asked for first, before anything that takes time:
//
//	volatile/sockets/tcp4.bin    MIB_TCPTABLE_OWNER_MODULE as the call gave it
//	volatile/sockets/tcp6.bin    MIB_TCP6TABLE_OWNER_MODULE
//	volatile/sockets/udp4.bin    MIB_UDPTABLE_OWNER_MODULE
//	volatile/sockets/udp6.bin    MIB_UDP6TABLE_OWNER_MODULE
//	volatile/sockets/owners.bin  which module or service made each: sections of pieces
//	volatile/sockets/pipes.bin   FILE_DIRECTORY_INFORMATION of every named pipe; none is opened
//	volatile/sockets.jsonl       one SocketRow per socket
//	volatile/sockets/pipes.jsonl one PipeRow per pipe
//
// Windows keeps no table of AF_UNIX sockets that a program could ask for: that is said
// in volatile/sockets/unix.bin.
func Sockets() collector.Collector {
	return collector.Collector{
		Name: "sockets", Doc: "every TCP and UDP socket with the process and service that made it, and named pipes",
		Volatility: collector.Live, Needs: collector.LiveHost,
		Limit: collector.Limit{Time: 60 * time.Second},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collectSockets(newJob(ctx, h, to, thisSystem()))
		},
	}
}

func socketAnswers() []answer {
	return []answer{
		{name: "sockets/tcp4", source: "GetExtendedTcpTable(AF_INET, TCP_TABLE_OWNER_MODULE_ALL)"},
		{name: "sockets/tcp6", source: "GetExtendedTcpTable(AF_INET6, TCP_TABLE_OWNER_MODULE_ALL)"},
		{name: "sockets/udp4", source: "GetExtendedUdpTable(AF_INET, UDP_TABLE_OWNER_MODULE)"},
		{name: "sockets/udp6", source: "GetExtendedUdpTable(AF_INET6, UDP_TABLE_OWNER_MODULE)"},
		{name: "sockets/pipes", source: `NtQueryDirectoryFile(\Device\NamedPipe\)`, within: 10 * time.Second},
		{name: "sockets/owners", source: "GetOwnerModuleFromTcpEntry, GetOwnerModuleFromUdpEntry", within: 20 * time.Second},
		{name: "sockets/unix", source: "AF_UNIX sockets"},
	}
}

func collectSockets(j *job) error {
	if err := j.take(socketAnswers()...); err != nil {
		return err
	}
	owners, _ := j.of("sockets/owners")
	t := newSocketTables(owners)
	if err := j.table("volatile/sockets.jsonl", "GetExtendedTcpTable, GetExtendedUdpTable, GetOwnerModuleFromTcpEntry, GetOwnerModuleFromUdpEntry",
		part{"sockets/tcp4", t.tcp4}, part{"sockets/tcp6", t.tcp6},
		part{"sockets/udp4", t.udp4}, part{"sockets/udp6", t.udp6}, part{"sockets/owners", t.unread}); err != nil {
		return err
	}
	return j.table("volatile/sockets/pipes.jsonl", `NtQueryDirectoryFile(\Device\NamedPipe\)`, part{"sockets/pipes", pipeRows})
}
