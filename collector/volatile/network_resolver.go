package volatile

import (
	"bytes"
	"net/netip"
	"path"
	"strings"

	"hozen/collector/jsonl"
)

// ResolverRow is one setting of how names are resolved: kind "resolver". For
// resolv.conf(5) and host.conf(5) the key is the first word of the line, for
// nsswitch.conf(5) the database, for resolved.conf(5) "Section.Key".
type ResolverRow struct {
	netFileHead
	Line   int          `json:"line"`
	Key    jsonl.Text   `json:"key"`
	Values []jsonl.Text `json:"values"`
}

// HostEntryRow is a line of hosts(5): kind "host_entry".
type HostEntryRow struct {
	netFileHead
	Line    int          `json:"line"`
	Address jsonl.Text   `json:"address"`
	Valid   bool         `json:"valid"` // Address is one
	Names   []jsonl.Text `json:"names"`
}

// LeaseRow is an address that a DHCP server gave: kind "lease".
type LeaseRow struct {
	netFileHead
	Manager string       `json:"manager"`        // dhclient, systemd-networkd, NetworkManager
	Link    jsonl.Text   `json:"link,omitempty"` // name, or index of systemd-networkd
	Address jsonl.Text   `json:"address"`
	Router  jsonl.Text   `json:"router,omitempty"`
	DNS     jsonl.Text   `json:"dns,omitempty"`
	Domain  jsonl.Text   `json:"domain,omitempty"`
	Server  jsonl.Text   `json:"server,omitempty"`
	Renew   jsonl.Text   `json:"renew,omitempty"` // as the file has it
	Expire  jsonl.Text   `json:"expire,omitempty"`
	Options []jsonl.Text `json:"options,omitempty"` // the rest, as lines
}

// ProxyRow is a setting that sends traffic through a proxy: kind "proxy". A
// password in the address is not in the row.
type ProxyRow struct {
	netFileHead
	Line   int        `json:"line"`
	Key    jsonl.Text `json:"key"`
	Value  jsonl.Text `json:"value"`
	Secret bool       `json:"secret,omitempty"` // the file has a password here
}

// A textLine is a line of a configuration file, trimmed, comments left out.
type textLine struct {
	number int
	text   string
}

// textLines cuts a file into its lines; a line that begins with one of the
// comment characters is none.
func textLines(b []byte, comments string) (out []textLine) {
	n := 0
	for line := range bytes.Lines(b) {
		n++
		s := string(bytes.TrimSpace(line))
		if s != "" && !strings.ContainsRune(comments, rune(s[0])) {
			out = append(out, textLine{n, s})
		}
	}
	return out
}

// An iniSetting is "key=value" in a section of a file of settings
// (systemd.syntax(7), nm-settings-keyfile(5)).
type iniSetting struct {
	line                int
	section, key, value string
}

func parseINI(b []byte) (out []iniSetting) {
	section := ""
	for _, l := range textLines(b, "#;") {
		if l.text[0] == '[' && strings.HasSuffix(l.text, "]") {
			section = l.text[1 : len(l.text)-1]
			continue
		}
		if k, v, ok := strings.Cut(l.text, "="); ok {
			out = append(out, iniSetting{l.number, section, strings.TrimSpace(k), strings.TrimSpace(v)})
		}
	}
	return out
}

func (f *netFile) resolverRows(row func(any)) {
	if f.kind == fileINI {
		for _, s := range parseINI(f.body) {
			row(&ResolverRow{f.head("resolver"), s.line, jsonl.Text(s.section + "." + s.key), jsonl.Texts(strings.Fields(s.value))})
		}
		return
	}
	for _, l := range textLines(f.body, "#;") {
		text := l.text
		if f.kind == fileNsswitch {
			text, _, _ = strings.Cut(text, "#")
			text = strings.Replace(text, ":", " ", 1)
		}
		w := strings.Fields(text)
		if len(w) > 0 {
			row(&ResolverRow{f.head("resolver"), l.number, jsonl.Text(w[0]), jsonl.Texts(w[1:])})
		}
	}
}

