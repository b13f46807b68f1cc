package isolate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// kernel is nftables of the network namespace that we run in.
type kernel struct{}

// System gives the packet filter of this machine.
func System() Firewall { return kernel{} }

// Read implements Firewall: dumps of everything that nf_tables holds. If it changes
// meanwhile it is read again.
func (kernel) Read(ctx context.Context) (Ruleset, error) {
	var r Ruleset
	var err error
	for range 20 {
		var raw []byte
		first := generation()
		if raw, err = dumpAll(ctx); err == nil {
			if r, err = ParseRuleset(raw); err != nil {
				return r, err
			}
			r.Changes = generation()
			if r.Torn = r.Changes != first; !r.Torn {
				return r, nil
			}
		} else if !errors.Is(err, errChanged) && !errors.Is(err, unix.ENOENT) {
			break
		}
	}
	return r, explain(err)
}

// generation is the number of the last change of rules in this namespace (Linux 3.18); 0 where
// the kernel does not say.
func generation() uint32 {
	raw, err := netlinkAsk(unix.NETLINK_NETFILTER, unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, 0, make([]byte, 4))
	if err != nil {
		return 0
	}
	n, err := parseGeneration(raw)
	if err != nil {
		return 0
	}
	return n
}

func dumpAll(ctx context.Context) (raw []byte, err error) {
	var sets []byte
	for _, typ := range []uint16{unix.NFT_MSG_GETTABLE, unix.NFT_MSG_GETCHAIN, unix.NFT_MSG_GETRULE, unix.NFT_MSG_GETSET, unix.NFT_MSG_GETOBJ, unix.NFT_MSG_GETFLOWTABLE} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part, err := netlinkAsk(unix.NETLINK_NETFILTER, unix.NFNL_SUBSYS_NFTABLES<<8|typ, unix.NLM_F_DUMP, make([]byte, 4))
		if err != nil {
			return nil, fmt.Errorf("nf_tables message %d: %w", typ, err)
		}
		raw = append(raw, part...)
		if typ == unix.NFT_MSG_GETSET {
			sets = part
		}
	}
	var asks [][]byte
	err = eachMessage(sets, 4, func(_ uint16, head []byte, l attrList) {
		body := appendAttr([]byte{head[0], 0, 0, 0}, unix.NFTA_SET_ELEM_LIST_TABLE, l.get(unix.NFTA_SET_TABLE))
		asks = append(asks, appendAttr(body, unix.NFTA_SET_ELEM_LIST_SET, l.get(unix.NFTA_SET_NAME)))
	})
	if err != nil {
		return nil, err
	}
	for _, body := range asks {
		part, err := netlinkAsk(unix.NETLINK_NETFILTER, unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETSETELEM, unix.NLM_F_DUMP, body)
		if err != nil {
			return nil, fmt.Errorf("nf_tables elements: %w", err)
		}
		raw = append(raw, part...)
	}
	return raw, nil
}

// explain says what a person can do about an error of nf_tables.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("nftables: %w (only root may)", err)
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOENT), errors.Is(err, unix.EAFNOSUPPORT):
		return fmt.Errorf("%w: this kernel has no nftables with the inet family (Linux 3.14): %w", ErrUnsupported, err)
	}
	return fmt.Errorf("nftables: %w", err)
}

// part is what may be left out on a kernel that does not have it.
type part struct {
	egress, links, bridge bool
	missing               []string
}

// Replace implements Firewall. What the kernel lacks is found out by trying: each try is
// one transaction, all of it or nothing.
func (k kernel) Replace(ctx context.Context, w *Want) (missing []string, err error) {
	old, err := k.Read(ctx)
	if err != nil {
		return nil, err
	}
	if w == nil {
		return nil, explain(transact(old, nil, 0))
	}
	const (
		noEgress = "frames of packet sockets are not stopped on their way out: no netdev egress hook (Linux 5.16)"
		noLinks  = "frames are not filtered: no netdev hook"
		noBridge = "frames between ports of a bridge are not stopped by a rule of their own: no bridge family"
	)
	for _, p := range []part{
		{true, true, true, nil},
		{true, true, false, []string{noBridge}},
		{false, true, true, []string{noEgress}},
		{false, true, false, []string{noEgress, noBridge}},
		{false, false, true, []string{noEgress, noLinks}},
		{false, false, false, []string{noEgress, noLinks, noBridge}},
	} {
		if err = k.put(ctx, old, *w, p); err == nil {
			return p.missing, nil
		}
		if errors.Is(err, unix.EPERM) || ctx.Err() != nil {
			break
		}
	}
	return nil, explain(err)
}

// put tries with some parts. An interface may go away between the look and the transaction
// (ENOENT): then those that are left are looked for again.
func (k kernel) put(ctx context.Context, old Ruleset, w Want, p part) error {
	if !p.links {
		w.Links = nil
	}
	for {
		err := transact(old, w.tables(p.links, p.egress, p.bridge), w.Left)
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) || ctx.Err() != nil {
			return err
		}
		links, gone := listLinks()
		there := slices.DeleteFunc(slices.Clone(w.Links), func(name string) bool {
			return !slices.ContainsFunc(links, func(l link) bool { return l.name == name })
		})
		if gone != nil || len(there) == len(w.Links) { // it was not that
			return err
		}
		w.Links = there
	}
}

// transact removes our tables of old and adds those that are wanted, in one transaction.
func transact(old Ruleset, tables []table, left time.Duration) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	for _, t := range old.Tables {
		if t.Ours {
			c.DelTable(&nftables.Table{Name: t.Name, Family: familyNumber(t.Family)})
		}
	}
	for _, t := range tables {
		if err := addTable(c, t, left); err != nil {
			return err
		}
	}
	return c.Flush()
}

