package onwindows

import (
	"strings"

	"hozen/collector/jsonl"
)

// A FirewallRuleRow is a rule of Windows' firewall: kind "firewall_rule". It is a text of
// the registry with the fields that [MS-FASP] and [MS-GPFAS], section 2.2.2, describe:
// "v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=80|App=…|Name=…|".
type FirewallRuleRow struct {
	Kind        string       `json:"kind"`
	Key         jsonl.Text   `json:"key"`
	ID          jsonl.Text   `json:"id"` // the value's name
	Version     jsonl.Text   `json:"version"`
	Action      jsonl.Text   `json:"action"` // Allow, Block, ByPass
	Active      bool         `json:"active"`
	Dir         jsonl.Text   `json:"dir"`                // In, Out
	Protocol    jsonl.Text   `json:"protocol,omitempty"` // number; left out: any
	LocalPorts  []jsonl.Text `json:"local_ports,omitempty"`
	RemotePorts []jsonl.Text `json:"remote_ports,omitempty"`
	LocalAddrs  []jsonl.Text `json:"local_addrs,omitempty"`
	RemoteAddrs []jsonl.Text `json:"remote_addrs,omitempty"`
	Profiles    []jsonl.Text `json:"profiles,omitempty"` // Domain, Private, Public; left out: all
	App         jsonl.Text   `json:"app,omitempty"`
	Service     jsonl.Text   `json:"service,omitempty"`
	Name        jsonl.Text   `json:"name,omitempty"`
	Description jsonl.Text   `json:"description,omitempty"`
	Context     jsonl.Text   `json:"context,omitempty"` // the group
	Others      []jsonl.Text `json:"others,omitempty"`  // fields that have no place above, NAME=VALUE
	Written     string       `json:"written,omitempty"`
}

// firewallRow makes a rule of a value that is one, and leaves others as settings.
func firewallRow(s SettingRow, row func(any)) {
	if s.Text != nil && strings.HasPrefix(string(*s.Text), "v") && strings.Contains(string(*s.Text), "|Action=") {
		r := firewallRule(string(*s.Text))
		r.Key, r.ID, r.Written = s.Key, s.Name, s.Written
		row(&r)
		return
	}
	row(&s)
}

// firewallRule reads the fields. One that is there twice is a list.
func firewallRule(text string) FirewallRuleRow {
	r := FirewallRuleRow{Kind: "firewall_rule"}
	version, rest, _ := strings.Cut(text, "|")
	r.Version = jsonl.Text(version)
	for _, field := range strings.Split(rest, "|") {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			if field != "" {
				r.Others = append(r.Others, jsonl.Text(field))
			}
			continue
		}
		v := jsonl.Text(value)
		list := map[string]*[]jsonl.Text{
			"LPort": &r.LocalPorts, "LPort2_10": &r.LocalPorts, "RPort": &r.RemotePorts, "RPort2_10": &r.RemotePorts,
			"LA4": &r.LocalAddrs, "LA6": &r.LocalAddrs, "RA4": &r.RemoteAddrs, "RA6": &r.RemoteAddrs, "RA42": &r.RemoteAddrs, "RA62": &r.RemoteAddrs,
			"Profile": &r.Profiles,
		}[name]
		one := map[string]*jsonl.Text{
			"Action": &r.Action, "Dir": &r.Dir, "Protocol": &r.Protocol, "App": &r.App, "Svc": &r.Service, "Name": &r.Name,
			"Desc": &r.Description, "EmbedCtxt": &r.Context,
		}[name]
		switch {
		case name == "Active":
			r.Active = strings.EqualFold(value, "TRUE")
		case list != nil:
			*list = append(*list, v)
		case one != nil && *one == "":
			*one = v
		default:
			r.Others = append(r.Others, jsonl.Text(field))
		}
	}
	return r
}
