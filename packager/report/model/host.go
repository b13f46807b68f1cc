package model

import (
	"strconv"
	"strings"
	"time"
)

// Plan is what was going to be taken.
type Plan struct {
	There      bool
	Tool, Made string
	Profile    string
	Live       bool
	Elevated   bool
	Command    []string
	LimitMS    int64
	Steps      []Step
}

// A Step is one collector of the plan.
type Step struct {
	Collector string
	Doc       string
	Volatile  bool   // lost at power-off
	Skip      string // why it was not to be run
}

type planRow struct {
	Tool     text   `json:"tool"`
	Made     text   `json:"made"`
	Profile  text   `json:"profile"`
	Live     flag   `json:"live"`
	Elevated flag   `json:"elevated"`
	Command  texts  `json:"command"`
	Limit    number `json:"time_limit_ms"`
	Steps    []struct {
		Collector text `json:"collector"`
		Doc       text `json:"doc"`
		Volatile  flag `json:"volatile"`
		Skip      text `json:"skip"`
	} `json:"steps"`
}

func (m *Model) plan(b []byte) bool {
	var r planRow
	if !decode(b, &r) {
		return false
	}
	m.Plan = Plan{There: true, Tool: string(r.Tool), Made: string(r.Made), Profile: string(r.Profile), Live: bool(r.Live), Elevated: bool(r.Elevated), LimitMS: r.Limit.n}
	m.Timeline.since(When(m.Plan.Made))
	for _, c := range r.Command[:min(len(r.Command), 64)] {
		m.Plan.Command = append(m.Plan.Command, string(c))
	}
	for _, s := range r.Steps[:min(len(r.Steps), maxCollectors)] {
		m.Plan.Steps = append(m.Plan.Steps, Step{string(s.Collector), string(s.Doc), bool(s.Volatile), string(s.Skip)})
	}
	return true
}

// A Fact is a name and what the archive says of it.
type Fact struct{ Name, Value string }

// Host is the machine, as it tells of itself.
type Host struct {
	There    bool
	Identity []Fact
	Links    []Fact // of each interface: its addresses
	Zone     string
}

// A Clock is one reading of the clocks.
type Clock struct {
	When   string // start, identity, end
	Wall   string
	MonoNS int64
	BootNS int64
}

// Tool is the program that made the archive.
type Tool struct {
	There        bool
	PID          int64
	Facts        []Fact
	Parents      []Fact // from our parent up
	Influenced   bool
	InfluencedBy []string
}

type hostRow struct {
	Kind    text   `json:"kind"`
	When    text   `json:"when"`
	Wall    text   `json:"wall"`
	Mono    number `json:"monotonic_ns"`
	Boot    number `json:"boottime_ns"`
	Name    text   `json:"name"`
	MAC     text   `json:"mac"`
	State   text   `json:"state"`
	Address texts  `json:"addresses"`
	// identity
	HostName  text  `json:"host_name"`
	MachineID text  `json:"machine_id"`
	BootID    text  `json:"boot_id"`
	OS        text  `json:"os"`
	Kernel    text  `json:"kernel"`
	Arch      text  `json:"arch"`
	Maker     text  `json:"maker"`
	Model     text  `json:"model"`
	Serial    text  `json:"serial"`
	UUID      text  `json:"uuid"`
	Zone      text  `json:"zone"`
	MACs      texts `json:"macs"`
	IPs       texts `json:"ips"`
	Virtual   text  `json:"virtualisation"`
	// hardware
	Processor text   `json:"processor"`
	CPUs      number `json:"processors"`
	Memory    number `json:"memory_bytes"`
	Tag       text   `json:"chassis_asset_tag"`
	// clocks
	Synced flag   `json:"synchronised"`
	Uptime text   `json:"uptime"`
	BootAt text   `json:"boot_time"`
	Status texts  `json:"status_names"`
	MaxErr number `json:"max_error_us"`
	// tool
	Version      text   `json:"version"`
	Go           text   `json:"go"`
	Path         text   `json:"path"`
	SHA256       text   `json:"sha256"`
	Size         number `json:"size"`
	Args         texts  `json:"args"`
	PID          number `json:"pid"`
	WorkDir      text   `json:"work_dir"`
	Influenced   flag   `json:"influenced"`
	InfluencedBy texts  `json:"influenced_by"`
	Rights       struct {
		UIDs      text `json:"uids"`
		CapEff    text `json:"cap_effective"`
		Elevated  flag `json:"elevated"`
		SID       text `json:"sid"`
		Integrity text `json:"integrity_level"`
	} `json:"rights"`
	Parents []struct {
		PID  number `json:"pid"`
		Comm text   `json:"comm"`
		Exe  text   `json:"exe"`
	} `json:"parents"`
}

