package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/windows"

	"hozen/collector"
	"hozen/collector/volatile"
	"hozen/collector/volatile/onwindows"
	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence/fault"
)

// Probes of what the collectors sockets, network, sessions, kernel and host ask.

func socketProbes() []probe {
	k := keeping(onwindows.Sockets)
	const table = "volatile/sockets.jsonl"
	// Every Windows listens on port 135, for both families (the endpoint mapper, in svchost.exe).
	mapper := func(family string) func(onwindows.SocketRow) bool {
		return func(r onwindows.SocketRow) bool {
			return r.Family == family && r.Protocol == "tcp" && r.State == "listen" && r.LocalPort == 135 && len(r.Holders) == 1 && r.Created != ""
		}
	}
	show := func(r onwindows.SocketRow) string {
		return fmt.Sprintf("%s %v:%d pid %v since %s, module %q (%s), tag %d", r.Protocol, r.LocalAddr, r.LocalPort, r.Holders, r.Created, r.OwnerModule, r.OwnerPath, r.ServiceTag)
	}
	return []probe{
		asking("sockets", "TCP listener of 135", "its process, when it was made", some(k, "volatile/sockets/tcp4.bin", table, mapper("inet"), show)),
		asking("sockets", "TCP6 listener of 135", "its process, when it was made", some(k, "volatile/sockets/tcp6.bin", table, mapper("inet6"), show)),
		asking("sockets", "UDP sockets", "a process, when it was made", some(k, "volatile/sockets/udp4.bin", table, func(r onwindows.SocketRow) bool {
			return r.Protocol == "udp" && len(r.Holders) == 1 && r.Holders[0].PID > 0 && r.Created != ""
		}, show)),
		asking("sockets", "GetOwnerModuleFromTcpEntry", "the service behind port 135: RpcEptMapper or RpcSs", some(k, "volatile/sockets/owners.bin", table, func(r onwindows.SocketRow) bool {
			return mapper("inet")(r) && strings.Contains(strings.ToLower(string(r.OwnerModule)), "rpc")
		}, show)),
		asking("sockets", "named pipes", `\lsass, with its instances`, some(k, "volatile/sockets/pipes.bin", "volatile/sockets/pipes.jsonl",
			func(r onwindows.PipeRow) bool { return r.Name == "lsass" && r.Instances > 0 },
			func(r onwindows.PipeRow) string { return fmt.Sprintf("%s, %d instances", r.Name, r.Instances) })),
	}
}

func networkProbes() []probe {
	k := keeping(onwindows.Network)
	const table = "volatile/network.jsonl"
	smb := func(r onwindows.SMBRow) string { return fmt.Sprintf("%s %s %s", r.Kind, r.Name, r.Type) }
	return []probe{
		asking("network", "GetIpNetTable2", "a neighbour with a hardware address", some(k, "volatile/network/neighbours.bin", table,
			func(r onwindows.NeighbourRow) bool {
				return r.Kind == "neighbour" && r.MAC != "" && r.Address.IsValid()
			},
			func(r onwindows.NeighbourRow) string {
				return fmt.Sprintf("%s %v %s %v", r.Link, r.Address, r.MAC, r.State)
			})),
		asking("network", "DnsGetCacheDataTable", "a name in the cache; absent, where it is empty", some(k, "volatile/network/dns_cache.bin", table,
			func(r onwindows.CacheRow) bool { return r.Kind == "dns_cache" && r.Name != "" && r.Type != "" },
			func(r onwindows.CacheRow) string { return fmt.Sprintf("%s %s", r.Name, r.Type) })),
		asking("network", "DnsQuery_W of the cache alone", "a record of a name that is in the cache", some(k, "volatile/network/dns_records.bin", table,
			func(r onwindows.CacheRow) bool { return r.Kind == "dns_cache" && r.Data != "" },
			func(r onwindows.CacheRow) string { return fmt.Sprintf("%s %s %s", r.Name, r.Type, r.Data) })),
		asking("network", "NetShareEnum", "the share IPC$", some(k, "volatile/network/smb_shares.bin", table,
			func(r onwindows.SMBRow) bool { return r.Kind == "smb_share" && r.Name == "IPC$" }, smb)),
		asking("network", "NetSessionEnum", "the answer of level 502 (administrators)", k.answer("volatile/network/smb_sessions.bin", 0)),
		asking("network", "NetFileEnum", "the answer (administrators)", k.answer("volatile/network/smb_files.bin", 0)),
		asking("network", "NetUseEnum", "the answer", k.answer("volatile/network/smb_uses.bin", 0)),
		asking("network", "GetIpForwardTable2", "a route for 127.0.0.0/8", some(k, "volatile/network/routes.bin", table,
			func(r onwindows.RouteRow) bool { return r.Kind == "route" && r.To == "127.0.0.0/8" },
			func(r onwindows.RouteRow) string {
				return fmt.Sprintf("%s %s %s metric %d", r.To, r.Link, r.Proto, r.Metric)
			})),
	}
}

