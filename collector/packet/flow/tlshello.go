package flow

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
)

// A cursor reads bytes in order; what is not there makes it bad, and zero.
type cursor struct {
	b   []byte
	bad bool
}

func (r *cursor) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.b, r.bad = nil, true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *cursor) u8() int {
	if b := r.take(1); b != nil {
		return int(b[0])
	}
	return 0
}

func (r *cursor) u16() uint16 {
	if b := r.take(2); b != nil {
		return be16(b)
	}
	return 0
}

// list gives the 16-bit numbers in b.
func list(b []byte) (out []uint16) {
	for ; len(b) >= 2; b = b[2:] {
		out = append(out, be16(b))
	}
	return out
}

// grease says whether a number is one of those that mean nothing (RFC 8701).
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

func withoutGrease(in []uint16) []uint16 { return slices.DeleteFunc(slices.Clone(in), grease) }

// A hello is what a ClientHello or ServerHello offers.
type hello struct {
	version    uint16
	random     []byte
	session    []byte
	ciphers    []uint16
	extensions []uint16
	groups     []uint16
	formats    []byte
	algorithms []uint16
	versions   []uint16
	alpn       [][]byte
	name       []byte
	hasName    bool
	ticket     bool
	key        bool
	ech        bool
}

func parseHello(b []byte, client bool) (h hello, ok bool) {
	r := cursor{b: b}
	h.version = r.u16()
	h.random = r.take(32)
	h.session = r.take(r.u8())
	if client {
		h.ciphers = list(r.take(int(r.u16())))
		r.take(r.u8())
	} else {
		h.ciphers = []uint16{r.u16()}
		r.take(1)
	}
	if r.bad {
		return h, false
	}
	ext := cursor{b: r.take(int(r.u16()))}
	for len(ext.b) >= 4 && len(h.extensions) < 256 {
		kind := ext.u16()
		body := ext.take(int(ext.u16()))
		if ext.bad {
			break
		}
		h.extensions = append(h.extensions, kind)
		h.extension(kind, body, client)
	}
	return h, true
}

// extension reads one extension (https://www.iana.org/assignments/tls-extensiontype-values).
func (h *hello) extension(kind uint16, b []byte, client bool) {
	r := cursor{b: b}
	switch kind {
	case 0:
		h.hasName = true
		names := cursor{b: r.take(int(r.u16()))}
		if names.u8() == 0 {
			h.name = names.take(int(names.u16()))
		}
	case 10:
		h.groups = list(r.take(int(r.u16())))
	case 11:
		h.formats = r.take(r.u8())
	case 13:
		h.algorithms = list(r.take(int(r.u16())))
	case 16:
		all := cursor{b: r.take(int(r.u16()))}
		for len(all.b) > 0 && len(h.alpn) < 32 {
			h.alpn = append(h.alpn, all.take(all.u8()))
		}
	case 35:
		h.ticket = len(b) > 0
	case 41:
		h.key = true
	case 43:
		if client {
			h.versions = list(r.take(r.u8()))
		} else {
			h.versions = []uint16{r.u16()}
		}
	case 0xfe0d:
		h.ech = true
	}
}

func (f *tlsFlow) clientHello(b []byte) {
	h, ok := parseHello(b, true)
	if !ok {
		f.row.Cut = true
		return
	}
	row := &f.row
	row.ServerName = jsonl.Text(h.name)
	row.Versions, row.OfferedALPN = nil, nil
	for _, v := range withoutGrease(h.versions) {
		row.Versions = append(row.Versions, versionName(v))
	}
	if len(row.Versions) == 0 {
		row.Versions = []string{versionName(h.version)}
	}
	for _, p := range h.alpn {
		row.OfferedALPN = append(row.OfferedALPN, jsonl.Text(p))
	}
	row.Ciphers = len(withoutGrease(h.ciphers))
	row.JA3, row.JA4, row.ECH = h.ja3(), h.ja4(row.QUIC), h.ech
	f.session, f.ticket = slices.Clone(h.session), h.ticket && len(h.session) == 0
}

func (f *tlsFlow) serverHello(b []byte) {
	h, ok := parseHello(b, false)
	if !ok {
		f.row.Cut = true
		return
	}
	// RFC 8446 section 4.1.3: this random says that it is a retry.
	f.retry = hex.EncodeToString(h.random) == "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
	version := h.version
	if len(h.versions) == 1 {
		version = h.versions[0]
	}
	row := &f.row
	row.Version, row.Cipher = versionName(version), cipherName(h.ciphers[0])
	if len(h.alpn) > 0 {
		row.ALPN = jsonl.Text(h.alpn[0])
	}
	row.JA3S = md5Text(fmt.Sprintf("%d,%d,%s", h.version, h.ciphers[0], decimals(h.extensions)))
	row.Resumed = h.key || version < 0x0304 && len(h.session) > 0 && string(h.session) == string(f.session)
}

