package volatile

import (
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
)

// WirelessRow is a saved wireless network, kind "wireless", or another saved
// connection of a network manager, kind "connection". It says which settings
// hold a secret, never the secret: that is in the raw file.
type WirelessRow struct {
	netFileHead
	Manager  string       `json:"manager"`
	Line     int          `json:"line,omitempty"`
	Name     jsonl.Text   `json:"name,omitempty"` // of the connection
	Type     jsonl.Text   `json:"type,omitempty"` // wifi, ethernet, vpn, …
	SSID     jsonl.Text   `json:"ssid,omitempty"`
	Link     jsonl.Text   `json:"link,omitempty"`
	BSSID    jsonl.Text   `json:"bssid,omitempty"`
	Security jsonl.Text   `json:"security,omitempty"` // as the manager names it
	Identity jsonl.Text   `json:"identity,omitempty"` // of 802.1X
	UUID     jsonl.Text   `json:"uuid,omitempty"`
	LastUsed jsonl.Text   `json:"last_used,omitempty"` // as the file has it
	Hidden   bool         `json:"hidden,omitempty"`
	Secret   bool         `json:"secret"`
	Secrets  []jsonl.Text `json:"secrets,omitempty"` // names of the settings that hold one
}

// secretKey says whether a setting of this name holds a secret, after the
// documents of the managers: nm-settings-keyfile(5), wpa_supplicant.conf(5),
// iwd.network(5), systemd.netdev(5), netplan(5).
func secretKey(key string) bool {
	key = strings.ToLower(key)
	for _, part := range []string{"psk", "passphrase", "password", "passwd", "secret", "privatekey", "private-key", "private_key",
		"presharedkey", "preshared-key", "wep-key", "wep_key", "sae_pass", "pin"} {
		if strings.Contains(key, part) {
			return !strings.HasSuffix(key, "-flags") && !strings.HasSuffix(key, "key-mgmt") && key != "pinning"
		}
	}
	return key == "key"
}

// Not inlined, for the size of the program.
//
//go:noinline
func (r *WirelessRow) secret(key, value string) {
	if secretKey(key) && value != "" {
		r.Secret = true
		r.Secrets = append(r.Secrets, jsonl.Text(key))
	}
}

// wirelessRows makes rows of a manager's file; the error says that a file has
// not the form that its place promises.
func (f *netFile) wirelessRows(row func(any)) error {
	switch f.kind {
	case fileKeyfile:
		f.keyfileRow(row)
	case fileSupplicant:
		f.supplicantRows(row)
	case fileIWD:
		f.iwdRow(row)
	case fileConnman:
		f.connmanRows(row)
	case fileNetworkd:
		f.networkdRow(row)
	case fileIfupdown:
		f.ifupdownRows(row)
	case fileNetplan:
		return f.netplanRows(row)
	}
	return nil
}

func (f *netFile) wireless() *WirelessRow {
	return &WirelessRow{netFileHead: f.head("wireless"), Manager: string(f.kind)}
}

// keyfileRow reads a connection of NetworkManager.
func (f *netFile) keyfileRow(row func(any)) {
	r := f.wireless()
	settings := parseINI(f.body)
	for _, s := range settings {
		value := jsonl.Text(s.value)
		switch s.section + "." + s.key {
		case "connection.id":
			r.Name = value
		case "connection.type":
			r.Type = value
		case "connection.uuid":
			r.UUID = value
		case "connection.interface-name":
			r.Link = value
		case "connection.timestamp":
			r.LastUsed = value
		case "wifi.ssid", "802-11-wireless.ssid":
			r.SSID = keyfileBytes(s.value)
		case "wifi.bssid", "802-11-wireless.bssid":
			r.BSSID = value
		case "wifi.hidden", "802-11-wireless.hidden":
			r.Hidden = s.value == "true"
		case "wifi-security.key-mgmt", "802-11-wireless-security.key-mgmt":
			r.Security = value
		case "802-1x.identity":
			r.Identity = value
		}
		r.secret(s.key, s.value)
	}
	if len(settings) > 0 {
		row(r.sorted())
	}
}

