package flow

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
)

// Bounds of DNS.
const (
	maxDNSRecords = 256 // of one message
	maxDNSJumps   = 64  // compression pointers in one name
	maxDNSData    = 512 // bytes of a record's data that are shown if it is of no known type
)

// errDNS says that a message is not one of DNS, or is cut.
var errDNS = errors.New("no whole message of DNS")

// A dnsMessage is a message of DNS (RFC 1035 section 4).
type dnsMessage struct {
	id        uint16
	flags     uint16
	questions []dnsQuestion
	answers   []DNSAnswer
	authority int
	more      int // additional records
	cut       bool
}

type dnsQuestion struct {
	name        string
	kind, class uint16
}

// A DNSAnswer is a record of the answer section.
type DNSAnswer struct {
	Name string `json:"name"` // as DNSRow.Query
	Type string `json:"type"`
	TTL  uint32 `json:"ttl"`  // seconds
	Data string `json:"data"` // an address, a name, text in quotes; of unknown types hexadecimal
}

// parseDNS reads a message. What is behind a fault is left out, and cut says so; a
// message whose questions cannot be read is none.
func parseDNS(b []byte) (m dnsMessage, err error) {
	if len(b) < 12 {
		return m, errDNS
	}
	m.id, m.flags = be16(b), be16(b[2:])
	questions, answers := int(be16(b[4:])), int(be16(b[6:]))
	m.authority, m.more = int(be16(b[8:])), int(be16(b[10:]))
	if questions > maxDNSRecords || questions+answers+m.authority+m.more == 0 && m.flags&15 == 0 {
		return m, errDNS
	}
	at := 12
	for range questions {
		var q dnsQuestion
		if q.name, at, err = dnsName(b, at); err != nil || at+4 > len(b) {
			return m, errDNS
		}
		q.kind, q.class = be16(b[at:]), be16(b[at+2:])
		at += 4
		m.questions = append(m.questions, q)
	}
	for i := range answers {
		a, next, err := dnsRecord(b, at)
		if err != nil || i >= maxDNSRecords {
			if m.cut = true; questions == 0 && i == 0 {
				return m, errDNS
			}
			break
		}
		m.answers = append(m.answers, a)
		at = next
	}
	return m, nil
}

// dnsName reads a name at an offset, and gives where it ends. Labels are joined by
// dots; a dot or backslash in a label has a backslash before it, a byte that is no
// visible ASCII is \DDD (RFC 1035 section 5.1): so that no byte is lost.
func dnsName(b []byte, at int) (name string, end int, err error) {
	var out []byte
	jumps, total := 0, 0
	for {
		if at >= len(b) {
			return "", 0, errDNS
		}
		n := int(b[at])
		switch {
		case n == 0:
			if jumps == 0 {
				end = at + 1
			}
			if len(out) == 0 {
				return ".", end, nil
			}
			return string(out), end, nil
		case n&0xc0 == 0xc0:
			if at+2 > len(b) {
				return "", 0, errDNS
			}
			if jumps == 0 {
				end = at + 2
			}
			if jumps++; jumps > maxDNSJumps {
				return "", 0, errDNS
			}
			at = int(be16(b[at:]) & 0x3fff)
		case n&0xc0 != 0 || at+1+n > len(b):
			return "", 0, errDNS
		default:
			if total += n + 1; total > 255 {
				return "", 0, errDNS
			}
			if len(out) > 0 {
				out = append(out, '.')
			}
			out = appendLabel(out, b[at+1:at+1+n], '.')
			at += 1 + n
		}
	}
}

