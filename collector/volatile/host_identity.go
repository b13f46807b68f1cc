package volatile

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
)

// Identity is what tells this host from every other: the row of kind "identity",
// and what the agent builds names and custody events from. What is unknown is empty.
type Identity struct {
	Kind           string       `json:"kind"` // "identity"
	HostName       jsonl.Text   `json:"host_name"`
	MachineID      jsonl.Text   `json:"machine_id,omitempty"`
	BootID         jsonl.Text   `json:"boot_id,omitempty"`
	OS             jsonl.Text   `json:"os,omitempty"` // PRETTY_NAME of os-release(5)
	OSID           jsonl.Text   `json:"os_id,omitempty"`
	OSVersion      jsonl.Text   `json:"os_version,omitempty"`
	Kernel         jsonl.Text   `json:"kernel,omitempty"`       // release, uname(2)
	KernelBuild    jsonl.Text   `json:"kernel_build,omitempty"` // version, uname(2)
	Arch           jsonl.Text   `json:"arch,omitempty"`
	Maker          jsonl.Text   `json:"maker,omitempty"`
	Model          jsonl.Text   `json:"model,omitempty"`
	Serial         jsonl.Text   `json:"serial,omitempty"`
	UUID           jsonl.Text   `json:"uuid,omitempty"`
	Zone           jsonl.Text   `json:"zone,omitempty"`
	MACs           []jsonl.Text `json:"macs,omitempty"` // without loopback and without all zeros
	IPs            []jsonl.Text `json:"ips,omitempty"`  // without loopback; a live host only
	Virtualisation jsonl.Text   `json:"virtualisation,omitempty"`
}

// ReadIdentity reads the identity of a host in a few milliseconds. It asks files
// and, on a live host, uname(2) and the addresses of our own network namespace.
func ReadIdentity(h *collector.Host) Identity { return identity(&factReader{h: h}) }

func identity(r *factReader) Identity {
	if own, ok := systemItself(r); ok {
		id := own.identity
		id.Zone = own.zone.Name
		return id.with(r, own.hardware)
	}
	id := Identity{Kind: "identity", MachineID: r.text("/etc/machine-id"), BootID: r.text("/proc/sys/kernel/random/boot_id")}
	id.HostName, id.Kernel, id.KernelBuild = r.text("/proc/sys/kernel/hostname"), r.text("/proc/sys/kernel/osrelease"), r.text("/proc/sys/kernel/version")
	if r.h.Live {
		u, err := kernelNames()
		r.tally.Add("uname", err)
		id.HostName, id.Kernel, id.KernelBuild, id.Arch = jsonl.Text(u[1]), jsonl.Text(u[2]), jsonl.Text(u[3]), jsonl.Text(u[4])
	}
	if id.HostName == "" {
		id.HostName = r.text("/etc/hostname")
	}
	if id.MachineID == "" {
		id.MachineID = r.text("/var/lib/dbus/machine-id")
	}
	release := osRelease(r)
	id.OS, id.OSID, id.OSVersion = jsonl.Text(release["PRETTY_NAME"]), jsonl.Text(release["ID"]), jsonl.Text(release["VERSION_ID"])
	id.Zone = zoneRow(r).Name
	return id.with(r, hardwareRow(r))
}

// with adds what hardware and network tell.
func (id Identity) with(r *factReader, hw HardwareRow) Identity {
	id.Maker, id.Model, id.Serial, id.UUID = hw.Maker, hw.Model, hw.Serial, hw.UUID
	for _, n := range networkRows(r) {
		if n.MAC != "" && strings.Trim(string(n.MAC), "0:") != "" && !slices.Contains(id.MACs, n.MAC) {
			id.MACs = append(id.MACs, n.MAC)
		}
		for _, a := range n.Addresses {
			if ip, _, err := net.ParseCIDR(string(a)); err == nil && !ip.IsLoopback() {
				id.IPs = append(id.IPs, jsonl.Text(ip.String()))
			}
		}
	}
	id.Virtualisation = virtualisationRow(r, hw).Kinds()
	return id
}

