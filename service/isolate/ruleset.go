package isolate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"hozen/packager/evidence/sorting"
)

// Ruleset is all rules of the kernel at one moment, table by table, in the kernel's order.
type Ruleset struct {
	Tables []TableDump
	// Changes is the kernel's number of the last change of rules, by whomever: each change adds
	// 1. 0 where the kernel does not count.
	Changes uint32
	// Torn says that rules were changed while they were read, each time that it was tried.
	Torn bool
}

// followsAlone says whether nobody but us, by one change, changed rules since before was read.
func (r Ruleset) followsAlone(before Ruleset) bool {
	return !r.Torn && (r.Changes == 0 || r.Changes == before.Changes+1)
}

// TableDump is what the kernel said of one table.
type TableDump struct {
	Family string // inet, ip, ip6, arp, bridge, netdev; wfp: a sublayer of Windows
	Name   string
	// SHA256 is of all messages about the table without what traffic and time change: counters,
	// used quotas, what is left of a time-out, elements that packets put into sets. Of our own
	// tables also without handles, which the kernel numbers anew each time.
	SHA256 string
	Text   string
	Ours   bool
	// Left is, of ours, how long the table still holds; 0: no longer.
	Left time.Duration
	// Broken is, of ours on Windows, where rules are put one by one, what of them is missing.
	Broken string
	// Rival says, of others on Windows, that the sublayer's weight is as high as that of ours.
	Rival bool
	// Ingress and Egress are the interfaces that a netdev table hangs on.
	Ingress, Egress []string
}

// Messages of nf_tables (include/uapi/linux/netfilter/nf_tables.h).
const (
	nftNewTable     = 0
	nftNewChain     = 3
	nftNewRule      = 6
	nftNewSet       = 9
	nftNewElement   = 12
	nftNewGen       = 15
	nftNewObject    = 18
	nftNewFlowtable = 22
	nfnlNftables    = 10
)

// ParseRuleset reads the netlink messages with which the kernel answers dumps of tables,
// chains, rules, sets, elements, objects and flow tables. Numbers in headers are in the
// order of the host, those in attributes in network order.
func ParseRuleset(raw []byte) (Ruleset, error) {
	p := rulesetParser{sets: map[string]uint32{}}
	for len(raw) > 0 {
		if len(raw) < 16 {
			return Ruleset{}, fmt.Errorf("nf_tables: %d bytes where a message begins", len(raw))
		}
		size := int(binary.NativeEndian.Uint32(raw))
		if size < 16 || size > len(raw) {
			return Ruleset{}, fmt.Errorf("nf_tables: a message of %d bytes in %d", size, len(raw))
		}
		if typ := binary.NativeEndian.Uint16(raw[4:]); typ>>8 == nfnlNftables && size >= 20 {
			if err := p.message(typ&0xff, raw[16], raw[20:size]); err != nil {
				return Ruleset{}, err
			}
		}
		raw = raw[min(len(raw), (size+3)&^3):]
	}
	var r Ruleset
	for _, t := range p.tables {
		r.Tables = append(r.Tables, t.end())
	}
	return r, nil
}

type rulesetParser struct {
	tables []*tableParser
	sets   map[string]uint32 // flags by "family table set"
}

type tableParser struct {
	TableDump
	lines    [][]byte // canonical messages
	text     strings.Builder
	elements [][]byte
}

func (p *rulesetParser) message(typ uint16, family byte, b []byte) error {
	attrs, err := parseAttrs(b)
	if err != nil {
		return fmt.Errorf("nf_tables message %d: %w", typ, err)
	}
	t := p.table(familyName(family), cString(attrs.get(1)))
	set := t.Family + "\x00" + t.Name + "\x00" + cString(attrs.get(2))
	switch typ {
	case nftNewTable, nftNewChain, nftNewRule, nftNewObject, nftNewFlowtable:
	case nftNewSet:
		p.sets[set] = be32(attrs.get(3))
	case nftNewElement:
		return t.addElements(attrs, p.sets[set])
	default:
		return nil
	}
	if typ == nftNewChain {
		t.hook(attrs)
	}
	attrs = mask(typ, attrs, t.Ours)
	t.lines = append(t.lines, attrs.encode([]byte{byte(typ)}))
	t.describe(typ, attrs)
	return nil
}

func (p *rulesetParser) table(family, name string) *tableParser {
	for _, t := range p.tables {
		if t.Family == family && t.Name == name {
			return t
		}
	}
	t := &tableParser{TableDump: TableDump{Family: family, Name: name, Ours: name == Table}}
	p.tables = append(p.tables, t)
	return t
}

// Flags of sets: elements have time-outs, packets add elements.
const setTimeout, setDynamic = 0x10, 0x20