// sorted tells wireless networks from other connections.
func (r *WirelessRow) sorted() *WirelessRow {
	if r.SSID == "" && !strings.Contains(string(r.Type), "wireless") && r.Type != "wifi" && r.Type != "wlan" {
		r.Kind = "connection"
	}
	return r
}

// keyfileBytes reads an SSID that is written as bytes, "72;111;", where it is no text.
func keyfileBytes(s string) jsonl.Text {
	if !strings.HasSuffix(s, ";") {
		return jsonl.Text(s)
	}
	var out []byte
	for _, p := range strings.Split(strings.TrimSuffix(s, ";"), ";") {
		n, ok := proc.Number([]byte(p))
		if !ok || n > 255 {
			return jsonl.Text(s)
		}
		out = append(out, byte(n))
	}
	return jsonl.Text(out)
}

// supplicantRows reads blocks "network={ … }" of wpa_supplicant.conf(5).
func (f *netFile) supplicantRows(row func(any)) {
	var r *WirelessRow
	for _, l := range textLines(f.body, "#") {
		if l.text == "}" && r != nil {
			row(r)
			r = nil
			continue
		}
		key, value, _ := strings.Cut(l.text, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if r == nil {
			if key == "network" {
				r = f.wireless()
				r.Line, r.Type = l.number, "wifi"
			}
			continue
		}
		switch key {
		case "ssid":
			r.SSID = quotedOrHex(value)
		case "id_str":
			r.Name = quotedOrHex(value)
		case "bssid":
			r.BSSID = jsonl.Text(value)
		case "key_mgmt":
			r.Security = jsonl.Text(value)
		case "identity":
			r.Identity = quotedOrHex(value)
		case "scan_ssid":
			r.Hidden = value == "1"
		}
		r.secret(key, value)
	}
}

// quotedOrHex reads a string of wpa_supplicant: "text", or bytes in hex.
func quotedOrHex(s string) jsonl.Text {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return jsonl.Text(s[1 : len(s)-1])
	}
	if b, err := hex.DecodeString(s); err == nil {
		return jsonl.Text(b)
	}
	return jsonl.Text(s)
}

// iwdRow reads iwd.network(5): the file's name is the SSID, as text or as "="
// and hex, and its suffix the kind of security.
func (f *netFile) iwdRow(row func(any)) {
	base := path.Base(f.name)
	name, kind := strings.TrimSuffix(base, path.Ext(base)), strings.TrimPrefix(path.Ext(base), ".")
	if kind != "psk" && kind != "open" && kind != "8021x" && kind != "hotspot" {
		return
	}
	r := f.wireless()
	r.Type, r.SSID, r.Security = "wifi", jsonl.Text(name), jsonl.Text(kind)
	if b, err := hex.DecodeString(strings.TrimPrefix(name, "=")); err == nil && strings.HasPrefix(name, "=") {
		r.SSID = jsonl.Text(b)
	}
	for _, s := range parseINI(f.body) {
		switch s.key {
		case "EAP-Identity":
			r.Identity = jsonl.Text(s.value)
		case "Hidden":
			r.Hidden = s.value == "true"
		}
		r.secret(s.key, s.value)
	}
	row(r)
}

// connmanRows reads settings of connman: a section for a service, SSID in hex.
func (f *netFile) connmanRows(row func(any)) {
	var r *WirelessRow
	section := ""
	for _, s := range parseINI(f.body) {
		if r == nil || s.section != section {
			if r != nil {
				row(r.sorted())
			}
			section, r = s.section, f.wireless()
			r.Line, r.UUID = s.line, jsonl.Text(s.section)
			if kind, _, ok := strings.Cut(strings.TrimPrefix(s.section, "service_"), "_"); ok {
				r.Type = jsonl.Text(kind)
			}
		}
		switch s.key {
		case "Name":
			r.Name = jsonl.Text(s.value)
		case "Type":
			r.Type = jsonl.Text(s.value)
		case "SSID":
			r.SSID = quotedOrHex(s.value)
		case "Security":
			r.Security = jsonl.Text(s.value)
		case "Identity":
			r.Identity = jsonl.Text(s.value)
		case "Modified":
			r.LastUsed = jsonl.Text(s.value)
		case "Hidden":
			r.Hidden = s.value == "true"
		}
		r.secret(s.key, s.value)
	}
	if r != nil {
		row(r.sorted())
	}
}