// osRelease follows the usual link of /etc/os-release into /usr/lib.
func osRelease(r *factReader) map[string]string {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		var b strings.Builder
		if err := r.h.CopyFollow(&b, name, shortText); err == nil {
			return parseOSRelease(b.String())
		}
	}
	return nil
}

// parseOSRelease reads the assignments of os-release(5): shell syntax without
// expansion, values bare, in single or in double quotes with backslash escapes.
// Of several assignments the last counts, as in a shell.
func parseOSRelease(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || key == "" || strings.HasPrefix(key, "#") || len(out) >= 256 {
			continue
		}
		out[key] = shellValue(value)
	}
	return out
}

func shellValue(s string) string {
	var out strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			out.WriteByte(s[i])
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote && quote != 0:
			quote = 0
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// HardwareRow is what the firmware says of the machine (SMBIOS through
// /sys/class/dmi/id, else the device tree) and what the kernel says of its
// processors and memory.
type HardwareRow struct {
	Kind        string     `json:"kind"` // "hardware"
	Maker       jsonl.Text `json:"maker,omitempty"`
	Model       jsonl.Text `json:"model,omitempty"`
	Version     jsonl.Text `json:"version,omitempty"`
	SKU         jsonl.Text `json:"sku,omitempty"`
	Serial      jsonl.Text `json:"serial,omitempty"`
	UUID        jsonl.Text `json:"uuid,omitempty"`
	BoardMaker  jsonl.Text `json:"board_maker,omitempty"`
	BoardName   jsonl.Text `json:"board_name,omitempty"`
	BoardSerial jsonl.Text `json:"board_serial,omitempty"`
	Chassis     jsonl.Text `json:"chassis_type,omitempty"`
	ChassisTag  jsonl.Text `json:"chassis_asset_tag,omitempty"`
	BIOSMaker   jsonl.Text `json:"bios_maker,omitempty"`
	BIOSVersion jsonl.Text `json:"bios_version,omitempty"`
	BIOSDate    jsonl.Text `json:"bios_date,omitempty"`
	Processor   jsonl.Text `json:"processor,omitempty"`
	Processors  int        `json:"processors"`
	MemoryBytes int64      `json:"memory_bytes"`
	SwapBytes   int64      `json:"swap_bytes"`
}

func hardwareRow(r *factReader) HardwareRow {
	if own, ok := systemItself(r); ok {
		return own.hardware
	}
	const dmi, tree = "/sys/class/dmi/id/", "/proc/device-tree/"
	row := HardwareRow{
		Kind: "hardware", Maker: r.text(dmi + "sys_vendor"), Model: r.text(dmi + "product_name"),
		Version: r.text(dmi + "product_version"), SKU: r.text(dmi + "product_sku"),
		Serial: r.text(dmi + "product_serial"), UUID: r.text(dmi + "product_uuid"),
		BoardMaker: r.text(dmi + "board_vendor"), BoardName: r.text(dmi + "board_name"), BoardSerial: r.text(dmi + "board_serial"),
		Chassis: r.text(dmi + "chassis_type"), ChassisTag: r.text(dmi + "chassis_asset_tag"),
		BIOSMaker: r.text(dmi + "bios_vendor"), BIOSVersion: r.text(dmi + "bios_version"), BIOSDate: r.text(dmi + "bios_date"),
	}
	if row.Model == "" { // strings of a device tree end in NUL
		row.Model = jsonl.Text(strings.TrimRight(string(r.text(tree+"model")), "\x00"))
		row.Serial = jsonl.Text(strings.TrimRight(string(r.text(tree+"serial-number")), "\x00"))
	}
	cpu := parseCPUInfo(r.long("/proc/cpuinfo"))
	row.Processor, row.Processors = jsonl.Text(cpu.model), cpu.count
	mem := parseMemInfo(r.long("/proc/meminfo"))
	row.MemoryBytes, row.SwapBytes = mem["MemTotal"], mem["SwapTotal"]
	return row
}

type cpuInfo struct {
	model      string
	count      int
	hypervisor bool // the flag that x86 hypervisors set (CPUID leaf 1, ECX bit 31)
}

func parseCPUInfo(text string) (c cpuInfo) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "processor":
			c.count++
		case "model name", "Processor", "cpu model":
			if c.model == "" {
				c.model = value
			}
		case "flags":
			c.hypervisor = c.hypervisor || strings.Contains(" "+value+" ", " hypervisor ")
		}
	}
	return c
}

