package volatile

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"hozen/collector/jsonl"
)

// NftTableRow is a table of nftables: kind "nft_table". See
// include/uapi/linux/netfilter/nf_tables.h; all numbers there are in network order.
type NftTableRow struct {
	netHead
	Family string     `json:"family"`
	Name   jsonl.Text `json:"name"`
	Handle uint64     `json:"handle"`
	Flags  []string   `json:"flags,omitempty"`
	Owner  uint32     `json:"owner,omitempty"` // port id of the socket that owns it
	Use    uint32     `json:"use"`             // chains in it
}

// NftChainRow is a chain: kind "nft_chain". Hook, priority and policy are there
// for base chains only.
type NftChainRow struct {
	netHead
	Family   string       `json:"family"`
	Table    jsonl.Text   `json:"table"`
	Name     jsonl.Text   `json:"name"`
	Handle   uint64       `json:"handle"`
	Type     jsonl.Text   `json:"type,omitempty"`
	Hook     string       `json:"hook,omitempty"`
	Priority *int32       `json:"priority,omitempty"`
	Policy   string       `json:"policy,omitempty"`
	Devices  []jsonl.Text `json:"devices,omitempty"`
	Rules    uint32       `json:"rules"`
	Packets  *uint64      `json:"packets,omitempty"`
	Bytes    *uint64      `json:"bytes,omitempty"`
}

// NftRuleRow is a rule: kind "nft_rule". Expressions are written one by one, as
// the kernel holds them: "payload dreg=1 base=network offset=12 len=4".
type NftRuleRow struct {
	netHead
	Family      string       `json:"family"`
	Table       jsonl.Text   `json:"table"`
	Chain       jsonl.Text   `json:"chain"`
	Handle      uint64       `json:"handle"`
	Comment     jsonl.Text   `json:"comment,omitempty"`
	Expressions []jsonl.Text `json:"expressions"`
}

// NftSetRow is a set or a map: kind "nft_set". Its elements are rows of their own.
type NftSetRow struct {
	netHead
	Family   string     `json:"family"`
	Table    jsonl.Text `json:"table"`
	Name     jsonl.Text `json:"name"`
	Handle   uint64     `json:"handle"`
	Flags    []string   `json:"flags,omitempty"`
	KeyType  uint32     `json:"key_type"` // the number that nft(8) gives to its data types: 7 is ipv4_addr
	KeyLen   uint32     `json:"key_len"`
	DataType uint32     `json:"data_type,omitempty"`
	DataLen  uint32     `json:"data_len,omitempty"`
	Timeout  uint64     `json:"timeout_ms,omitempty"`
}

// NftElementRow is an element of a set or a map: kind "nft_element".
type NftElementRow struct {
	netHead
	Family  string     `json:"family"`
	Table   jsonl.Text `json:"table"`
	Set     jsonl.Text `json:"set"`
	Key     string     `json:"key,omitempty"` // hex
	KeyText string     `json:"key_text,omitempty"`
	KeyEnd  string     `json:"key_end,omitempty"`
	Data    jsonl.Text `json:"data,omitempty"`
	Flags   []string   `json:"flags,omitempty"`
	Timeout uint64     `json:"timeout_ms,omitempty"`
	Expires uint64     `json:"expires_ms,omitempty"`
	Comment jsonl.Text `json:"comment,omitempty"`
}

// nftFamily names NFPROTO_ numbers (include/uapi/linux/netfilter.h) as nft(8) does.
func nftFamily(n uint8) string {
	return nth(uint64(n), "unspec", "inet", "ip", "arp", "", "netdev", "", "bridge", "", "", "ip6")
}

// nftables decodes one NFT_MSG_NEW… message.
func (d *netDecoder) nftables(msg uint16, b []byte) {
	family, attrs := nftFamily(b[0]), b[4:]
	switch msg {
	case 0: // NFT_MSG_NEWTABLE
		d.nftTable(family, attrs)
	case 3: // NFT_MSG_NEWCHAIN
		d.nftChain(family, attrs)
	case 6: // NFT_MSG_NEWRULE
		d.nftRule(family, attrs)
	case 9: // NFT_MSG_NEWSET
		d.nftSet(family, attrs)
	case 12: // NFT_MSG_NEWSETELEM
		d.nftElements(family, attrs)
	}
}

func (d *netDecoder) nftTable(family string, b []byte) {
	r := NftTableRow{netHead: d.head("nft_table"), Family: family}
	eachAttr(b, func(t uint16, v []byte) {
		switch t {
		case 1:
			r.Name = cText(v)
		case 2:
			r.Flags = bitNames(be64(v), "dormant", "owner", "persist")
		case 3:
			r.Use = be32(v)
		case 4:
			r.Handle = be64(v)
		case 7:
			r.Owner = be32(v)
		}
	})
	d.row(&r)
}

