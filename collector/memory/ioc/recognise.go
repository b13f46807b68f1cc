package ioc

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// refang undoes what makes an address, a domain or a URL harmless to click on:
// hxxp://, 1.2.3[.]4, example[.]com, example(dot)com.
func refang(s string) string {
	s = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[DOT]", ".", "(DOT)", ".", `\.`, ".",
		"[:]", ":", "[://]", "://", "[:/]", ":/", "[/]", "/").Replace(s)
	scheme, rest, ok := strings.Cut(s, "://")
	switch lower := strings.ToLower(scheme); {
	case !ok:
	case strings.HasPrefix(lower, "hxxp"), strings.HasPrefix(lower, "hxtp"), strings.HasPrefix(lower, "htxp"), strings.HasPrefix(lower, "meow"):
		return "http" + lower[4:] + "://" + rest
	case lower == "fxp", lower == "fxps":
		return "ftp" + lower[3:] + "://" + rest
	}
	return s
}

// kindNamed gives the kind for a name that people and programs use for it; "" if
// it is none of them. A Kind that the value alone decides is given as one that
// make changes: ip is Address, hash is SHA256.
func kindNamed(name string) Kind {
	name = strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(strings.TrimSpace(name)))
	switch name {
	case "ip", "ipv4", "ipv6", "ip-addr", "ipv4-addr", "ipv6-addr", "ip-src", "ip-dst", "address", "ip-address",
		"cidr", "network", "netblock", "ip-range", "subnet":
		return Address
	case "domain", "domain-name", "hostname", "host", "fqdn", "dns":
		return Domain
	case "url", "uri", "link":
		return URL
	case "hash", "md5", "filehash-md5", "file-md5", "sha1", "sha-1", "filehash-sha1", "file-sha1",
		"sha256", "sha-256", "filehash-sha256", "file-sha256":
		return SHA256
	case "filename", "file-name", "file", "name":
		return FileName
	case "filepath", "file-path", "path":
		return Path
	case "hex", "bytes", "byte", "hex-pattern":
		return Bytes
	case "text", "string", "strings", "str", "ascii", "pattern-in-memory":
		return Text
	case "utf16", "utf-16", "utf-16le", "utf16le", "wide":
		return UTF16
	}
	return ""
}

// build makes the indicator of a kind that somebody named.
func build(kind Kind, text string) (Indicator, error) {
	switch kind {
	case Address:
		return address(refang(text))
	case Domain:
		d, err := parseDomain(refang(text))
		return Indicator{Kind: Domain, Value: d}, err
	case URL:
		return location(refang(text))
	case SHA256:
		return fileHash(text)
	case FileName:
		return fileName(text)
	case Path:
		return path(text)
	case Bytes:
		b, err := parseHex(text)
		return Indicator{Kind: Bytes, Value: b.String(), bytes: b}, err
	}
	if len(text) < minLiteral || len(text) > maxPattern/2 {
		return Indicator{}, fmt.Errorf("a text of %d bytes: want %d to %d", len(text), minLiteral, maxPattern/2)
	}
	return Indicator{Kind: kind, Value: text}, nil
}

func address(text string) (Indicator, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()).Masked()
		switch {
		case !p.IsValid() || p.Bits() == 0:
			return Indicator{}, errors.New("a network that holds every address")
		case p.IsSingleIP():
			return Indicator{Kind: Address, Value: p.Addr().String(), prefix: p}, nil
		}
		return Indicator{Kind: Network, Value: p.String(), prefix: p}, nil
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, e := netip.ParseAddrPort(text)
		if e != nil {
			return Indicator{}, errNoAddress
		}
		a = withPort.Addr()
	}
	if a.Zone() != "" {
		return Indicator{}, errors.New("an address with a zone: it is different on every machine")
	}
	a = a.Unmap()
	return Indicator{Kind: Address, Value: a.String(), prefix: netip.PrefixFrom(a, a.BitLen())}, nil
}

var errNoAddress = errors.New("neither an IP address nor a network")

func location(text string) (Indicator, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	host, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	if !ok || scheme == "" || host == "" || strings.ContainsAny(text, " \t\"<>") || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
		return Indicator{}, errors.New("not a URL: want scheme://host/…")
	}
	if len(text) > maxPattern/2 {
		return Indicator{}, fmt.Errorf("a URL of more than %d bytes", maxPattern/2)
	}
	if tail == "/" {
		tail = ""
	}
	return Indicator{Kind: URL, Value: strings.ToLower(scheme+"://"+host) + tail}, nil
}

func fileHash(text string) (Indicator, error) {
	kind, ok := map[int]Kind{32: MD5, 40: SHA1, 64: SHA256}[len(text)]
	if !ok || strings.Trim(text, "0123456789abcdefABCDEF") != "" {
		return Indicator{}, errors.New("not an MD5, SHA-1 or SHA-256 in hex (32, 40 or 64 digits)")
	}
	return Indicator{Kind: kind, Value: strings.ToLower(text)}, nil
}

