package volatile

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
)

// maxNftDepth bounds expressions within expressions (dynset, sets): the kernel
// has two levels.
const maxNftDepth = 4

// nftExpressions writes a list of NFTA_LIST_ELEM, each a name and its data.
func nftExpressions(b []byte, depth int) []jsonl.Text {
	out := []jsonl.Text{}
	eachAttr(b, func(_ uint16, v []byte) { out = append(out, jsonl.Text(nftExpression(v, depth))) })
	return out
}

func nftExpression(b []byte, depth int) string {
	var name string
	var data []byte
	eachAttr(b, func(t uint16, v []byte) {
		switch t {
		case 1: // NFTA_EXPR_NAME
			name = string(cText(v))
		case 2: // NFTA_EXPR_DATA
			data = v
		}
	})
	var out strings.Builder
	out.WriteString(name)
	names := strings.Fields(nftAttrNames(name))
	eachAttr(data, func(t uint16, v []byte) {
		attr := fmt.Sprintf("attr%d", t)
		if int(t) <= len(names) && t > 0 {
			attr = names[t-1]
		}
		if attr != "pad" {
			out.WriteString(" " + nftAttr(name, attr, v, depth))
		}
	})
	return out.String()
}

// nftAttrNames gives the names of an expression's attributes from number 1 on
// (enum nft_…_attributes of nf_tables.h). A colon tells how the value is
// written: s a string, d data or verdict, x bytes, e an expression; none a number.
func nftAttrNames(expr string) string {
	switch expr {
	case "immediate":
		return "dreg data:d"
	case "payload":
		return "dreg base offset len sreg csum_type csum_offset csum_flags"
	case "cmp":
		return "sreg op data:d"
	case "range":
		return "sreg op from:d to:d"
	case "bitwise":
		return "sreg dreg len mask:d xor:d op data:d"
	case "byteorder":
		return "sreg dreg op len size"
	case "meta":
		return "dreg key sreg"
	case "ct":
		return "dreg key direction sreg"
	case "rt":
		return "dreg key"
	case "socket":
		return "key dreg level"
	case "fib":
		return "dreg result flags"
	case "exthdr":
		return "dreg type offset len flags op sreg"
	case "lookup":
		return "set:s sreg dreg set_id flags"
	case "dynset":
		return "set:s set_id op sreg_key sreg_data timeout expr:e pad flags"
	case "objref":
		return "type name:s set_sreg set:s set_id"
	case "counter":
		return "bytes packets pad"
	case "quota":
		return "bytes flags pad consumed"
	case "limit":
		return "rate unit burst type flags pad"
	case "connlimit":
		return "count flags"
	case "log":
		return "group prefix:s snaplen qthreshold level flags"
	case "reject":
		return "type icmp_code"
	case "nat":
		return "type family reg_addr_min reg_addr_max reg_proto_min reg_proto_max flags"
	case "masq":
		return "flags reg_proto_min reg_proto_max"
	case "redir":
		return "reg_proto_min reg_proto_max flags"
	case "tproxy":
		return "family reg_addr reg_port"
	case "dup":
		return "sreg_addr sreg_dev"
	case "fwd":
		return "sreg_dev sreg_addr nfproto"
	case "queue":
		return "num total flags sreg_qnum"
	case "hash":
		return "sreg dreg len modulus seed offset type"
	case "numgen":
		return "dreg modulus type offset"
	case "match", "target":
		return "name:s rev info:x"
	}
	return ""
}

func nftAttr(expr, attr string, v []byte, depth int) string {
	name, form, _ := strings.Cut(attr, ":")
	switch form {
	case "s":
		return name + "=" + strconv.Quote(string(cText(v)))
	case "d":
		return name + "=" + nftData(v)
	case "e":
		if depth < maxNftDepth {
			return name + "=(" + nftExpression(v, depth+1) + ")"
		}
	}
	n, ok := networkNumber(v)
	if form != "" || !ok {
		return name + "=0x" + hex.EncodeToString(v)
	}
	return name + "=" + nftNumber(expr, name, n)
}

// nftNumber names the numbers that a reader should not have to look up.
func nftNumber(expr, attr string, n uint64) string {
	switch expr + " " + attr {
	case "payload base":
		return nth(n, "link", "network", "transport", "inner", "tunnel")
	case "cmp op":
		return nth(n, "eq", "neq", "lt", "lte", "gt", "gte")
	case "range op":
		return nth(n, "eq", "neq")
	case "nat type":
		return nth(n, "snat", "dnat")
	case "nat family", "tproxy family":
		return nftFamily(uint8(min(n, 255)))
	case "reject type":
		return nth(n, "icmp_unreach", "tcp_rst", "icmpx_unreach")
	case "ct direction":
		return nth(n, "original", "reply")
	case "ct key":
		return nth(n, "state", "direction", "status", "mark", "secmark", "expiration", "helper", "l3protocol", "src", "dst",
			"protocol", "proto_src", "proto_dst", "labels", "pkts", "bytes", "avgpkt", "zone", "eventmask",
			"src_ip", "dst_ip", "src_ip6", "dst_ip6", "id")
	case "meta key":
		return nth(n, "len", "protocol", "priority", "mark", "iif", "oif", "iifname", "oifname", "iiftype", "oiftype",
			"skuid", "skgid", "nftrace", "rtclassid", "secmark", "nfproto", "l4proto", "bri_iifname", "bri_oifname",
			"pkttype", "cpu", "iifgroup", "oifgroup", "cgroup", "prandom", "secpath", "iifkind", "oifkind",
			"bri_iifpvid", "bri_iifvproto", "time_ns", "time_day", "time_hour", "sdif", "sdifname")
	}
	return strconv.FormatUint(n, 10)
}

// nftValue gives the bytes of NFTA_DATA_VALUE.
func nftValue(b []byte) (value []byte) {
	eachAttr(b, func(t uint16, v []byte) {
		if t == 1 {
			value = v
		}
	})
	return value
}

// nftData writes NFTA_DATA_VALUE in hex, or NFTA_DATA_VERDICT in words.
func nftData(b []byte) string {
	out := "none"
	eachAttr(b, func(t uint16, v []byte) {
		switch t {
		case 1:
			out = "0x" + hex.EncodeToString(v)
		case 2:
			out = nftVerdict(v)
		}
	})
	return out
}

// nftVerdict names enum nft_verdicts and the NF_ verdicts of netfilter.h.
func nftVerdict(b []byte) string {
	var code int32
	var chain string
	eachAttr(b, func(t uint16, v []byte) {
		switch t {
		case 1:
			code = int32(be32(v))
		case 2:
			chain = " " + strconv.Quote(string(cText(v)))
		}
	})
	if code < 0 {
		return nth(uint64(-int64(code)), "", "continue", "break", "jump", "goto", "return") + chain
	}
	return nth(uint64(code&0xff), "drop", "accept", "stolen", "queue", "repeat") + chain
}
