//go:build !windows

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hozen/collector"
)

// neededCapabilities are bit numbers of include/uapi/linux/capability.h.
func neededCapabilities() []struct {
	bit  uint
	name string
	what string
} {
	return []struct {
		bit  uint
		name string
		what string
	}{
		{2, "CAP_DAC_READ_SEARCH", "files of other users"},
		{12, "CAP_NET_ADMIN", "firewall, conntrack, socket details"},
		{17, "CAP_SYS_RAWIO", "RAM"},
		{19, "CAP_SYS_PTRACE", "other users' processes: image, environment, maps, open files, memory"},
		{21, "CAP_SYS_ADMIN", "namespaces, eBPF objects"},
		{34, "CAP_SYSLOG", "kernel log, kernel addresses"},
	}
}

// capabilitiesOf reads CapEff of /proc/self/status (proc_pid_status(5)); a system
// without that gives none.
func capabilitiesOf(h *collector.Host) []capability {
	out := []capability{}
	b, err := h.ReadFile("/proc/self/status", 64<<10)
	if err != nil {
		return out
	}
	_, rest, ok := strings.Cut(string(b), "\nCapEff:")
	line, _, _ := strings.Cut(rest, "\n")
	mask, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if !ok || err != nil {
		return out
	}
	for _, c := range neededCapabilities() {
		out = append(out, capability{c.name, c.what, mask>>c.bit&1 == 1})
	}
	return out
}

// doctorProbes stand for what each collector reads: one for each right that may be
// missing, and one for each kernel interface that may not be there.
func doctorProbes() []probe {
	return []probe{
		readProbe("host", "/sys/class/dmi/id/product_serial"),
		readProbe("sockets", "/proc/net/tcp"),
		readProbe("sockets", "/proc/1/net/tcp"),
		linkProbe("sockets", "/proc/1/ns/net"),
		readProbe("network", "/proc/net/nf_conntrack"),
		readProbe("network", "/proc/net/ip_tables_names"),
		readProbe("processes", "/proc/1/stat"),
		readProbe("processes", "/proc/1/environ"),
		readProbe("processes", "/proc/1/maps"),
		linkProbe("processes", "/proc/1/exe"),
		readProbe("processes", "/proc/1/fd"),
		readProbe("kernel", "/proc/modules"),
		readProbe("kernel", "/proc/kallsyms"),
		readProbe("kernel", "/sys/kernel/debug/kprobes/list"),
		readProbe("kernel", "/sys/kernel/tracing/enabled_functions"),
		readProbe("kernel", "/sys/fs/bpf"),
		readProbe("kernel", "/dev/kmsg"),
		readProbe("sessions", "/run/utmp"),
		readProbe("sessions", "/var/log/btmp"),
		readProbe("sessions", "/run/systemd/sessions"),
		readProbe("containers", "/var/lib/docker"),
		readProbe("containers", "/var/lib/containerd"),
		readProbe("containers", "/var/lib/containers"),
		readProbe("indicators", "/proc/1/pagemap"),
		readProbe("contents", "/proc/1/map_files"),
		readProbe("ram", "/proc/kcore"),
		readProbe("temporary", "/dev/shm"),
		readProbe("temporary", "/run"),
	}
}

// selfTestProbes are what --self-test tries beside doctorProbes: everything that is not
// shown by tests on machines that we have.
func selfTestProbes() []probe { return nil }

// linkProbe reads a symbolic link, and does not follow it.
func linkProbe(collectorName, link string) probe {
	return probe{collectorName, link, "where it leads", func(_ context.Context, h *collector.Host) (string, error) { return h.Readlink(link) }}
}

// readProbe opens a file or directory and reads a few bytes at most.
// Not inlined, for the size of the program.
//
//go:noinline
func readProbe(collectorName, file string) probe {
	return probe{collectorName, file, "it can be read", func(_ context.Context, h *collector.Host) (string, error) {
		n, err := readSome(h, file)
		var special *collector.NotRegularError
		if errors.As(err, &special) {
			err = nil // a device: it is there, and its collector knows how to read it
		}
		return fmt.Sprintf("%d bytes", n), err
	}}
}