func fileName(text string) (Indicator, error) {
	switch {
	case text == "" || text == "." || text == "..":
		return Indicator{}, errors.New("not a file name")
	case strings.ContainsAny(text, "/\\\x00"):
		return path(text)
	case len(text) > 255:
		return Indicator{}, errors.New("a file name of more than 255 bytes")
	}
	return Indicator{Kind: FileName, Value: text}, nil
}

func path(text string) (Indicator, error) {
	trimmed := strings.TrimRight(text, `/\`)
	if len(trimmed) < minLiteral || len(trimmed) > maxPattern/2 || strings.Contains(text, "\x00") {
		return Indicator{}, fmt.Errorf("a path of %d bytes: want %d to %d", len(trimmed), minLiteral, maxPattern/2)
	}
	return Indicator{Kind: Path, Value: trimmed}, nil
}

// recognise makes the indicators of a line that names no kind: one, or two where
// a name can be both of a file and of a domain (.sh, .py, .zip).
func recognise(text string) ([]Indicator, error) {
	if name, value, ok := strings.Cut(text, ":"); ok && !strings.HasPrefix(value, "//") {
		if kind := kindNamed(name); kind != "" {
			return one(build(kind, trimValue(kind, value)))
		}
	}
	safe := refang(text)
	if in, err := fileHash(text); err == nil {
		return one(in, nil)
	}
	if in, err := address(safe); !errors.Is(err, errNoAddress) {
		return one(in, err)
	}
	switch {
	case strings.HasPrefix(text, "{"):
		return one(build(Bytes, text))
	case strings.Contains(safe, "://"):
		return one(location(safe))
	case strings.HasPrefix(text, "/"), strings.Contains(text, `\`) && safe == text, len(text) > 2 && text[1] == ':' && text[2] == '/':
		return one(path(text))
	case strings.Contains(text, "@"):
		return nil, errors.New("mail addresses are not recognised: write text: before it, if its text is to be sought")
	case strings.Contains(safe, "/"):
		if _, err := netip.ParseAddr(safe[:strings.IndexByte(safe, '/')]); err != nil {
			if in, err := location("http://" + safe); err == nil && strings.Contains(safe[:strings.IndexByte(safe, '/')], ".") {
				in.Value = strings.TrimPrefix(in.Value, "http://")
				return one(in, nil)
			}
		}
		return nil, errUnknown
	}
	return named(text, safe)
}

var errUnknown = errors.New("its kind is not recognised: write it before it (text: hex: utf16: domain: path: …)")

// trimValue takes spaces away, which only texts may have at their ends.
func trimValue(kind Kind, value string) string {
	if kind == Text || kind == UTF16 {
		return value
	}
	return strings.TrimSpace(value)
}

func one(in Indicator, err error) ([]Indicator, error) {
	if err != nil {
		return nil, err
	}
	return []Indicator{in}, nil
}

// named tells domains from file names.
func named(text, safe string) ([]Indicator, error) {
	domain, noDomain := build(Domain, safe)
	if safe != text || strings.HasPrefix(text, "*.") {
		return one(domain, noDomain)
	}
	last := strings.ToLower(text[strings.LastIndexByte(text, '.')+1:])
	if noDomain == nil && !strings.Contains(extensions, " "+last+" ") {
		return one(domain, nil)
	}
	file, err := fileName(text)
	switch {
	case err != nil:
		return nil, err
	case strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0:
		return nil, errUnknown
	case strings.ContainsAny(text, " \t") && !strings.Contains(extensions, " "+last+" ") && !strings.Contains(both, " "+last+" "):
		return nil, errUnknown
	case noDomain == nil && strings.Contains(both, " "+last+" "):
		return []Indicator{file, domain}, nil
	}
	return []Indicator{file}, nil
}

// Endings of files, and those of them that are top-level domains, too.
const (
	both       = " sh py pl rs so ps md zip cc mm vi app ml pm mov bz "
	extensions = both + " exe dll sys bat cmd ps1 psm1 vbs vbe js jse wsf hta scr lnk cpl msi ocx drv ko o a elf bin out run rb php jsp jspx asp aspx " +
		"jar war class dex apk rar 7z gz tgz tar xz bz2 zst cab iso img vhd vhdx vmdk doc docx docm xls xlsx xlsm xlsb ppt pptx pptm pdf rtf txt csv " +
		"log dat tmp bak old conf cfg ini json xml yml yaml toml db sqlite service timer socket html htm css c h cpp go java lua swf png jpg jpeg gif " +
		"ico svg pem key crt pcap dmp core pid lock deb rpm whl "
)
