package export

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"hozen/packager"
)

// machine writes the examined host.
func (c *custody) machine() {
	h := c.genesis.Host
	if c.rep.Genesis == nil {
		return
	}
	c.host = c.id("host")
	var interfaces []string
	for _, mac := range h.MACs {
		interfaces = append(interfaces, c.address("uco-observable:MACAddress", "uco-observable:MACAddressFacet", mac))
	}
	for _, ip := range h.IPs {
		class := "uco-observable:IPv6Address"
		if a, err := netip.ParsePrefix(ip); err == nil && a.Addr().Is4() {
			class = "uco-observable:IPv4Address"
		} else if a, err := netip.ParseAddr(ip); err == nil && a.Is4() {
			class = "uco-observable:IPv4Address"
		}
		interfaces = append(interfaces, c.address(class, class+"Facet", ip))
	}
	c.add(c.host, "uco-observable:Device", node{
		"uco-core:name":        safe(h.Name),
		"uco-core:description": descriptions("machine id", h.MachineID, "boot id", h.BootID, "operating system", h.OS, "kernel", h.Kernel, "time zone", h.Zone, "maker", h.Make),
		"uco-core:hasFacet": facets(
			c.facet(c.host, "uco-observable:DeviceFacet", node{
				"uco-observable:deviceType": "computer", "uco-observable:model": safe(h.Model), "uco-observable:serialNumber": safe(h.Serial),
				"uco-observable:manufacturer": ref(c.maker(h.Make)),
			}),
			c.facet(c.host, "uco-observable:ComputerSpecificationFacet", node{"uco-observable:hostname": safe(h.Name), "uco-observable:networkInterface": refs(interfaces)}),
		),
	})
	c.objects = append(c.objects, c.host)
}

// descriptions gives "name: text" for each pair whose text is not empty.
func descriptions(pairs ...string) (all []string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, pairs[i]+": "+safe(pairs[i+1]))
		}
	}
	return all
}

func (c *custody) address(class, facet, value string) string {
	id := c.id("address", class, value)
	return c.once(id, class, func() node {
		return node{"uco-core:hasFacet": facets(c.facet(id, facet, node{"uco-observable:addressValue": safe(value)}))}
	})
}

func (c *custody) maker(name string) string {
	if name == "" {
		return ""
	}
	return c.once(c.id("organization", name), "uco-identity:Organization", func() node { return node{"uco-core:name": safe(name)} })
}

// thing writes what can be held of the evidence, as an event describes it; "" if it says
// no more than in what state that is or in what bag, which is the event's to tell.
func (c *custody) thing(e *packager.Event) string {
	if e.Thing == nil {
		return ""
	}
	t := *e.Thing
	t.PowerState, t.SealNo = "", ""
	if t == (packager.EventThing{}) {
		return ""
	}
	id := c.id("thing", t.Description, t.Make, t.Model, t.Serial, t.Asset)
	return c.once(id, "uco-observable:Device", func() node {
		c.objects = append(c.objects, id)
		return node{
			"uco-core:name":        safe(t.Description),
			"uco-core:description": descriptions("asset", t.Asset, "maker", t.Make),
			"uco-core:hasFacet": facets(c.facet(id, "uco-observable:DeviceFacet", node{
				"uco-observable:model": safe(t.Model), "uco-observable:serialNumber": safe(t.Serial), "uco-observable:manufacturer": ref(c.maker(t.Make)),
			})),
		}
	})
}

// state writes a file as it was: the archive, or its first so many bytes.
func (c *custody) state(o packager.EventObject) string {
	id := c.id("file", o.Name, fmt.Sprint(o.Bytes), o.SHA256)
	return c.once(id, "uco-observable:File", func() node {
		m := c.file(id, o.Name, "", o.Bytes, c.hash(id, "SHA256", o.SHA256))
		m["uco-core:description"] = fmt.Sprintf("the archive's file when it had %d bytes", o.Bytes)
		return m
	})
}

func (c *custody) attached(f packager.FileHash) string {
	id := c.id("attachment", f.Path, f.SHA256)
	return c.once(id, "uco-observable:File", func() node {
		return c.file(id, f.Path[strings.LastIndexByte(f.Path, '/')+1:], f.Path, -1, c.hash(id, "SHA256", f.SHA256))
	})
}

