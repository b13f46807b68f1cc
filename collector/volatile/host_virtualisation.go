package volatile

import (
	"strings"

	"hozen/collector/jsonl"
)

// VirtualisationRow lists the signs that the host is a guest or a container, and
// what they amount to. A sign can be forged or hidden by whoever runs the host:
// the row says what was seen, no more.
type VirtualisationRow struct {
	Kind      string       `json:"kind"` // "virtualisation"
	Machine   string       `json:"machine,omitempty"`
	Container string       `json:"container,omitempty"`
	Signs     []jsonl.Text `json:"signs"`
}

// Kinds joins the verdicts for the identity: "kvm", "kvm+docker", "" for neither.
func (v VirtualisationRow) Kinds() jsonl.Text {
	return jsonl.Text(strings.Trim(v.Machine+"+"+v.Container, "+"))
}

// firmwareSigns maps what DMI strings contain to the hypervisor that writes them.
func firmwareSigns() [][2]string {
	return [][2]string{
		{"VMware", "vmware"}, {"VirtualBox", "virtualbox"}, {"innotek", "virtualbox"}, {"Xen", "xen"}, {"QEMU", "qemu"},
		{"KVM", "kvm"}, {"Bochs", "bochs"}, {"Parallels", "parallels"}, {"BHYVE", "bhyve"}, {"Amazon EC2", "amazon"},
		{"Google Compute Engine", "google"}, {"OpenStack", "openstack"}, {"Hyper-V", "hyper-v"}, {"Virtual Machine", "hyper-v"},
		{"Apple Virtualization", "apple"}, {"DigitalOcean", "digitalocean"}, {"Alibaba Cloud", "alibaba"}, {"Nutanix", "nutanix"},
	}
}

func virtualisationRow(r *factReader, hw HardwareRow) VirtualisationRow {
	v := VirtualisationRow{Kind: "virtualisation", Signs: []jsonl.Text{}}
	for _, s := range []jsonl.Text{hw.Maker, hw.Model, hw.BoardMaker, hw.BIOSMaker, hw.BIOSVersion} {
		for _, f := range firmwareSigns() {
			if strings.Contains(string(s), f[0]) {
				v.machine(f[1], "firmware says "+string(s))
				break
			}
		}
	}
	if own, ok := systemItself(r); ok && own.hypervisor != "" {
		v.machine(hypervisorName(own.hypervisor), "the processor names a hypervisor: "+own.hypervisor)
	}
	if t := r.text("/sys/hypervisor/type"); t != "" {
		v.machine(string(t), "/sys/hypervisor/type is "+string(t))
	}
	if r.exists("/proc/xen/capabilities") {
		v.machine("xen", "/proc/xen/capabilities: "+string(r.text("/proc/xen/capabilities")))
	}
	if t := r.text("/proc/device-tree/hypervisor/compatible"); t != "" {
		v.machine(strings.Trim(string(t), "\x00"), "device tree names a hypervisor: "+string(t))
	}
	if parseCPUInfo(r.long("/proc/cpuinfo")).hypervisor {
		v.machine("unnamed hypervisor", "cpu flag hypervisor")
	}
	for _, f := range []string{"/dev/vsock", "/sys/bus/virtio/devices", "/dev/lxd/sock"} {
		if r.exists(f) {
			v.Signs = append(v.Signs, jsonl.Text(f+" exists"))
		}
	}
	v.containers(r)
	return v
}

func (v *VirtualisationRow) containers(r *factReader) {
	for _, f := range [][2]string{{"/.dockerenv", "docker"}, {"/run/.containerenv", "podman"}, {"/run/.toolboxenv", "toolbox"}} {
		if r.exists(f[0]) {
			v.container(f[1], f[0]+" exists")
		}
	}
	if t := r.text("/run/systemd/container"); t != "" {
		v.container(string(t), "/run/systemd/container is "+string(t))
	}
	// Denied to all but root: the collector processes records that, here it is one hint of many.
	env, _ := r.h.ReadFile("/proc/1/environ", shortText)
	for _, e := range strings.Split(string(env), "\x00") {
		if t, ok := strings.CutPrefix(e, "container="); ok {
			v.container(t, "environment of pid 1: "+e)
		}
	}
	for _, word := range []string{"docker", "kubepods", "containerd", "libpod", "lxc"} {
		if strings.Contains(string(r.text("/proc/1/cgroup")), word) {
			v.container(word, "cgroup of pid 1 names "+word)
		}
	}
	if strings.Contains(strings.ToLower(string(r.text("/proc/sys/kernel/osrelease"))), "microsoft") {
		v.container("wsl", "kernel release names Microsoft")
	}
}

func (v *VirtualisationRow) machine(kind, sign string) {
	if v.Machine == "" {
		v.Machine = kind
	}
	v.Signs = append(v.Signs, jsonl.Text(sign))
}

func (v *VirtualisationRow) container(kind, sign string) {
	if v.Container == "" {
		v.Container = kind
	}
	v.Signs = append(v.Signs, jsonl.Text(sign))
}

// hypervisorName names the vendor that CPUID has. "Microsoft Hv" is also that of a PC
// whose own Windows runs above Hyper-V, for its virtualization-based security.
func hypervisorName(vendor string) string {
	for sign, name := range map[string]string{"VMware": "vmware", "KVM": "kvm", "XenVMM": "xen", "VBox": "virtualbox", "prl": "parallels", "TCG": "qemu", "bhyve": "bhyve"} {
		if strings.Contains(vendor, sign) {
			return name
		}
	}
	return "hyper-v or virtualization-based security"
}
