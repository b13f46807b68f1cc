package proc

import (
	"strings"
)

// Container says which container runtime made the control group that a
// process is in, and the container's id, from the text of /proc/PID/cgroup
// (cgroups(7): lines of "hierarchy:controllers:path"). Both are "" where no path
// tells of a container. The id is the runtime's own: 64 hex digits for docker,
// containerd, podman and CRI-O, a name for lxc and nspawn.
//
// Where containers are nested, the innermost one is told. The helpers that
// runtimes run outside of a container but name after it (conmon, lxc.monitor, the
// supervisor of nspawn) are not in it, and give "".
//
// The text is only as true as the process lets it be: with a cgroup namespace of
// its own, or a cgroup made by hand, a path proves nothing.
//
// The forms of the paths are those of: moby daemon/daemon_unix.go and
// containerd/runc libcontainer/cgroups/systemd (PREFIX-ID.scope), containerd
// internal/cri/server (kubepods, cri-containerd), podman libpod/container_internal_linux.go
// (libpod-ID), cri-o internal/config/cgmgr (crio-ID), lxc src/lxc/cgroups/cgfsng.c
// (lxc.payload.NAME), systemd src/nspawn and src/machine (machine-NAME.scope).
func Container(cgroup string) (runtime, id string) {
	for line := range strings.Lines(cgroup) {
		_, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if !ok {
			continue
		}
		_, path, ok := strings.Cut(rest, ":")
		if !ok || len(path) < 2 {
			continue
		}
		if r, i := containerOfPath(path); r != "" {
			return r, i
		}
	}
	return "", ""
}

// containerOfPath looks at the components of a path from the inside out.
func containerOfPath(path string) (runtime, id string) {
	for path != "" && path != "/" {
		cut := strings.LastIndexByte(path, '/')
		parent, name := path[:max(cut, 0)], path[cut+1:]
		if outside(name) {
			return "", ""
		}
		if r, i := containerOfUnit(name); r != "" {
			return r, i
		}
		if r, i := containerOfParent(parent, name); r != "" {
			return r, i
		}
		path = parent
	}
	return "", ""
}

// outside knows the cgroups of a runtime's own helpers.
func outside(name string) bool {
	return strings.HasPrefix(name, "libpod-conmon-") || strings.HasPrefix(name, "crio-conmon-") ||
		strings.HasPrefix(name, "lxc.monitor") || name == "supervisor"
}

// containerOfUnit reads a component that names its runtime itself.
func containerOfUnit(name string) (runtime, id string) {
	unit := strings.TrimSuffix(name, ".scope")
	if i := strings.LastIndexByte(unit, ':'); i >= 0 {
		// runc's systemd form where the cgroupfs driver took it: "slice:prefix:id".
		prefix := unit[strings.LastIndexByte(unit[:i], ':')+1 : i]
		unit = prefix + "-" + unit[i+1:]
	}
	for _, p := range [...][2]string{
		{"docker-", "docker"}, {"cri-containerd-", "containerd"}, {"nerdctl-", "containerd"},
		{"libpod-", "podman"}, {"crio-", "cri-o"}, {"buildkit-", "buildkit"},
	} {
		if id, ok := strings.CutPrefix(unit, p[0]); ok && IsHex(id, 12) {
			return p[1], id
		}
	}
	if id, ok := strings.CutPrefix(name, "lxc.payload."); ok && id != "" {
		return "lxc", id
	}
	if id, ok := strings.CutPrefix(name, "systemd-nspawn@"); ok {
		return named("nspawn", UnescapeHex(strings.TrimSuffix(id, ".service")))
	}
	if id, ok := strings.CutPrefix(unit, "machine-"); ok && unit != name {
		return machine(UnescapeHex(id))
	}
	return "", ""
}

// machine tells the machines of systemd-machined apart: libvirt registers its
// own there, as qemu-N-NAME and lxc-N-NAME.
func machine(name string) (runtime, id string) {
	switch {
	case strings.HasPrefix(name, "qemu-"):
		return "qemu", name
	case strings.HasPrefix(name, "lxc-"):
		return "lxc", name
	}
	return named("nspawn", name)
}

func named(runtime, id string) (string, string) {
	if id == "" {
		return "", ""
	}
	return runtime, id
}

// containerOfParent reads a component that only its place tells of.
func containerOfParent(parent, name string) (runtime, id string) {
	up := parent[strings.LastIndexByte(parent, '/')+1:]
	switch {
	case name == "":
		return "", ""
	case up == "lxc" || up == "lxc.payload":
		return "lxc", name
	case !IsHex(name, 64):
		return "", ""
	case up == "docker" || up == "actions_job":
		return "docker", name
	case up == "libpod_parent":
		return "podman", name
	case strings.Contains(parent, "kubepods"):
		return "kubernetes", name
	case strings.Contains(parent, "/ecs/"):
		return "ecs", name
	case up == "k8s.io" || up == "default" || up == "moby":
		return "containerd", name // its namespaces, as ctr and dockerd use them
	}
	return "unknown", name
}

// IsHex says whether s has at least min and at most 64 digits of lower-case hex.
func IsHex(s string, min int) bool {
	if len(s) < min || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
