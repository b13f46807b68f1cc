package volatile

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/utf16"
	"hozen/collector/volatile/winsys"
)

// A rawAnswer is one call whose bytes are kept.
type rawAnswer struct {
	name, source string
	fill         func(io.Writer) error
}

// rawSystem lists the answers that stand for the files of Linux: below volatile/host/.
func rawSystem() []rawAnswer {
	all := []rawAnswer{{"smbios.bin", "GetSystemFirmwareTable('RSMB')", func(w io.Writer) error {
		b, err := smbiosTable()
		if _, werr := w.Write(b); werr != nil {
			return werr
		}
		return winsys.Unanswered(err)
	}}}
	for _, c := range []struct {
		name  string
		class ntapi.SystemClass
	}{{"time_of_day", ntapi.SystemTimeOfDay}, {"basic", ntapi.SystemBasic}} {
		all = append(all, rawAnswer{c.name + ".bin", fmt.Sprintf("NtQuerySystemInformation(%d)", c.class), func(w io.Writer) error {
			a, err := ntapi.QuerySystem(c.class, 64<<10)
			if _, werr := w.Write(a.Data); werr != nil {
				return werr
			}
			return err
		}})
	}
	return all
}

// smbiosTable is GetSystemFirmwareTable
// (https://learn.microsoft.com/windows/win32/api/sysinfoapi/nf-sysinfoapi-getsystemfirmwaretable).
func smbiosTable() ([]byte, error) {
	p := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemFirmwareTable")
	if err := p.Find(); err != nil {
		return nil, err
	}
	const rsmb, most = 'R'<<24 | 'S'<<16 | 'M'<<8 | 'B', 1 << 20
	n, _, e := p.Call(rsmb, 0, 0, 0)
	if n == 0 || n > most {
		return nil, fmt.Errorf("GetSystemFirmwareTable: %d bytes: %w", n, e)
	}
	b := make([]byte, n)
	if n, _, e = p.Call(rsmb, 0, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b))); n == 0 {
		return nil, fmt.Errorf("GetSystemFirmwareTable: %w", e)
	}
	return b[:min(int(n), len(b))], nil
}

// systemItself asks a running Windows. No name is resolved: the host's is that in its registry.
func systemItself(r *factReader) (ownSystem, bool) {
	if !r.h.Live {
		return ownSystem{}, false
	}
	s := ownSystem{hardware: HardwareRow{Kind: "hardware"}, zone: ZoneRow{Kind: "zone"}, boot: BootRow{Kind: "boot"}}
	s.askIdentity(r)
	s.askHardware(r)
	s.askTimes(r)
	if a, err := ntapi.QuerySystem(ntapi.SystemHypervisorDetail, 64<<10); err == nil && len(a.Data) >= 16 {
		s.hypervisor = strings.TrimRight(string(a.Data[4:16]), "\x00") // EBX, ECX, EDX of the first leaf
	}
	return s, true
}

func (s *ownSystem) askIdentity(r *factReader) {
	const version = `SOFTWARE\Microsoft\Windows NT\CurrentVersion`
	id := &s.identity
	id.Kind, id.OSID, id.Arch = "identity", "windows", jsonl.Text(runtime.GOARCH)
	name, err := hostName()
	r.tally.Add("host name", err)
	id.HostName = jsonl.Text(name)
	id.MachineID = machineText(`SOFTWARE\Microsoft\Cryptography`, "MachineGuid")
	id.BootID = machineNumber(`SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters`, "BootId")
	v := windows.RtlGetVersion()
	id.Kernel = jsonl.Text(fmt.Sprintf("%d.%d.%d", v.MajorVersion, v.MinorVersion, v.BuildNumber))
	if ubr := machineNumber(version, "UBR"); ubr != "" {
		id.Kernel += "." + ubr
	}
	id.KernelBuild = machineText(version, "BuildLabEx")
	id.OSVersion = machineText(version, "DisplayVersion")
	product := string(machineText(version, "ProductName"))
	if v.BuildNumber >= 22000 { // Windows 11 calls itself 10 there
		product = strings.Replace(product, "Windows 10", "Windows 11", 1)
	}
	id.OS = jsonl.Text(strings.TrimSpace(product + " " + string(id.OSVersion)))
}

// hostName is the name that this PC gives itself (ComputerNamePhysicalDnsHostname), from
// its registry, without asking DNS.
func hostName() (string, error) {
	const physicalDNSHostname = 5
	b := make([]uint16, 256)
	n := uint32(len(b))
	if err := windows.GetComputerNameEx(physicalDNSHostname, &b[0], &n); err == nil && n > 0 {
		return utf16.WTF8(b[:min(int(n), len(b))]), nil
	}
	return windows.ComputerName()
}

func machineValue(key, name string) ([]byte, uint32) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, key, registry.QUERY_VALUE)
	if err != nil {
		return nil, 0
	}
	defer k.Close()
	b := make([]byte, 4096)
	n, kind, err := k.GetValue(name, b)
	if err != nil {
		return nil, 0
	}
	return b[:n], kind
}