func md5Text(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func decimals[T uint16 | byte](in []T) string {
	var b []byte
	for i, v := range in {
		if i > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(v), 10)
	}
	return string(b)
}

func (h *hello) ja3() string {
	return md5Text(fmt.Sprintf("%d,%s,%s,%s,%s", h.version, decimals(withoutGrease(h.ciphers)), decimals(withoutGrease(h.extensions)),
		decimals(withoutGrease(h.groups)), decimals(h.formats)))
}

// ja4 makes the fingerprint of https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md.
func (h *hello) ja4(quic bool) string {
	kind, name, version := "t", "i", h.version
	if quic {
		kind = "q"
	}
	if h.hasName {
		name = "d"
	}
	if v := withoutGrease(h.versions); len(v) > 0 {
		version = slices.Max(v)
	}
	short, ok := map[uint16]string{0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 2: "s2"}[version]
	if !ok {
		short = "00"
	}
	alpn := "00"
	if len(h.alpn) > 0 && len(h.alpn[0]) > 0 {
		alpn = ja4ALPN(h.alpn[0])
	}
	ciphers, extensions := withoutGrease(h.ciphers), withoutGrease(h.extensions)
	head := fmt.Sprintf("%s%s%s%02d%02d%s", kind, short, name, min(len(ciphers), 99), min(len(extensions), 99), alpn)
	slices.Sort(ciphers)
	extensions = slices.DeleteFunc(extensions, func(v uint16) bool { return v == 0 || v == 16 })
	slices.Sort(extensions)
	tail := hexes(extensions)
	if len(h.algorithms) > 0 {
		tail += "_" + hexes(withoutGrease(h.algorithms))
	}
	return head + "_" + ja4Hash(hexes(ciphers), len(ciphers) == 0) + "_" + ja4Hash(tail, len(extensions) == 0)
}

func ja4ALPN(p []byte) string {
	first, last := p[0], p[len(p)-1]
	plain := func(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }
	if plain(first) && plain(last) {
		return string([]byte{first, last})
	}
	return fmt.Sprintf("%x%x", first>>4, last&15)
}

func ja4Hash(s string, none bool) string {
	if none {
		return "000000000000"
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

func hexes(in []uint16) string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = fmt.Sprintf("%04x", v)
	}
	return strings.Join(out, ",")
}

func versionName(v uint16) string {
	switch v {
	case 0x0002:
		return "SSLv2"
	case 0x0300:
		return "SSLv3"
	case 0x0301:
		return "TLSv10"
	case 0x0302:
		return "TLSv11"
	case 0x0303:
		return "TLSv12"
	case 0x0304:
		return "TLSv13"
	}
	return fmt.Sprintf("0x%04x", v)
}

// cipherName gives IANA's name of the suites that are met, else the number.
func cipherName(v uint16) string {
	name, ok := map[uint16]string{
		0x0004: "TLS_RSA_WITH_RC4_128_MD5", 0x0005: "TLS_RSA_WITH_RC4_128_SHA", 0x000a: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
		0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", 0x002f: "TLS_RSA_WITH_AES_128_CBC_SHA", 0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
		0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA", 0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 0x003c: "TLS_RSA_WITH_AES_128_CBC_SHA256",
		0x003d: "TLS_RSA_WITH_AES_256_CBC_SHA256", 0x0041: "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", 0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
		0x006b: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", 0x0084: "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", 0x0088: "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA",
		0x009c: "TLS_RSA_WITH_AES_128_GCM_SHA256", 0x009d: "TLS_RSA_WITH_AES_256_GCM_SHA384", 0x009e: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
		0x009f: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384",
		0x1303: "TLS_CHACHA20_POLY1305_SHA256", 0x1304: "TLS_AES_128_CCM_SHA256", 0x1305: "TLS_AES_128_CCM_8_SHA256",
		0xc007: "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", 0xc009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0xc00a: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
		0xc011: "TLS_ECDHE_RSA_WITH_RC4_128_SHA", 0xc012: "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", 0xc013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
		0xc014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 0xc023: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
		0xc024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", 0xc027: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
		0xc028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 0xc02b: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		0xc02c: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02f: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		0xc030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xcca8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		0xcca9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xccaa: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	}[v]
	if !ok {
		return fmt.Sprintf("0x%04x", v)
	}
	return name
}