// addElements keeps the elements of one message; in a dynamic set they are not rules.
func (t *tableParser) addElements(attrs attrList, flags uint32) error {
	name := cString(attrs.get(2))
	list, err := parseAttrs(attrs.get(3))
	if err != nil {
		return fmt.Errorf("elements of set %q: %w", name, err)
	}
	for _, e := range list {
		el, err := parseAttrs(e.data)
		if err != nil {
			return fmt.Errorf("element of set %q: %w", name, err)
		}
		if t.Ours && name == armedSet {
			t.Left = max(t.Left, time.Duration(min(be64(el.get(5)), uint64(MaxFor/time.Millisecond)))*time.Millisecond)
			continue
		}
		if flags&setDynamic != 0 || flags&setTimeout != 0 && el.get(4) != nil {
			continue
		}
		line := maskElement(el).encode(append([]byte{nftNewElement}, name...))
		t.elements = append(t.elements, line)
	}
	return nil
}

// hook remembers the interfaces of a netdev chain.
func (t *tableParser) hook(chain attrList) {
	hook, err := parseAttrs(chain.get(4))
	if err != nil || t.Family != "netdev" {
		return
	}
	names := []string{}
	if one := cString(hook.get(3)); one != "" {
		names = append(names, one)
	}
	devs, err := parseAttrs(hook.get(4))
	if err == nil {
		for _, d := range devs {
			names = append(names, cString(d.data))
		}
	}
	for _, n := range names {
		to := &t.Ingress
		if be32(hook.get(1)) == 1 { // NF_NETDEV_EGRESS
			to = &t.Egress
		}
		if !slices.Contains(*to, n) {
			*to = append(*to, n)
		}
	}
}

func (t *tableParser) end() TableDump {
	sorting.By(t.elements, bytes.Compare) // the kernel's order is that of a hash table
	h := sha256.New()
	for _, l := range append(t.lines, t.elements...) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(l)))
		h.Write(size[:])
		h.Write(l)
	}
	t.SHA256 = hex.EncodeToString(h.Sum(nil))
	if len(t.elements) > 0 {
		fmt.Fprintf(&t.text, "  %d elements of sets\n", len(t.elements))
	}
	t.Text = t.text.String()
	return t.TableDump
}

// rules is the account of a ruleset for a Change.
func (r Ruleset) rules() Rules {
	h := sha256.New()
	var text strings.Builder
	for _, t := range r.Tables {
		fmt.Fprintf(h, "%s %q %s\n", t.Family, t.Name, t.SHA256)
		fmt.Fprintf(&text, "table %s %s sha256:%s\n", t.Family, plain(t.Name), t.SHA256)
	}
	for _, ours := range []bool{true, false} { // should it be cut, ours are whole
		for _, t := range r.Tables {
			if t.Ours == ours {
				text.WriteString(t.Text)
			}
		}
	}
	out := Rules{SHA256: hex.EncodeToString(h.Sum(nil)), Tables: len(r.Tables), Text: text.String()}
	if len(out.Text) > MaxText {
		out.Text = strings.ToValidUTF8(out.Text[:MaxText], "") + "\n… cut here\n"
	}
	return out
}

// ours says what our tables are, and why they are not whole.
func (r Ruleset) ours() (status, why string) {
	var n int
	status = Open
	inet := false
	for _, t := range r.Tables {
		if !t.Ours {
			continue
		}
		n++
		inet = inet || t.Family == "inet" || t.Family == wfpFamily
		if t.Broken != "" {
			return Altered, t.Broken
		}
		if t.Left == 0 {
			status, why = Expired, fmt.Sprintf("table %s %s holds no longer", t.Family, t.Name)
		}
	}
	switch {
	case n == 0:
		return Open, "no table " + Table
	case !inet:
		return Altered, "table inet " + Table + " is not there"
	case status == Open:
		return Cut, ""
	}
	return status, why
}

// oursSum is one hash of our tables.
func (r Ruleset) oursSum() string {
	h := sha256.New()
	for _, t := range r.Tables {
		if t.Ours {
			fmt.Fprintf(h, "%s %s\n", t.Family, t.SHA256)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// rivals are tables of others that may decide before ours.
func (r Ruleset) rivals() (out []string) {
	for _, t := range r.Tables {
		if t.Rival && !t.Ours {
			out = append(out, t.Name)
		}
	}
	return out
}

// left is how long our tables hold.
func (r Ruleset) left() (d time.Duration) {
	for _, t := range r.Tables {
		if t.Ours && (d == 0 || t.Left < d) {
			d = t.Left
		}
	}
	return d
}

// differences names the tables of others that are not the same in both.
func differences(before, after Ruleset) (out []string) {
	find := func(r Ruleset, t TableDump) string {
		for _, o := range r.Tables {
			if o.Family == t.Family && o.Name == t.Name {
				return o.SHA256
			}
		}
		return ""
	}
	for _, t := range before.Tables {
		if now := find(after, t); !t.Ours && now != t.SHA256 {
			word := "was changed"
			if now == "" {
				word = "was removed"
			}
			out = append(out, fmt.Sprintf("table %s %s %s", t.Family, plain(t.Name), word))
		}
	}
	for _, t := range after.Tables {
		if !t.Ours && find(before, t) == "" {
			out = append(out, fmt.Sprintf("table %s %s was added", t.Family, plain(t.Name)))
		}
	}
	return out
}
