package main

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/packager/evidence"
)

// capability is one of the rights of Linux that a whole collection needs.
type capability struct {
	Name string `json:"name"`
	For  string `json:"for"`
	Held bool   `json:"held"`
}

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

// doctorSource is something that a collection reads, by which one sees whether
// it may.
type doctorSource struct {
	collector, name string
	link            bool // a symbolic link that is read, not followed
}

// doctorSources stand for what each collector reads: one for each right that may
// be missing, and one for each kernel interface that may not be there.
func doctorSources() []doctorSource {
	return []doctorSource{
		{"host", "/sys/class/dmi/id/product_serial", false},
		{"sockets", "/proc/net/tcp", false},
		{"sockets", "/proc/1/net/tcp", false},
		{"sockets", "/proc/1/ns/net", true},
		{"network", "/proc/net/nf_conntrack", false},
		{"network", "/proc/net/ip_tables_names", false},
		{"processes", "/proc/1/stat", false},
		{"processes", "/proc/1/environ", false},
		{"processes", "/proc/1/maps", false},
		{"processes", "/proc/1/exe", true},
		{"processes", "/proc/1/fd", false},
		{"kernel", "/proc/modules", false},
		{"kernel", "/proc/kallsyms", false},
		{"kernel", "/sys/kernel/debug/kprobes/list", false},
		{"kernel", "/sys/kernel/tracing/enabled_functions", false},
		{"kernel", "/sys/fs/bpf", false},
		{"kernel", "/dev/kmsg", false},
		{"sessions", "/run/utmp", false},
		{"sessions", "/var/log/btmp", false},
		{"sessions", "/run/systemd/sessions", false},
		{"containers", "/var/lib/docker", false},
		{"containers", "/var/lib/containerd", false},
		{"containers", "/var/lib/containers", false},
		{"indicators", "/proc/1/pagemap", false},
		{"contents", "/proc/1/map_files", false},
		{"ram", "/proc/kcore", false},
		{"temporary", "/dev/shm", false},
		{"temporary", "/run", false},
	}
}

// try opens the source and reads a few bytes at most.
func (s doctorSource) try(h *collector.Host) sourceResult {
	err := s.read(h)
	outcome, note, _ := evidence.Classify(err, 0)
	var special *collector.NotRegularError
	if errors.As(err, &special) {
		outcome, note = evidence.Collected, "" // a device: it is there, and its collector knows how to read it
	}
	return sourceResult{s.collector, s.name, outcome.String(), escape(note)}
}

func (s doctorSource) read(h *collector.Host) error {
	if s.link {
		_, err := h.Readlink(s.name)
		return err
	}
	f, err := h.Open(s.name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		return err
	}
	if _, err := f.Read(make([]byte, 8)); err != nil && err != io.EOF {
		return err
	}
	return nil
}