// appendLabel appends bytes with escapes; special is one more byte that needs one.
func appendLabel(out, label []byte, special byte) []byte {
	for _, c := range label {
		switch {
		case c == special || c == '\\':
			out = append(out, '\\', c)
		case c <= ' ' && !(c == ' ' && special == '"') || c >= 0x7f:
			out = append(out, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		default:
			out = append(out, c)
		}
	}
	return out
}

// dnsRecord reads a resource record at an offset, and gives where it ends.
func dnsRecord(b []byte, at int) (a DNSAnswer, end int, err error) {
	if a.Name, at, err = dnsName(b, at); err != nil || at+10 > len(b) {
		return a, 0, errDNS
	}
	kind := be16(b[at:])
	a.Type, a.TTL = dnsType(kind), be32(b[at+4:])
	n := int(be16(b[at+8:]))
	at += 10
	if at+n > len(b) {
		return a, 0, errDNS
	}
	a.Data = dnsData(b[:at+n], at, kind)
	return a, at + n, nil
}

// dnsData shows the data of a record, which goes from an offset to the end of b.
func dnsData(b []byte, at int, kind uint16) string {
	data := b[at:]
	name := func(at int) string {
		s, _, err := dnsName(b, at)
		if err != nil {
			return hex.EncodeToString(data)
		}
		return s
	}
	switch {
	case kind == 1 && len(data) == 4:
		return netip.AddrFrom4([4]byte(data)).String()
	case kind == 28 && len(data) == 16:
		return netip.AddrFrom16([16]byte(data)).String()
	case kind == 2 || kind == 5 || kind == 12 || kind == 39:
		return name(at)
	case kind == 15 && len(data) > 2:
		return strconv.Itoa(int(be16(data))) + " " + name(at+2)
	case kind == 33 && len(data) > 6:
		return fmt.Sprintf("%d %d %d %s", be16(data), be16(data[2:]), be16(data[4:]), name(at+6))
	case kind == 16 || kind == 99:
		return dnsText(data)
	case kind == 6:
		first, next, err := dnsName(b, at)
		if err != nil {
			break
		}
		second, next, err := dnsName(b, next)
		if err != nil || next+20 > len(b) {
			break
		}
		n := b[next:]
		return fmt.Sprintf("%s %s %d %d %d %d %d", first, second, be32(n), be32(n[4:]), be32(n[8:]), be32(n[12:]), be32(n[16:]))
	}
	if len(data) > maxDNSData {
		return hex.EncodeToString(data[:maxDNSData]) + "…"
	}
	return hex.EncodeToString(data)
}

// dnsText shows the strings of a TXT record, each in quotes.
func dnsText(data []byte) string {
	var out []byte
	for len(data) > 0 {
		n := min(1+int(data[0]), len(data))
		if len(out) > 0 {
			out = append(out, ' ')
		}
		out = append(out, '"')
		out = appendLabel(out, data[1:n], '"')
		out = append(out, '"')
		data = data[n:]
	}
	return string(out)
}

// dnsType names a type (https://www.iana.org/assignments/dns-parameters).
func dnsType(kind uint16) string {
	name, ok := map[uint16]string{1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT",
		24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 32: "NB", 33: "SRV", 35: "NAPTR", 39: "DNAME", 41: "OPT", 43: "DS", 44: "SSHFP",
		46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 61: "OPENPGPKEY", 64: "SVCB", 65: "HTTPS",
		99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 255: "ANY", 256: "URI", 257: "CAA"}[kind]
	if !ok {
		return "TYPE" + strconv.Itoa(int(kind))
	}
	return name
}

func dnsClass(class uint16) string {
	switch class & 0x7fff { // mDNS has a flag in the highest bit
	case 1:
		return "IN"
	case 3:
		return "CH"
	case 4:
		return "HS"
	case 254:
		return "NONE"
	case 255:
		return "ANY"
	}
	return "CLASS" + strconv.Itoa(int(class))
}

func dnsRcode(code uint16) string {
	names := []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}
	if int(code) < len(names) {
		return names[code]
	}
	return "RCODE" + strconv.Itoa(int(code))
}

// netbiosName reads what NetBIOS hides in a name of DNS (RFC 1001 section 14.1); "" if it is none.
func netbiosName(name string) string {
	if len(name) < 32 || len(name) > 32 && name[32] != '.' {
		return ""
	}
	var out []byte
	for i := 0; i < 32; i += 2 {
		hi, lo := name[i]-'A', name[i+1]-'A'
		if hi > 15 || lo > 15 {
			return ""
		}
		out = append(out, hi<<4|lo)
	}
	suffix := out[15]
	end := 15
	for end > 0 && (out[end-1] == ' ' || out[end-1] == 0) {
		end--
	}
	return string(appendLabel(nil, out[:end], '"')) + fmt.Sprintf("<%02x>", suffix)
}
