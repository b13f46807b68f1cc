package config

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// root is the table of what the file may have.
func (c *Config) root() []field {
	return []field{
		{"device", name(&c.Device)},
		{"state_dir", path(&c.StateDir)},
		{"trust_file", path(&c.Trust)},
		{"revoked", path(&c.Revoked)},
		{"veto_file", path(&c.Veto)},
		{"language", oneOf(&c.Language, "en", "ja")},
		{"profile", oneOf(&c.Profile, "volatile", "standard", "full")},
		{"on_shutdown", oneOf(&c.OnShutdown, ShutdownNothing, ShutdownVolatile)},
		{"shutdown_limit", duration(&c.ShutdownLimit, time.Second, 10*time.Minute)},
		{"outbox", fields("outbox", field{"max_size", size(&c.Outbox.MaxSize, 1<<20)})},
		{"destinations", c.destinations},
		{"deliver_to", name(&c.DeliverTo)},
		{"delete_local", yesNo(&c.DeleteLocal)},
		{"bandwidth", size(&c.Bandwidth, 0)},
		{"approvals", fields("approvals",
			field{"collect", number(&c.Approvals.Collect, 1, 9)}, field{"ram", number(&c.Approvals.RAM, 1, 9)},
			field{"memory", number(&c.Approvals.Memory, 1, 9)}, field{"isolate", number(&c.Approvals.Isolate, 1, 9)},
			field{"cancel", number(&c.Approvals.Cancel, 1, 9)})},
		{"groups", c.groups},
		{"allow", fields("allow", field{"recipients", c.recipients(&c.Allow.Recipients)}, field{"destinations", names(&c.Allow.Destinations)})},
		{"encrypt_to", c.recipients(&c.EncryptTo)},
		{"timestamp", fields("timestamp", field{"tsa", authorities(&c.Timestamp.TSA)}, field{"ca", path(&c.Timestamp.CA)})},
		{"ntp", timeServers(&c.NTP)},
		{"limits", fields("limits", field{"memory", size(&c.Limits.Memory, 128<<20)},
			field{"cpu_weight", number(&c.Limits.CPUWeight, 1, 10000)}, field{"io_weight", number(&c.Limits.IOWeight, 1, 10000)})},
		{"isolation", fields("isolation", field{"hub", addresses(&c.Isolation.Hub)})},
	}
}

// fields is a field that has fields of its own.
func fields(what string, of ...field) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) { r.mapping(n, what, of) }
}

func (d *Destination) fields() []field {
	return []field{
		{"to", line(&d.To)},
		{"address", address(&d.Address)},
		{"pin", line(&d.Pin)},
		{"ca", path(&d.CA)},
		{"credentials", path(&d.Credentials)},
		{"read_back", yesNo(&d.ReadBack)},
	}
}

func (c *Config) destinations(r *reader, n *yaml.Node) {
	r.pairs(n, "destinations", func(key, value *yaml.Node) {
		if !r.isName(key, key.Value) {
			return
		}
		if key.Value == Hub {
			r.wrong(key, hintHub, "a destination cannot be called hub")
			return
		}
		d := Destination{Name: key.Value}
		before := len(r.found)
		r.mapping(value, "destination "+d.Name, d.fields())
		if len(r.found) == before {
			r.destination(key, value, d)
		}
		c.Destinations = append(c.Destinations, d)
	})
}

func (c *Config) groups(r *reader, n *yaml.Node) {
	r.pairs(n, "groups", func(key, value *yaml.Node) {
		if !r.isName(key, key.Value) {
			return
		}
		g := Group{Name: key.Value}
		names(&g.Members)(r, value)
		slices.Sort(g.Members)
		if twice := duplicate(g.Members); twice != "" {
			r.wrong(value, hintTwice, "group %s: %s is in it twice", g.Name, twice)
		}
		c.Groups = append(c.Groups, g)
	})
}

func duplicate(sorted []string) string {
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return sorted[i]
		}
	}
	return ""
}

// agree checks what depends on more than one field.
func (c *Config) agree(r *reader, top *yaml.Node) {
	known := func(name string) bool {
		_, ok := c.DestinationNamed(name)
		return ok || name == Hub
	}
	if c.DeliverTo != "" && !known(c.DeliverTo) {
		r.wrong(cmp.Or(at(top, "deliver_to"), top), hintNamed, "deliver_to: no destination is called %s", c.DeliverTo)
	}
	if list := at(top, "allow", "destinations"); list != nil {
		for _, n := range list.Content {
			if !known(n.Value) {
				r.wrong(n, hintNamed, "allow: no destination is called %.80q", n.Value)
			}
		}
	}
}

// at finds the value behind a way of keys; nil if it is not there.
// Not inlined, for the size of the program.
//
//go:noinline
func at(n *yaml.Node, way ...string) *yaml.Node {
	for _, key := range way {
		var next *yaml.Node
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
			}
		}
		if next == nil {
			return nil
		}
		n = next
	}
	return n
}

// absolute says whether a path is from the root, on this or another system.
func absolute(p string) bool {
	return strings.HasPrefix(p, "/") || strings.HasPrefix(p, `\\`) || len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/')
}

func address(to *netip.Addr) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		v, ok := r.text(n)
		if !ok {
			return
		}
		a, err := netip.ParseAddr(v)
		if err != nil || a.IsUnspecified() || a.IsMulticast() {
			r.wrong(n, hintAddress, "%.80q is no address", v)
			return
		}
		*to = a
	}
}

func addresses(to *[]netip.AddrPort) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		*to = nil
		r.list(n, func(n *yaml.Node, v string) {
			a, err := netip.ParseAddrPort(v)
			if err != nil || a.Port() == 0 || a.Addr().IsUnspecified() || a.Addr().IsMulticast() || a.Addr().Zone() != "" && !a.Addr().IsLinkLocalUnicast() {
				r.wrong(n, hintAddress, "%.80q is no address with a port", v)
				return
			}
			*to = append(*to, a)
		})
	}
}