// provenance writes what the evidence is known as, and its state at an action.
func (c *custody) provenance(e *packager.Event, action, object string) string {
	id := c.id("provenance", action)
	c.objects = append(c.objects, id)
	number := orElse(orElse(e.Evidence, c.genesis.Evidence), c.rep.Collection)
	return c.add(id, "case-investigation:ProvenanceRecord", node{
		"uco-core:description": "after the event " + e.Event, "uco-core:object": refs([]string{object}),
		"case-investigation:exhibitNumber": safe(number), "uco-core:objectCreatedTime": dateTime(e.Time.Wall),
	})
}

// tool writes a program and, where its hash is known, the file that it was. text is
// "hozen/<version>+sha256:<hex>".
func (c *custody) tool(text string) string {
	if text == "" {
		return ""
	}
	id := c.id("tool", text)
	name, version, _ := strings.Cut(text, "/")
	version, sum, _ := strings.Cut(version, "+sha256:")
	first := !c.told[id]
	c.once(id, "uco-tool:Tool", func() node {
		return node{"uco-core:name": safe(name), "uco-tool:version": safe(version), "uco-tool:toolType": "collection of evidence", "uco-core:description": safe(text)}
	})
	if _, err := hex.DecodeString(sum); first && err == nil && sum != "" {
		file := c.id("program", sum)
		c.once(file, "uco-observable:File", func() node {
			m := c.file(file, name, "", -1, c.hash(file, "SHA256", sum))
			m["uco-core:description"] = "the program"
			return m
		})
		c.relate(id, "Instantiated_By", file)
	}
	return id
}

// performer writes who did something: the operator that is named, else the signer. An
// operator who signed the seal under that name is that signer.
func (c *custody) performer(actor, operator string) string {
	if operator == "" {
		return c.party(actor, "")
	}
	for _, s := range c.rep.CoSignatures {
		if s.Trusted && s.Principal == "operator:"+operator {
			return c.party(s.Principal, "")
		}
	}
	return c.party(operator, "operator")
}

// party writes somebody with a role; "" is that of his kind. Who is named KIND:NAME is the
// same whether he signs, gives or gets.
func (c *custody) party(name, role string) string {
	if name == "" {
		return ""
	}
	kind, _, signs := strings.Cut(name, ":")
	class := "uco-identity:Identity"
	if signs && role == "" {
		role = kind
	}
	if kind == "operator" || kind == "witness" || kind == "approver" || !signs && role != "counterpart" {
		class = "uco-identity:Person"
	}
	id := c.once(c.id("party", name), class, func() node { return node{"uco-core:name": safe(name)} })
	if role != "" {
		as := c.once(c.id("role", role), "uco-role:Role", func() node { return node{"uco-core:name": safe(role)} })
		c.relate(id, "Has_Role", as)
	}
	return id
}

// participants gives who else had to do with an event: witnesses, the other side, and the
// signer where he is not the performer.
func (c *custody) participants(e *packager.Event) (all []string) {
	for _, w := range e.Witness {
		all = append(all, c.party(w, "witness"))
	}
	all = append(all, c.party(e.Counterpart, "counterpart"))
	if e.Operator != "" {
		all = append(all, c.party(e.Actor, ""))
	}
	return all
}

func (c *custody) place(name string) string {
	if name == "" {
		return ""
	}
	return c.once(c.id("place", name), "uco-location:Location", func() node { return node{"uco-core:name": safe(name)} })
}

// environment is where an action ran: what the device signed ran on it.
func (c *custody) environment(actor string) string {
	if c.rep.Genesis != nil && actor == "device:"+c.genesis.Device {
		return c.host
	}
	return ""
}

// right writes by what right an action was done. What a job says stands for itself.
func (c *custody) right(action, named, authority string, more ...string) {
	id := c.id("authorization", append([]string{authority}, more...)...)
	c.once(id, "case-investigation:Authorization", func() node {
		c.rights = append(c.rights, id)
		return node{"uco-core:name": safe(named), "case-investigation:authorizationIdentifier": safe(authority), "uco-core:description": more}
	})
	c.relate(action, "Authorized_By", id)
}

// reference names something in another system's words.
func (c *custody) reference(context, id string) any {
	return node{"@id": c.id("reference", context, id), "@type": "uco-core:ExternalReference", "uco-core:definingContext": context, "uco-core:externalIdentifier": id}
}