// networkdRow reads systemd.network(5) and systemd.netdev(5).
func (f *netFile) networkdRow(row func(any)) {
	r := f.wireless()
	settings := parseINI(f.body)
	for _, s := range settings {
		switch s.section + "." + s.key {
		case "Match.Name", "NetDev.Name":
			r.Link = jsonl.Text(s.value)
		case "Match.SSID":
			r.SSID = jsonl.Text(s.value)
		case "Match.BSSID":
			r.BSSID = jsonl.Text(s.value)
		case "Match.Type", "NetDev.Kind":
			r.Type = jsonl.Text(s.value)
		}
		r.secret(s.key, s.value)
	}
	if len(settings) > 0 {
		row(r.sorted())
	}
}

// ifupdownRows reads the wireless settings of interfaces(5): a row for each
// iface that has any.
func (f *netFile) ifupdownRows(row func(any)) {
	var r *WirelessRow
	flush := func() {
		if r != nil && (r.SSID != "" || r.Secret) {
			row(r)
		}
	}
	for _, l := range textLines(f.body, "#") {
		key, value, _ := strings.Cut(strings.ReplaceAll(l.text, "\t", " "), " ")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch key {
		case "iface":
			flush()
			r = f.wireless()
			r.Line, r.Type = l.number, "wifi"
			name, _, _ := strings.Cut(value, " ")
			r.Link = jsonl.Text(name)
			continue
		case "auto", "mapping", "source", "source-directory":
			flush()
			r = nil
		}
		if r == nil {
			continue
		}
		switch key {
		case "wpa-ssid", "wireless-essid":
			r.SSID = jsonl.Text(value)
		case "wpa-key-mgmt":
			r.Security = jsonl.Text(value)
		case "wpa-identity":
			r.Identity = jsonl.Text(value)
		}
		r.secret(key, value)
		if key == "wireless-key" {
			r.secret("key", value)
		}
	}
	flush()
}

// netplanRows reads network.wifis.LINK.access-points.SSID of netplan(5). Aliases
// are not followed, so that a small file cannot become a large one.
func (f *netFile) netplanRows(row func(any)) (err error) {
	defer func() {
		if p := recover(); p != nil { // the YAML reader promises nothing for hostile files
			err = fmt.Errorf("%s: not YAML: %v", f.name, p)
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(f.body, &doc); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	wifis := yamlField(yamlField(doc.Content[0], "network"), "wifis")
	eachYAML(wifis, func(link, settings *yaml.Node) {
		eachYAML(yamlField(settings, "access-points"), func(ssid, point *yaml.Node) {
			r := f.wireless()
			r.Line, r.Type, r.Link, r.SSID = ssid.Line, "wifi", jsonl.Text(link.Value), jsonl.Text(ssid.Value)
			r.netplanPoint(point, 0)
			row(r)
		})
	})
	return nil
}

func (r *WirelessRow) netplanPoint(point *yaml.Node, depth int) {
	eachYAML(point, func(k, v *yaml.Node) {
		switch k.Value {
		case "bssid":
			r.BSSID = jsonl.Text(v.Value)
		case "hidden":
			r.Hidden = v.Value == "true"
		case "key-management":
			r.Security = jsonl.Text(v.Value)
		case "identity":
			r.Identity = jsonl.Text(v.Value)
		case "auth":
			if depth == 0 {
				r.netplanPoint(v, 1)
			}
		}
		r.secret(k.Value, v.Value)
	})
}

func yamlField(n *yaml.Node, key string) (found *yaml.Node) {
	eachYAML(n, func(k, v *yaml.Node) {
		if k.Value == key {
			found = v
		}
	})
	return found
}

func eachYAML(n *yaml.Node, f func(k, v *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i], n.Content[i+1])
	}
}