func sessionProbes() []probe {
	k := keeping(onwindows.Sessions)
	const table = "volatile/sessions.jsonl"
	show := func(r onwindows.SessionRow) string {
		return fmt.Sprintf("session %d %s %s, user %q, since %s", r.SessionID, r.Name, r.State, r.User, r.Logon)
	}
	var own uint32
	known := windows.ProcessIdToSessionId(windows.GetCurrentProcessId(), &own) == nil
	return []probe{
		asking("sessions", "WTSEnumerateSessionsEx", "the session that this runs in", some(k, "volatile/sessions/wts.bin", table,
			func(r onwindows.SessionRow) bool { return r.Kind == "session" && known && r.SessionID == own }, show)),
		asking("sessions", "WTSQuerySessionInformation", "when somebody logged on to a session", some(k, "volatile/sessions/wts_info.bin", table,
			func(r onwindows.SessionRow) bool { return r.Kind == "session" && r.User != "" && r.Logon != "" }, show)),
		asking("sessions", "LsaGetLogonSessionData", "the session 0x3e7 of SYSTEM, S-1-5-18 (administrators)", some(k, "volatile/sessions/logons.bin", table,
			func(r onwindows.LogonRow) bool { return r.Kind == "logon" && r.LUID == "0x3e7" && r.SID == "S-1-5-18" },
			func(r onwindows.LogonRow) string {
				return fmt.Sprintf("%s %s %s %s", r.LUID, r.User, r.Package, r.Type)
			})),
	}
}

func kernelProbes() []probe {
	k, host := keeping(onwindows.Kernel), keeping(func() collector.Collector { return volatile.HostIdentity(volatile.Tool{Version: version}) })
	const block = "volatile/kernel/block.jsonl"
	fact := func(kind, raw string) func(context.Context, *collector.Host) (string, error) {
		return some(k, raw, "volatile/kernel.jsonl", func(r onwindows.FactRow) bool { return r.Kind == kind },
			func(r onwindows.FactRow) string { return strings.TrimSpace(fmt.Sprintf("%s %v", r.Value, r.Flags)) })
	}
	return []probe{
		asking("kernel", "IOCTL_DISK_GET_DRIVE_LAYOUT_EX", "a disk with its table of partitions", some(k, "volatile/kernel/disks.bin", block,
			func(r winsys.Disk) bool {
				return r.Kind == "disk" && r.Table != "" && len(r.Partitions) > 0 && r.Size > 0
			},
			func(r winsys.Disk) string {
				return fmt.Sprintf("%s %s %s %s, %d bytes, %d partitions", r.Name, r.Bus, r.Model, r.Table, r.Size, len(r.Partitions))
			})),
		asking("kernel", "BitLocker of the system's volume", "whether it is encrypted, and locks at power-off (administrators)", some(k, "volatile/kernel/disks.bin", block,
			func(r winsys.Volume) bool {
				return r.Kind == "volume" && len(r.Extents) > 0 && r.EncryptionKnown && slices.ContainsFunc(r.Mounts, isSystemDrive)
			},
			func(r winsys.Volume) string {
				return fmt.Sprintf("%v %s encryption %q locks at power-off %v", r.Mounts, r.FileSystem, r.Encryption, r.LocksAtPowerOff)
			})),
		asking("kernel", "SystemSecureBootInformation", "enabled or not, as msinfo32 says it", fact("secure_boot", "volatile/kernel/secure_boot.bin")),
		asking("kernel", "SystemBootEnvironmentInformation", "the firmware and the entry that it booted", fact("boot_environment", "volatile/kernel/boot_environment.bin")),
		asking("kernel", "SystemHypervisorDetailInformation", "who the hypervisor is; absent, where there is none", k.answer("volatile/kernel/hypervisor.bin", 16)),
		asking("kernel", "SystemIsolatedUserModeInformation", "whether VBS runs, as msinfo32 says it", fact("isolated_user_mode", "volatile/kernel/isolated_user_mode.bin")),
		asking("kernel", "SystemCodeIntegrityInformation", "enabled, unless test signing is on", fact("code_integrity", "volatile/kernel/code_integrity.bin")),
		asking("kernel", "BCD", "settings of the boot loader, out of HKLM\\BCD00000000 (administrators)", some(k, "volatile/kernel/settings.jsonl", "volatile/kernel/settings.jsonl",
			func(r onwindows.SettingRow) bool { return r.Kind == "boot_configuration" && r.Error == "" },
			func(r onwindows.SettingRow) string { return string(r.Key) })),
		asking("host", "GetSystemFirmwareTable", "SMBIOS", host.answer("volatile/host/smbios.bin", 64)),
		asking("host", "clock and zone", "the zone and its bias", func(ctx context.Context, h *collector.Host) (string, error) {
			rows, err := rowsOf[volatile.ZoneRow](ctx, h, host, "volatile/host/clock-start.jsonl")
			for _, r := range rows {
				if r.Kind == "zone" {
					return fmt.Sprintf("%+v", r), nil
				}
			}
			return fmt.Sprintf("%d rows", len(rows)), fault.Join(err, errors.New("no zone"))
		}),
	}
}
