package ioc

import "net/netip"

// Kind says what an indicator is.
type Kind string

// The kinds.
const (
	Address  Kind = "address"   // one IPv4 or IPv6 address
	Network  Kind = "network"   // a range of addresses with a common prefix (CIDR)
	Domain   Kind = "domain"    // a domain and all below it
	URL      Kind = "url"       // a URL and all below it
	MD5      Kind = "md5"       // of a whole file
	SHA1     Kind = "sha1"      // of a whole file
	SHA256   Kind = "sha256"    // of a whole file
	FileName Kind = "file_name" // one component of a path
	Path     Kind = "path"      // a file or folder and all below it
	Bytes    Kind = "bytes"     // a byte string, with wildcards
	Text     Kind = "text"      // text as it is, in memory also as UTF-16LE
	UTF16    Kind = "utf16"     // text as UTF-16LE alone
)

// Kinds lists the kinds in the order in which they are shown.
func Kinds() []Kind {
	return []Kind{Address, Network, Domain, URL, MD5, SHA1, SHA256, FileName, Path, Bytes, Text, UTF16}
}

// An Indicator is one entry of a list.
type Indicator struct {
	List int // index into Search's lists
	Line int // in the list, from 1
	Kind Kind
	// Value is what is sought, in one spelling for each kind: addresses as RFC 5952
	// has them, domains and hashes in lower case, wildcards as ??; other kinds as given.
	Value string

	prefix netip.Prefix // of Address and Network
	bytes  byteString   // of Bytes
}

// A BadLine is a line of a list that is not used.
type BadLine struct {
	Line   int
	Text   string // at most 200 bytes of it
	Reason string
}

// A List is one file that a responder gave.
type List struct {
	File       string // its name, as given
	Raw        []byte // its bytes, as they went into the archive
	Indicators []Indicator
	Bad        []BadLine
	// BadMore counts the lines that are not used beside those in Bad.
	BadMore int
}

// Counts gives how many indicators of each kind the list has.
func (l *List) Counts() map[Kind]int {
	out := map[Kind]int{}
	for i := range l.Indicators {
		out[l.Indicators[i].Kind]++
	}
	return out
}