func (d *netDecoder) nftChain(family string, b []byte) {
	r := NftChainRow{netHead: d.head("nft_chain"), Family: family}
	eachAttr(b, func(t uint16, v []byte) {
		switch t {
		case 1:
			r.Table = cText(v)
		case 2:
			r.Handle = be64(v)
		case 3:
			r.Name = cText(v)
		case 4: // NFTA_CHAIN_HOOK
			eachAttr(v, func(t uint16, v []byte) { r.hook(t, v) })
		case 5:
			r.Policy = nth(be64(v), "drop", "accept")
		case 6:
			r.Rules = be32(v)
		case 7:
			r.Type = cText(v)
		case 8: // NFTA_CHAIN_COUNTERS
			eachAttr(v, func(t uint16, v []byte) {
				n := be64(v)
				switch t {
				case 1:
					r.Bytes = &n
				case 2:
					r.Packets = &n
				}
			})
		}
	})
	d.row(&r)
}

func (r *NftChainRow) hook(t uint16, v []byte) {
	switch t {
	case 1: // NFTA_HOOK_HOOKNUM: the numbers depend on the family
		switch r.Family {
		case "netdev":
			r.Hook = nth(be64(v), "ingress", "egress")
		case "arp":
			r.Hook = nth(be64(v), "input", "output", "forward")
		default:
			r.Hook = nth(be64(v), "prerouting", "input", "forward", "output", "postrouting", "ingress")
		}
	case 2:
		p := int32(be32(v))
		r.Priority = &p
	case 3:
		r.Devices = append(r.Devices, cText(v))
	case 4: // NFTA_HOOK_DEVS
		r.Devices = nil
		eachAttr(v, func(_ uint16, v []byte) { r.Devices = append(r.Devices, cText(v)) })
	}
}

func (d *netDecoder) nftRule(family string, b []byte) {
	r := NftRuleRow{netHead: d.head("nft_rule"), Family: family, Expressions: []jsonl.Text{}}
	eachAttr(b, func(t uint16, v []byte) {
		switch t {
		case 1:
			r.Table = cText(v)
		case 2:
			r.Chain = cText(v)
		case 3:
			r.Handle = be64(v)
		case 4: // NFTA_RULE_EXPRESSIONS
			r.Expressions = nftExpressions(v, 0)
		case 7:
			r.Comment = nftComment(v)
		}
	})
	d.row(&r)
}

// nftComment reads the comment from user data: type, length, value, where type
// 0 is the comment of a rule or an element (libnftnl, udata.h).
func nftComment(b []byte) jsonl.Text {
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		if b[0] == 0 {
			return cText(b[2 : 2+int(b[1])])
		}
		b = b[2+int(b[1]):]
	}
	return ""
}

func (d *netDecoder) nftSet(family string, b []byte) {
	r := NftSetRow{netHead: d.head("nft_set"), Family: family}
	eachAttr(b, func(t uint16, v []byte) {
		switch t {
		case 1:
			r.Table = cText(v)
		case 2:
			r.Name = cText(v)
		case 3:
			r.Flags = bitNames(be64(v), "anonymous", "constant", "interval", "map", "timeout", "eval", "object", "concat", "expr")
		case 4:
			r.KeyType = be32(v)
		case 5:
			r.KeyLen = be32(v)
		case 6:
			r.DataType = be32(v)
		case 7:
			r.DataLen = be32(v)
		case 11:
			r.Timeout = be64(v)
		case 16:
			r.Handle = be64(v)
		}
	})
	d.sets[nftSetKey(family, r.Table, r.Name)] = r.KeyType
	d.row(&r)
}

func nftSetKey(family string, table, set jsonl.Text) string {
	return fmt.Sprintf("%s %q %q", family, string(table), string(set))
}

func (d *netDecoder) nftElements(family string, b []byte) {
	var table, set jsonl.Text
	var list []byte
	eachAttr(b, func(t uint16, v []byte) {
		switch t {
		case 1:
			table = cText(v)
		case 2:
			set = cText(v)
		case 3: // NFTA_SET_ELEM_LIST_ELEMENTS
			list = v
		}
	})
	keyType := d.sets[nftSetKey(family, table, set)]
	eachAttr(list, func(_ uint16, v []byte) {
		r := NftElementRow{netHead: d.head("nft_element"), Family: family, Table: table, Set: set}
		eachAttr(v, func(t uint16, v []byte) { r.attr(keyType, t, v) })
		d.row(&r)
	})
}

func (r *NftElementRow) attr(keyType uint32, t uint16, v []byte) {
	switch t {
	case 1: // NFTA_SET_ELEM_KEY
		k := nftValue(v)
		r.Key, r.KeyText = hex.EncodeToString(k), nftKeyText(keyType, k)
	case 2:
		r.Data = jsonl.Text(nftData(v))
	case 3:
		r.Flags = bitNames(be64(v), "interval_end", "catchall")
	case 4:
		r.Timeout = be64(v)
	case 5:
		r.Expires = be64(v)
	case 6:
		r.Comment = nftComment(v)
	case 10: // NFTA_SET_ELEM_KEY_END
		r.KeyEnd = hex.EncodeToString(nftValue(v))
	}
}

// nftKeyText writes the keys of the commonest types (libnftables, datatype.h:
// enum datatypes) for people; "" for others.
func nftKeyText(keyType uint32, k []byte) string {
	switch {
	case keyType == 7 && len(k) == 4, keyType == 8 && len(k) == 16:
		return ipText(k)
	case keyType == 9 && len(k) == 6:
		return hardwareAddress(k)
	case (keyType == 12 || keyType == 13) && len(k) <= 2:
		return strconv.FormatUint(be64(k), 10)
	}
	return ""
}
