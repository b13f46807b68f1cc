package isolate

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// attr is a netlink attribute; attrList is what is in a message or in a nested one.
type attr struct {
	typ  uint16
	data []byte
}

type attrList []attr

// parseAttrs reads attributes (struct nlattr: length and type, padded to four bytes). The
// length is in the order of the host.
func parseAttrs(b []byte) (out attrList, err error) {
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, fmt.Errorf("%d bytes where an attribute begins", len(b))
		}
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			return nil, fmt.Errorf("an attribute of %d bytes in %d", size, len(b))
		}
		out = append(out, attr{binary.NativeEndian.Uint16(b[2:]) & 0x3fff, b[4:size]})
		b = b[min(len(b), (size+3)&^3):]
	}
	return out, nil
}

func (l attrList) get(typ uint16) []byte {
	for _, a := range l {
		if a.typ == typ {
			return a.data
		}
	}
	return nil
}

// without leaves attributes out.
// Not inlined, for the size of the program.
//
//go:noinline
func (l attrList) without(types ...uint16) (out attrList) {
next:
	for _, a := range l {
		for _, t := range types {
			if a.typ == t {
				continue next
			}
		}
		out = append(out, a)
	}
	return out
}

// with puts other data into an attribute.
// Not inlined, for the size of the program.
//
//go:noinline
func (l attrList) with(typ uint16, data []byte) (out attrList) {
	for _, a := range l {
		if a.typ == typ {
			a.data = data
		}
		out = append(out, a)
	}
	return out
}

// Not inlined, for the size of the program.
//
//go:noinline
func (l attrList) encode(b []byte) []byte {
	for _, a := range l {
		b = binary.BigEndian.AppendUint16(b, a.typ)
		b = binary.BigEndian.AppendUint32(b, uint32(len(a.data)))
		b = append(b, a.data...)
	}
	return b
}

// mask takes out of a message what traffic and time change, and of ours the handles.
func mask(typ uint16, l attrList, ours bool) attrList {
	handle := map[uint16][]uint16{
		nftNewTable: {4}, nftNewChain: {2}, nftNewRule: {3, 6}, nftNewSet: {16},
	}
	if ours {
		l = l.without(handle[typ]...)
	}
	switch typ {
	case nftNewChain:
		return l.without(8) // NFTA_CHAIN_COUNTERS
	case nftNewRule:
		return l.with(4, maskExprs(l.get(4)))
	case nftNewSet:
		return l.without(20) // NFTA_SET_COUNT: the elements are looked at themselves
	case nftNewObject:
		switch be32(l.get(3)) {
		case 1: // NFT_OBJECT_COUNTER
			return l.without(4)
		case 2: // NFT_OBJECT_QUOTA
			return l.with(4, maskNested(l.get(4), 4))
		}
	}
	return l
}

func maskElement(l attrList) attrList {
	l = l.without(5) // NFTA_SET_ELEM_EXPIRATION
	return l.with(7, maskExpr(l.get(7))).with(11, maskExprs(l.get(11)))
}

// maskExprs is of a list of expressions, maskExpr of one: name and data. What cannot be
// read stays as it is.
func maskExprs(b []byte) []byte {
	list, err := parseAttrs(b)
	if err != nil {
		return b
	}
	for i := range list {
		list[i].data = maskExpr(list[i].data)
	}
	return list.encode(nil)
}

func maskExpr(b []byte) []byte {
	e, err := parseAttrs(b)
	if err != nil {
		return b
	}
	switch cString(e.get(1)) {
	case "counter", "last":
		return e.without(2).encode(nil)
	case "quota":
		return e.with(2, maskNested(e.get(2), 4)).encode(nil) // NFTA_QUOTA_CONSUMED
	}
	return e.encode(nil)
}

func maskNested(b []byte, without uint16) []byte {
	l, err := parseAttrs(b)
	if err != nil {
		return b
	}
	return l.without(without).encode(nil)
}

func cString(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

func be32(b []byte) uint32 {
	if len(b) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func be64(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// familyName names NFPROTO_ numbers as nft(8) does.
func familyName(n byte) string {
	names := map[byte]string{1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
	if s, ok := names[n]; ok {
		return s
	}
	return fmt.Sprintf("family-%d", n)
}
