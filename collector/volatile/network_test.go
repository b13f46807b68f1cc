package volatile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

const debianNetwork = "../../testdata/hosts/debian-network.txtar"

func TestNetworkConforms(t *testing.T) {
	t.Run("fixture", func(t *testing.T) { hosttest.Conform(t, Network(nil), hosttest.FromTxtar(t, debianNetwork)) })
	t.Run("this host", func(t *testing.T) { hosttest.Conform(t, Network(nil), collector.ThisHost()) })
}

// kinds gives the lines of the table by kind.
func kinds(t *testing.T, s *hosttest.Sink) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for line := range bytes.Lines(s.Body("volatile/network.jsonl")) {
		var head struct{ Kind string }
		if err := json.Unmarshal(line, &head); err != nil || head.Kind == "" {
			t.Errorf("%v: %s", err, line)
		}
		out[head.Kind] = append(out[head.Kind], strings.TrimSpace(string(line)))
	}
	return out
}

func TestNetworkOfFixture(t *testing.T) {
	s := collectTest(t, Network(nil), hosttest.FromTxtar(t, debianNetwork))
	got := kinds(t, s)
	for kind, want := range map[string]int{
		"link": 2, "neighbour": 2, "route": 4, "address": 3, "multicast": 5, "resolver": 12, "host_entry": 3,
		"wireless": 8, "connection": 2, "lease": 2, "proxy": 2, "conntrack": 1,
	} {
		if len(got[kind]) != want {
			t.Errorf("%d rows of kind %s, want %d:\n%s", len(got[kind]), kind, want, strings.Join(got[kind], "\n"))
		}
	}
	for kind, wants := range map[string][]string{
		"route":     {`"to":"0.0.0.0/0","gateway":"192.0.2.254","link":"eth0"`, `"to":"::/0","gateway":"fe80::fffe"`, `"to":"192.0.2.0/24"`},
		"multicast": {`"address":"224.0.0.251"`, `"address":"ff02::1:ff00:1"`, `"address":"33:33:00:00:00:01"`},
		"neighbour": {`"address":"192.0.2.66","mac":"02:00:00:00:00:66","state":["complete","permanent"]`},
		"address":   {`"address":"fe80::ff:fe00:1","prefix_len":64,"scope":"link","flags":["permanent"]`},
		"resolver": {`"link_target":"../run/systemd/resolve/stub-resolv.conf","line":2,"key":"nameserver","values":["127.0.0.53"]`,
			`"key":"Resolve.DNS","values":["203.0.113.66"]`, `"key":"hosts","values":["files","mdns4_minimal","[NOTFOUND=return]","dns"]`},
		"host_entry": {`"address":"203.0.113.66","valid":true,"names":["update.example.org","security.example.org"]`, `"address":"nonsense","valid":false`},
		"wireless": {`"ssid":"Office 5G"`, `"ssid":"Café"`, `"ssid":{"b64":"/wD+"}`, `"ssid":"Home"`, `"ssid":"Plan B"`,
			`"identity":"user@example.org","secret":true,"secrets":["password"]`, `"ssid":"Cafe2"`, `"ssid":"Legacy Net"`},
		"connection": {`"type":"wireguard","link":"wg0","secret":true,"secrets":["PrivateKey"]`},
		"lease":      {`"address":"192.0.2.10","router":"192.0.2.254","dns":"192.0.2.53,192.0.2.54","server":"192.0.2.250"`, `"link":"2","address":"192.0.2.11"`},
		"proxy":      {`"value":"http://user@proxy.example:3128","secret":true`, `"key":"Acquire::http::Proxy","value":"http://proxy.example:3142"`},
	} {
		all := strings.Join(got[kind], "\n")
		for _, want := range wants {
			if !strings.Contains(all, want) {
				t.Errorf("no row of kind %s has %s:\n%s", kind, want, all)
			}
		}
	}
}

// TestRowsHoldNoSecret looks for every passphrase of the fixture in the table,
// and checks that the raw files do have them.
func TestRowsHoldNoSecret(t *testing.T) {
	s := collectTest(t, Network(nil), hosttest.FromTxtar(t, debianNetwork))
	if b := s.Body("volatile/network.jsonl"); bytes.Contains(b, []byte("TOPSECRET")) {
		t.Errorf("a secret is in the table:\n%s", b)
	}
	n := 0
	for _, r := range s.Records() {
		n += bytes.Count(s.Body(r.Path), []byte("TOPSECRET"))
		if strings.Contains(r.Note, "TOPSECRET") {
			t.Errorf("%s: a secret is in the note %q", r.Path, r.Note)
		}
	}
	if n != 10 {
		t.Errorf("%d secrets in the raw files, want 10", n)
	}
}

func TestNetworkFilesAreRecorded(t *testing.T) {
	s := collectTest(t, Network(nil), hosttest.FromTxtar(t, debianNetwork))
	r, ok := s.Record("volatile/network/files/etc/resolv.conf")
	if !ok || r.Outcome != evidence.Collected || r.File == nil || r.File.LinkTarget != "../run/systemd/resolve/stub-resolv.conf" {
		t.Errorf("resolv.conf: %+v", r)
	}
	if r, _ := s.Record("volatile/network/files/etc/gai.conf"); r.Outcome != evidence.Absent || r.Shortfall {
		t.Errorf("gai.conf: %+v", r)
	}
	if r, _ := s.Record("volatile/network/own/netlink"); r.Outcome != evidence.Skipped || r.Shortfall {
		t.Errorf("netlink: %+v", r)
	}
	if r, _ := s.Record("volatile/network.jsonl"); r.Outcome != evidence.Partial || !strings.Contains(r.Note, "99-broken.yaml") {
		t.Errorf("table: %+v: the broken file is not told", r)
	}
}

func TestWithoutPassword(t *testing.T) {
	for in, want := range map[string]string{
		"http://u:p@h:1": "http://u@h:1", "u:p@h": "u@h", "http://h:1": "http://h:1", "http://u@h": "http://u@h",
		"http://u:p@x@h": "http://u@h",
	} {
		if got, secret := withoutPassword(in); got != want || secret != (in != want) {
			t.Errorf("%q became %q, %v", in, got, secret)
		}
	}
}