func (f *netFile) hostRows(row func(any)) {
	for _, l := range textLines(f.body, "#") {
		text, _, _ := strings.Cut(l.text, "#")
		w := strings.Fields(text)
		if len(w) == 0 {
			continue
		}
		_, err := netip.ParseAddr(w[0])
		row(&HostEntryRow{f.head("host_entry"), l.number, jsonl.Text(w[0]), err == nil, jsonl.Texts(w[1:])})
	}
}

// dhclientRows reads dhclient.leases(5): blocks "lease { … }" of statements.
func (f *netFile) dhclientRows(row func(any)) {
	var r *LeaseRow
	for _, l := range textLines(f.body, "#") {
		w := strings.Fields(strings.TrimSuffix(l.text, ";"))
		switch {
		case len(w) == 0:
		case w[0] == "lease" || w[0] == "lease6":
			r = &LeaseRow{netFileHead: f.head("lease"), Manager: "dhclient"}
		case w[0] == "}" && r != nil:
			row(r)
			r = nil
		case r != nil && len(w) > 1:
			r.statement(w, l.text)
		}
	}
}

func (r *LeaseRow) statement(w []string, text string) {
	value := jsonl.Text(strings.Trim(strings.Join(w[1:], " "), `"`))
	option := jsonl.Text("")
	if len(w) > 2 {
		option = jsonl.Text(strings.Trim(strings.Join(w[2:], " "), `"`))
	}
	switch w[0] + " " + w[1] {
	case "option routers":
		r.Router = option
		return
	case "option domain-name-servers":
		r.DNS = option
		return
	case "option domain-name":
		r.Domain = option
		return
	case "option dhcp-server-identifier":
		r.Server = option
		return
	}
	switch w[0] {
	case "interface":
		r.Link = value
	case "fixed-address", "fixed-address6":
		r.Address = value
	case "renew":
		r.Renew = value
	case "expire":
		r.Expire = value
	default:
		r.Options = append(r.Options, jsonl.Text(text))
	}
}

// leaseRow reads the private form NAME=value of systemd-networkd and
// NetworkManager: one lease a file.
func (f *netFile) leaseRow(row func(any)) {
	r := LeaseRow{netFileHead: f.head("lease"), Manager: "systemd-networkd", Link: jsonl.Text(path.Base(f.name))}
	if strings.HasPrefix(f.name, "/var/lib/NetworkManager/") {
		r.Manager = "NetworkManager"
		at := strings.LastIndexByte(f.name, '-') // internal-UUID-LINK.lease
		r.Link = jsonl.Text(strings.TrimSuffix(f.name[at+1:], ".lease"))
	}
	settings := parseINI(f.body)
	for _, s := range settings {
		value := jsonl.Text(s.value)
		switch s.key {
		case "ADDRESS":
			r.Address = value
		case "ROUTER":
			r.Router = value
		case "DNS":
			r.DNS = value
		case "DOMAINNAME":
			r.Domain = value
		case "SERVER_ADDRESS":
			r.Server = value
		case "EXPIRY", "LIFETIME":
			r.Expire = value
		default:
			r.Options = append(r.Options, jsonl.Text(s.key+"="+s.value))
		}
	}
	if len(settings) > 0 {
		row(&r)
	}
}

// proxyRows finds proxies in /etc/environment (http_proxy=…) and in
// apt.conf(5) (Acquire::http::Proxy "…";).
func (f *netFile) proxyRows(row func(any)) {
	for _, l := range textLines(f.body, "#/") {
		key, value, ok := strings.Cut(l.text, "=")
		if !ok || strings.ContainsAny(key, " \t\"") && !strings.HasPrefix(key, "export ") {
			key, value, ok = strings.Cut(l.text, " ")
		}
		if !ok || !strings.Contains(strings.ToLower(key), "proxy") {
			continue
		}
		value, secret := withoutPassword(strings.Trim(value, "\"'; \t"))
		row(&ProxyRow{f.head("proxy"), l.number, jsonl.Text(key), jsonl.Text(value), secret})
	}
}

// withoutPassword leaves the password out of scheme://user:password@host.
func withoutPassword(s string) (string, bool) {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s, false
	}
	start := 0
	if i := strings.Index(s[:at], "://"); i >= 0 {
		start = i + 3
	}
	user, _, ok := strings.Cut(s[start:at], ":")
	if !ok {
		return s, false
	}
	return s[:start] + user + s[at:], true
}