// machineText gives a text below HKEY_LOCAL_MACHINE; "" if there is none.
func machineText(key, name string) jsonl.Text {
	if b, kind := machineValue(key, name); kind == registry.SZ || kind == registry.EXPAND_SZ {
		return jsonl.Text(utf16.ToNUL(b[:len(b)&^1]))
	}
	return ""
}

// machineNumber gives a number below HKEY_LOCAL_MACHINE as a text; "" if there is none.
func machineNumber(key, name string) jsonl.Text {
	b, kind := machineValue(key, name)
	if kind != registry.DWORD || len(b) < 4 {
		return ""
	}
	return jsonl.Text(fmt.Sprint(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24))
}

func (s *ownSystem) askHardware(r *factReader) {
	table, err := smbiosTable()
	r.tally.Add("SMBIOS", winsys.Unanswered(err))
	if len(table) > 0 {
		smbios, err := winsys.ParseSMBIOS(table)
		r.tally.Add("SMBIOS", err)
		s.hardware.takeSMBIOS(smbios)
	}
	s.hardware.Processor = machineText(`HARDWARE\DESCRIPTION\System\CentralProcessor\0`, "ProcessorNameString")
	a, err := ntapi.QuerySystem(ntapi.SystemBasic, 4096)
	if err == nil {
		var b ntapi.Basic
		if b, err = ntapi.ParseBasic(a); err == nil {
			s.hardware.Processors, s.hardware.MemoryBytes = int(b.Processors), int64(b.PhysicalPages)*int64(b.PageSize)
		}
	}
	// SYSTEM_BASIC_INFORMATION counts one group of processors, which has 64 at most.
	s.hardware.Processors = max(s.hardware.Processors, int(windows.GetActiveProcessorCount(windows.ALL_PROCESSOR_GROUPS)))
	r.tally.Add("SystemBasicInformation", err)
}

func (s *ownSystem) askTimes(r *factReader) {
	const zone = `SYSTEM\CurrentControlSet\Control\TimeZoneInformation`
	s.zone.Name = machineText(zone, "TimeZoneKeyName")
	s.zone.Standard, s.zone.Daylight = machineText(zone, "StandardName"), machineText(zone, "DaylightName")
	a, err := ntapi.QuerySystem(ntapi.SystemTimeOfDay, 4096)
	if err == nil {
		var t ntapi.TimeOfDay
		if t, err = ntapi.ParseTimeOfDay(a); err == nil {
			s.zone.BiasMinutes = t.ZoneBias / int64(time.Minute/100)
			s.boot.Boot = stamp(filetime.Time(t.Boot))
			s.boot.AsleepNS, s.boot.MovedNS = int64(filetime.Duration(t.SleepBias)), int64(filetime.Duration(t.BootBias))
			s.boot.Uptime = jsonl.Text(fmt.Sprintf("%.2f", filetime.Duration(t.Current-t.Boot).Seconds()))
		}
	}
	r.tally.Add("SystemTimeOfDayInformation", err)
}

// ownRights are those of our own token.
func (row *ToolRow) ownRights() {
	row.Rights.Elevated = windows.GetCurrentProcessToken().IsElevated()
	o, err := ntapi.Open(uint32(row.PID), 0)
	if err != nil {
		return
	}
	defer o.Close()
	if t, err := o.Token(); err == nil && t != nil {
		row.Rights.SID, row.Rights.Integrity = t.User, ntapi.IntegrityName(t.Integrity)
		for _, p := range t.Privileges {
			if p.Enabled() {
				row.Rights.Privileges = append(row.Rights.Privileges, p.Name())
			}
		}
	}
	row.ancestors()
}

// ancestors climbs from our parent up, in one list of all processes. A parent that began
// after its child is another process with the pid of one that has ended.
func (row *ToolRow) ancestors() {
	a, err := ntapi.QuerySystem(ntapi.SystemProcess, 64<<20)
	if err != nil {
		return
	}
	list, _ := ntapi.Processes(a, ntapi.SystemProcess)
	at := map[uint32]*ntapi.Process{}
	for i := range list {
		at[uint32(list[i].PID)] = &list[i]
	}
	p := at[uint32(row.PID)]
	for p != nil && len(row.Parents) < maxParents {
		parent := at[uint32(p.Parent)]
		if parent == nil || parent == p || parent.PID == 0 || parent.Created > p.Created {
			return
		}
		row.Parents = append(row.Parents, ToolParent{PID: int(parent.PID), Comm: jsonl.Text(parent.Name)})
		p = parent
	}
}

// takeSMBIOS fills in what the firmware says.
func (row *HardwareRow) takeSMBIOS(s winsys.SMBIOS) {
	row.Maker, row.Model, row.Version, row.SKU, row.Serial, row.UUID = s.Maker, s.Model, s.Version, s.SKU, s.Serial, s.UUID
	row.BoardMaker, row.BoardName, row.BoardSerial = s.BoardMaker, s.BoardName, s.BoardSerial
	row.Chassis, row.ChassisTag = jsonl.Text(s.Chassis), s.ChassisTag
	row.BIOSMaker, row.BIOSVersion, row.BIOSDate = s.BIOSMaker, s.BIOSVersion, s.BIOSDate
}