// parseMemInfo gives the sizes of proc_meminfo(5) in bytes.
func parseMemInfo(text string) map[string]int64 {
	out := map[string]int64{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		f := strings.Fields(value)
		if !ok || len(f) == 0 || len(out) >= 512 {
			continue
		}
		n, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil || n < 0 || n > 1<<52 {
			continue
		}
		if len(f) > 1 && f[1] == "kB" {
			n *= 1024
		}
		out[key] = n
	}
	return out
}

// NetworkIdentityRow is one network interface as far as it identifies the host.
// The collector network takes everything else about it.
type NetworkIdentityRow struct {
	Kind      string       `json:"kind"` // "network_identity"
	Name      jsonl.Text   `json:"name"`
	MAC       jsonl.Text   `json:"mac,omitempty"`
	Permanent bool         `json:"permanent"` // addr_assign_type 0: the address that the device came with
	State     jsonl.Text   `json:"state,omitempty"`
	Driver    jsonl.Text   `json:"driver,omitempty"`
	Addresses []jsonl.Text `json:"addresses,omitempty"` // with prefix length; a live host only
}

func networkRows(r *factReader) []NetworkIdentityRow {
	var rows []NetworkIdentityRow
	addresses := map[string][]jsonl.Text{}
	if r.h.Live {
		addresses = liveAddresses(r)
	}
	for _, n := range r.names("/sys/class/net", 4096) {
		dir := "/sys/class/net/" + n
		if m, err := r.h.Stat(dir); err != nil || m.Mode&0o170000 != 0o040000 {
			continue // bonding_masters is a file
		}
		row := NetworkIdentityRow{
			Kind: "network_identity", Name: jsonl.Text(n), MAC: r.text(dir + "/address"), State: r.text(dir + "/operstate"),
			Permanent: r.text(dir+"/addr_assign_type") == "0", Addresses: addresses[n],
		}
		if target, err := r.h.Readlink(dir + "/device/driver"); err == nil {
			row.Driver = jsonl.Text(target[strings.LastIndexByte(target, '/')+1:])
		}
		delete(addresses, n)
		rows = append(rows, row)
	}
	rest := make([]string, 0, len(addresses))
	for n := range addresses { // no sysfs: another system, or a container without /sys
		rest = append(rest, n)
	}
	slices.Sort(rest)
	for _, n := range rest {
		row := NetworkIdentityRow{Kind: "network_identity", Name: jsonl.Text(n), Addresses: addresses[n]}
		if i, err := net.InterfaceByName(n); err == nil {
			row.MAC = jsonl.Text(i.HardwareAddr.String())
		}
		rows = append(rows, row)
	}
	return rows
}

// liveAddresses asks the kernel for our own network namespace (rtnetlink on
// Linux): no name is resolved.
func liveAddresses(r *factReader) map[string][]jsonl.Text {
	out := map[string][]jsonl.Text{}
	ifs, err := net.Interfaces()
	r.tally.Add("interfaces", err)
	for _, i := range ifs {
		addrs, err := i.Addrs()
		r.tally.Add("addresses of "+i.Name, err)
		out[i.Name] = nil
		for _, a := range addrs {
			out[i.Name] = append(out[i.Name], jsonl.Text(a.String()))
		}
	}
	return out
}