func addTable(c *nftables.Conn, t table, left time.Duration) error {
	nt := c.AddTable(&nftables.Table{Name: Table, Family: familyNumber(t.family)})
	armed := &nftables.Set{Table: nt, Name: armedSet, HasTimeout: true, KeyType: nftables.TypeMark, KeyByteOrder: binaryutil.NativeEndian}
	if err := c.AddSet(armed, []nftables.SetElement{{Key: make([]byte, 4), Timeout: left}}); err != nil {
		return err
	}
	for _, ch := range t.chains {
		drop := nftables.ChainPolicyDrop
		nc := c.AddChain(&nftables.Chain{Table: nt, Name: ch.name, Type: nftables.ChainTypeFilter, Hooknum: hookNumber(ch.hook),
			Priority: nftables.ChainPriorityRef(nftables.ChainPriority(ch.priority)), Policy: &drop, Device: ch.device})
		for _, r := range ch.rules {
			c.AddRule(&nftables.Rule{Table: nt, Chain: nc, Exprs: append(r.exprs(t.family), &expr.Verdict{Kind: expr.VerdictAccept})})
		}
	}
	return nil
}

func familyNumber(name string) nftables.TableFamily {
	switch name {
	case "inet":
		return nftables.TableFamilyINet
	case "netdev":
		return nftables.TableFamilyNetdev
	case "bridge":
		return nftables.TableFamilyBridge
	case "arp":
		return nftables.TableFamilyARP
	case "ip":
		return nftables.TableFamilyIPv4
	}
	return nftables.TableFamilyIPv6
}

func hookNumber(name string) *nftables.ChainHook {
	switch name {
	case "prerouting":
		return nftables.ChainHookPrerouting
	case "input":
		return nftables.ChainHookInput
	case "forward":
		return nftables.ChainHookForward
	case "output":
		return nftables.ChainHookOutput
	case "postrouting":
		return nftables.ChainHookPostrouting
	case "ingress":
		return nftables.ChainHookIngress
	}
	return nftables.ChainHookEgress
}

// Flags of TCP.
const synFlag, ackFlag = 0x02, 0x10

// exprs are the same as text in the kernel's words.
func (r rule) exprs(family string) []expr.Any {
	eq := func(b ...byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: b} }
	meta := func(k expr.MetaKey) expr.Any { return &expr.Meta{Key: k, Register: 1} }
	load := func(base expr.PayloadBase, offset, n uint32) expr.Any {
		return &expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: n}
	}
	ip := func(six bool) []expr.Any {
		switch {
		case family == "inet" && six:
			return []expr.Any{meta(expr.MetaKeyNFPROTO), eq(unix.NFPROTO_IPV6)}
		case family == "inet":
			return []expr.Any{meta(expr.MetaKeyNFPROTO), eq(unix.NFPROTO_IPV4)}
		case six:
			return []expr.Any{meta(expr.MetaKeyPROTOCOL), eq(0x86, 0xdd)}
		}
		return []expr.Any{meta(expr.MetaKeyPROTOCOL), eq(0x08, 0x00)}
	}
	switch r.kind {
	case released:
		return []expr.Any{meta(expr.MetaKeyMARK),
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: make([]byte, 4), Xor: make([]byte, 4)},
			&expr.Lookup{SourceRegister: 1, SetName: armedSet, Invert: true}}
	case loopback:
		key := expr.MetaKeyIIF
		if r.out {
			key = expr.MetaKeyOIF
		}
		return []expr.Any{meta(key), eq(binary.NativeEndian.AppendUint32(nil, 1)...)} // LOOPBACK_IFINDEX
	case hub:
		a := r.hub.Addr()
		at, n := uint32(12), uint32(4)
		if a.Is6() {
			at, n = 8, 16
		}
		port := uint32(0)
		if r.out {
			at, port = at+n, 2
		}
		out := append(ip(a.Is6()), load(expr.PayloadBaseNetworkHeader, at, n), eq(a.AsSlice()...),
			meta(expr.MetaKeyL4PROTO), eq(unix.IPPROTO_TCP),
			load(expr.PayloadBaseTransportHeader, port, 2), eq(binary.BigEndian.AppendUint16(nil, r.hub.Port())...))
		if r.out {
			return out
		}
		return append(out, load(expr.PayloadBaseTransportHeader, 13, 1), // the flags, RFC 9293
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{synFlag | ackFlag}, Xor: []byte{0}},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{synFlag}})
	case discover:
		out := append(ip(true), meta(expr.MetaKeyL4PROTO), eq(unix.IPPROTO_ICMPV6), load(expr.PayloadBaseTransportHeader, 0, 1),
			&expr.Range{Op: expr.CmpOpEq, Register: 1, FromData: []byte{133}, ToData: []byte{136}},
			load(expr.PayloadBaseNetworkHeader, 7, 1), eq(255))
		if r.out {
			out = append(out, load(expr.PayloadBaseNetworkHeader, 24, 16))
			out = append(out, prefix(r)...)
		}
		return out
	}
	return []expr.Any{meta(expr.MetaKeyPROTOCOL), eq(byte(r.ether>>8), byte(r.ether))}
}

// prefix compares the 16 bytes in register 1.
func prefix(r rule) []expr.Any {
	mask := make([]byte, 16)
	for i := range r.to.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	cmp := &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: r.to.Masked().Addr().AsSlice()}
	if r.to.Bits() == 128 {
		return []expr.Any{cmp}
	}
	return []expr.Any{&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 16, Mask: mask, Xor: make([]byte, 16)}, cmp}
}
