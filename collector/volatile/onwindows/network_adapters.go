package onwindows

import (
	"fmt"

	"hozen/collector/jsonl"
	"hozen/collector/volatile/winsys"
)

// maxChain bounds every list that is followed by pointers: they may go in a circle.
const maxChain = 1 << 14

// adapterRows reads the list of IP_ADAPTER_ADDRESSES
// (https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_addresses_lh),
// kept as pieces, for what no other table has: name servers, suffixes, gateways, DHCP.
func (n *netNames) adapterRows(b []byte, row func(any)) error {
	p, err := winsys.ParsePieces(b)
	if err != nil || len(p) == 0 {
		return err
	}
	const size = 448
	at := p[0].Addr
	for i := 0; at != 0; i++ {
		a := p.At(at, size)
		if a == nil || i >= maxChain {
			return fmt.Errorf("adapter %d: nothing at %#x", i, at)
		}
		index := u32(a, 4)
		if index == 0 {
			index = u32(a, 108) // of IPv6
		}
		add := func(key string, values []jsonl.Text) {
			if len(values) > 0 {
				row(&ResolverRow{"resolver", index, jsonl.Text(p.Text(u64(a, 72))), key, values})
			}
		}
		add("nameserver", addressList(p, u64(a, 48)))
		add("wins", addressList(p, u64(a, 200)))
		add("gateway", addressList(p, u64(a, 208)))
		add("dhcp", append(pointedAddress(p, a[232:]), pointedAddress(p, a[280:])...))
		if suffix := p.Text(u64(a, 56)); suffix != "" {
			add("search", []jsonl.Text{jsonl.Text(suffix)})
		}
		add("search", suffixList(p, u64(a, 440)))
		at = u64(a, 8)
	}
	return nil
}

// addressList follows IP_ADAPTER_DNS_SERVER_ADDRESS and its kin: the next at 8, a
// SOCKET_ADDRESS at 16.
func addressList(p winsys.Pieces, at uint64) (out []jsonl.Text) {
	for i := 0; at != 0 && i < maxChain; i++ {
		e := p.At(at, 32)
		if e == nil {
			break
		}
		out = append(out, pointedAddress(p, e[16:])...)
		at = u64(e, 8)
	}
	return out
}

// pointedAddress reads SOCKET_ADDRESS: a pointer and a length.
func pointedAddress(p winsys.Pieces, e []byte) []jsonl.Text {
	n := int(min(u32(e, 8), 128))
	a, scope := socketAddress(p.At(u64(e, 0), n))
	switch {
	case !a.IsValid():
		return nil
	case scope != 0:
		return []jsonl.Text{jsonl.Text(fmt.Sprintf("%s%%%d", a, scope))}
	}
	return []jsonl.Text{jsonl.Text(a.String())}
}

// suffixList follows IP_ADAPTER_DNS_SUFFIX: the next at 0, 256 units of text at 8.
func suffixList(p winsys.Pieces, at uint64) (out []jsonl.Text) {
	for i := 0; at != 0 && i < maxChain; i++ {
		e := p.At(at, 520)
		if e == nil {
			break
		}
		out = append(out, text16(e[8:]))
		at = u64(e, 0)
	}
	return out
}
