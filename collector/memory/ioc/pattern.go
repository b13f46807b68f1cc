package ioc

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf16"
)

// A form is how an indicator is written in bytes.
type form uint8

const (
	asText form = iota // UTF-8, or the bytes as given
	asWide             // UTF-16LE
	asWire             // a domain in a DNS message: labels with their lengths before them (RFC 1035, 3.1)
)

// String gives the word used in rows.
func (f form) String() string { return [...]string{"text", "utf16le", "dns"}[f] }

// An edge says what must not stand beside a pattern, so that evil.example is not
// found in notevil.example.
type edge uint8

const (
	anywhere edge = iota
	nameEdge
	pathEdge
	domainEdge
	urlEdge
	ipv4Edge
	ipv6Edge
	networkEdge // the bytes are the beginning of an IPv4 address; the rest is read and compared
)

// A pattern is bytes to search for.
type pattern struct {
	byteString
	of   int32 // index of its indicator
	form form
	edge edge
}

// patterns gives what an indicator looks like in bytes, or why it is not searched
// for in bytes. In text that is known to be text, addresses and hashes are found
// by token.go in every spelling; in memory by their usual one alone.
func (in *Indicator) patterns(memory bool) (out []pattern, why string) {
	text, at := in.Value, anywhere
	fold := 0 // bytes of text that are of either case
	switch in.Kind {
	case MD5, SHA1, SHA256:
		return nil, "a hash is compared with files"
	case Bytes:
		return []pattern{{byteString: in.bytes}}, ""
	case UTF16:
		return []pattern{{byteString: wide(text, 0), form: asWide}}, ""
	case Address:
		if at = ipv4Edge; !in.prefix.Addr().Is4() {
			at, fold = ipv6Edge, len(text)
		}
	case Network:
		if text, why = networkText(in.prefix); why != "" {
			return nil, why
		}
		at = networkEdge
	case Domain:
		at, fold = domainEdge, len(text)
	case FileName:
		at, fold = nameEdge, len(text)
	case Path:
		if at = pathEdge; !strings.HasPrefix(text, "/") {
			fold = len(text)
		}
	case URL:
		at, fold = urlEdge, hostEnd(text)
	}
	if len(text) < minLiteral {
		return nil, fmt.Sprintf("shorter than %d bytes", minLiteral)
	}
	narrow := exactly(text[:fold], true)
	narrow = narrow.and(exactly(text[fold:], false))
	out = append(out, pattern{byteString: narrow, edge: at})
	if memory {
		out = append(out, pattern{byteString: wide(text, fold), form: asWide, edge: at})
		if in.Kind == Domain {
			out = append(out, pattern{byteString: wire(text), form: asWire})
		}
	}
	return out, ""
}

func (s byteString) and(t byteString) byteString {
	return byteString{append(s.value, t.value...), append(s.mask, t.mask...)}
}

// hostEnd gives where the path of a URL begins: before it, upper and lower case
// are the same.
func hostEnd(url string) int {
	from := 0
	if i := strings.Index(url, "://"); i >= 0 {
		from = i + 3
	}
	if i := strings.IndexAny(url[from:], "/?#"); i >= 0 {
		return from + i
	}
	return len(url)
}

// wide is the text in UTF-16LE, the ASCII letters of its first fold bytes in either case.
func wide(text string, fold int) (out byteString) {
	for i, r := range text {
		for _, unit := range utf16.AppendRune(nil, r) {
			s := exactly(string([]byte{byte(unit)}), i < fold && unit < 0x80)
			out = out.and(s).and(byteString{[]byte{byte(unit >> 8)}, []byte{0xff}})
		}
	}
	return out
}

// wire is a domain as it is in a DNS message.
func wire(domain string) (out byteString) {
	for label := range strings.SplitSeq(domain, ".") {
		out = out.and(byteString{[]byte{byte(len(label))}, []byte{0xff}}).and(exactly(label, true))
	}
	return out.and(byteString{[]byte{0}, []byte{0xff}})
}

// networkText gives the octets that all addresses of a network begin with.
func networkText(p netip.Prefix) (text, why string) {
	if !p.Addr().Is4() {
		return "", "IPv6 networks are sought in text alone"
	}
	for i, octet := range p.Addr().As4() {
		if (i+1)*8 > p.Bits() {
			break
		}
		text += fmt.Sprint(octet) + "."
	}
	if len(text) < minLiteral {
		return "", "so large a network is sought in text alone"
	}
	return text, ""
}
