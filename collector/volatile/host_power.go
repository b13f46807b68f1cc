package volatile

import (
	"strconv"

	"hozen/collector/jsonl"
)

// PowerRow is what feeds the running host: a laptop on its battery does not wait.
type PowerRow struct {
	Kind     string        `json:"kind"`     // "power"
	Supplies []PowerSupply `json:"supplies"` // none: no battery and no adapter tells of itself
}

// PowerSupply is an adapter or battery, as Linux tells of it below /sys/class/power_supply
// (Documentation/ABI/testing/sysfs-class-power), or GetSystemPowerStatus.
type PowerSupply struct {
	Name    jsonl.Text `json:"name"`
	Type    jsonl.Text `json:"type,omitempty"`    // "Mains", "Battery", "USB", "UPS"
	Online  *bool      `json:"online,omitempty"`  // of what is no battery: it feeds the machine
	Status  jsonl.Text `json:"status,omitempty"`  // "Charging", "Discharging", "Full", …
	Percent *int       `json:"percent,omitempty"` // of a battery
	// Scope is "Device" for the battery of a mouse.
	Scope jsonl.Text `json:"scope,omitempty"`
}

const maxSupplies = 64

// powerRow reads of a running host; of another there is nothing to say.
func powerRow(r *factReader) PowerRow {
	row := PowerRow{Kind: "power", Supplies: []PowerSupply{}}
	if own, ok := powerItself(); ok {
		row.Supplies = append(row.Supplies, own...)
		return row
	}
	const all = "/sys/class/power_supply"
	if !r.exists(all) {
		return row
	}
	for _, n := range r.names(all, maxSupplies) {
		read := func(file string) jsonl.Text {
			if file = all + "/" + n + "/" + file; !r.exists(file) {
				return ""
			}
			return r.text(file)
		}
		s := PowerSupply{Name: jsonl.Text(n), Type: read("type"), Status: read("status"), Scope: read("scope")}
		if online := read("online"); online != "" {
			s.Online = new(online != "0")
		}
		if p, err := strconv.Atoi(string(read("capacity"))); err == nil {
			s.Percent = new(p)
		}
		row.Supplies = append(row.Supplies, s)
	}
	return row
}

// powerSupplies reads SYSTEM_POWER_STATUS
// (https://learn.microsoft.com/windows/win32/api/winbase/ns-winbase-system_power_status):
// ACLineStatus, BatteryFlag, BatteryLifePercent. 255 is "unknown"; 128 among the flags, no battery.
func powerSupplies(line, flag, percent byte) (list []PowerSupply) {
	if line <= 1 {
		list = append(list, PowerSupply{Name: "AC", Type: "Mains", Online: new(line == 1)})
	}
	if flag == 255 || flag&128 != 0 {
		return list
	}
	b := PowerSupply{Name: "battery", Type: "Battery", Status: "Discharging"}
	switch {
	case flag&8 != 0:
		b.Status = "Charging"
	case line == 1:
		b.Status = "Not charging"
	}
	if percent <= 100 {
		b.Percent = new(int(percent))
	}
	return append(list, b)
}