func (m *Model) host(b []byte) bool {
	var r hostRow
	if !decode(b, &r) {
		return false
	}
	m.Host.There = true
	switch r.Kind {
	case "clock":
		if len(m.Clocks) < 16 {
			m.Clocks = append(m.Clocks, Clock{string(r.When), string(r.Wall), r.Mono.n, r.Boot.n})
		}
	case "identity":
		m.Host.Zone = string(r.Zone)
		m.Host.Identity = append(m.Host.Identity, facts("name", r.HostName, "os", r.OS, "kernel", r.Kernel, "arch", r.Arch, "maker", r.Maker, "model", r.Model,
			"serial", r.Serial, "uuid", r.UUID, "machine_id", r.MachineID, "boot_id", r.BootID, "zone", r.Zone, "mac", text(r.MACs.comma()), "ip", text(r.IPs.comma()), "virtual", r.Virtual)...)
	case "hardware":
		m.Host.Identity = append(m.Host.Identity, facts("cpu", r.Processor, "tag", r.Tag)...)
		if r.Memory.n > 0 {
			m.Host.Identity = append(m.Host.Identity, Fact{"memory", Bytes(r.Memory.n)})
		}
	case "network_identity":
		if len(m.Host.Links) < 64 {
			m.Host.Links = append(m.Host.Links, Fact{string(r.Name), strings.TrimSpace(string(r.MAC) + " " + r.Address.comma())})
		}
	case "ntp":
		said := "no"
		if r.Synced {
			said = "yes"
		}
		m.Host.Identity = appendOnce(m.Host.Identity, Fact{"synced", said})
	case "boot":
		m.Host.Identity = appendOnce(m.Host.Identity, Fact{"uptime", firstOf(string(r.BootAt), uptime(string(r.Uptime)))})
	case "tool":
		m.tool(&r)
	}
	return true
}

func (m *Model) tool(r *hostRow) {
	t := Tool{There: true, PID: r.PID.n, Influenced: bool(r.Influenced)}
	t.Facts = facts("version", r.Version, "path", r.Path, "sha256", r.SHA256, "command", text(r.Args.join()), "work_dir", r.WorkDir, "go", r.Go,
		"uids", r.Rights.UIDs, "caps", r.Rights.CapEff, "sid", r.Rights.SID, "integrity", r.Rights.Integrity)
	for _, p := range r.Parents[:min(len(r.Parents), 64)] {
		t.Parents = append(t.Parents, Fact{string(p.Comm), string(p.Exe)})
	}
	for _, s := range r.InfluencedBy[:min(len(r.InfluencedBy), 64)] {
		t.InfluencedBy = append(t.InfluencedBy, string(s))
	}
	m.Tool = t
}

// facts makes pairs of names and texts, without those that are empty.
func facts(pairs ...any) (list []Fact) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if v, _ := pairs[i+1].(text); v != "" {
			list = append(list, Fact{pairs[i].(string), string(v)})
		}
	}
	return list
}

func appendOnce(list []Fact, f Fact) []Fact {
	if f.Value == "" {
		return list
	}
	for i := range list {
		if list[i].Name == f.Name {
			return list
		}
	}
	return append(list, f)
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// uptime reads the first field of /proc/uptime.
func uptime(s string) string {
	up, _, _ := strings.Cut(s, " ")
	seconds, err := strconv.ParseFloat(up, 64)
	if err != nil || !(seconds >= 0 && seconds < 1e9) {
		return ""
	}
	return (time.Duration(seconds) * time.Second).String()
}

// Is gives a fact of the host; "" if it is not known.
func (h *Host) Is(name string) string {
	for _, f := range h.Identity {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
