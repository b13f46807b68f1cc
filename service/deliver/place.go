package deliver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Kind is how a destination is reached.
type Kind string

// Kinds.
const (
	Directory Kind = "directory"
	SFTP      Kind = "sftp"
	HTTPS     Kind = "https"
	S3        Kind = "s3"
	Hub       Kind = "hub" // of package remote; New does not make it
)

// A Place is a destination as people write it; it holds nothing secret:
//
//	/media/usb                         a directory that is there
//	sftp://user@192.0.2.7:22/inbox     a directory of an SFTP server, from its root
//	https://192.0.2.7/inbox/           numbered parts below it, each put there
//	https://192.0.2.7/inbox/one        a single PUT of the archive
//	s3://192.0.2.7:9000/bucket/prefix  a bucket by path style, over TLS
//	hub                                the hub that this endpoint is enrolled at
type Place struct {
	Kind Kind
	User string // of SFTP; "" : the credentials say it
	Host string // name or address; "" of a directory or the hub
	Port int
	// Path is the directory; of HTTPS the path of the URL as it was written (a last "/"
	// counts); of S3 the prefix of the names without slashes at its ends.
	Path   string
	Bucket string // of S3
}

// Parse reads a place.
func Parse(s string) (Place, error) {
	if s == "" {
		return Place{}, errors.New("destination: empty")
	}
	if s == "hub" || s == "hub:" {
		return Place{Kind: Hub}, nil
	}
	scheme, rest, isURL := strings.Cut(s, "://")
	if !isURL || filepath.IsAbs(s) {
		return parseDirectory(s)
	}
	if strings.ContainsAny(rest, "?#") {
		return Place{}, fmt.Errorf("destination %s://…: a query or fragment may be secret: it belongs into the credentials file (put_archive, put_log)", printable(scheme))
	}
	u, err := url.Parse(s)
	if err != nil {
		return Place{}, fmt.Errorf("destination: %s://…: not a URL", printable(scheme)) // the error would show what may be a password
	}
	if _, has := u.User.Password(); has {
		return Place{}, fmt.Errorf("destination %s://…: a password belongs into the credentials file", printable(scheme))
	}
	return parseURL(u)
}

func parseDirectory(s string) (Place, error) {
	s = strings.TrimPrefix(s, "dir:")
	abs, err := filepath.Abs(s)
	if err != nil {
		return Place{}, fmt.Errorf("destination %q: %w", s, err)
	}
	return Place{Kind: Directory, Path: abs}, nil
}

func parseURL(u *url.URL) (p Place, err error) {
	p = Place{Kind: Kind(u.Scheme), User: u.User.Username(), Host: u.Hostname(), Path: u.Path}
	standard := map[Kind]int{SFTP: 22, HTTPS: 443, S3: 443}[p.Kind]
	switch {
	case standard == 0:
		return Place{}, fmt.Errorf("destination %s://…: want a directory, sftp://, https://, s3:// or hub", printable(u.Scheme))
	case !validHost(p.Host):
		return Place{}, fmt.Errorf("destination %s://…: no host, or no valid one", u.Scheme)
	case p.User != "" && p.Kind != SFTP:
		return Place{}, fmt.Errorf("destination %s://%s: a user belongs into the credentials file", u.Scheme, p.Host)
	case strings.ContainsAny(p.Path+p.User, "\x00\r\n"):
		return Place{}, fmt.Errorf("destination %s://%s: a control character in the path", u.Scheme, p.Host)
	}
	if p.Port, err = portOf(u.Port(), standard); err != nil {
		return Place{}, fmt.Errorf("destination %s://%s: %w", u.Scheme, p.Host, err)
	}
	switch p.Kind {
	case SFTP:
		p.Path = path.Clean("/" + p.Path)
	case HTTPS:
		p.Path = u.EscapedPath()
		if p.Path == "" {
			p.Path = "/"
		}
	case S3:
		bucket, prefix, _ := strings.Cut(strings.TrimPrefix(p.Path, "/"), "/")
		if !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`).MatchString(bucket) {
			return Place{}, fmt.Errorf("destination s3://%s: want s3://HOST/BUCKET/PREFIX", p.Host)
		}
		p.Bucket, p.Path = bucket, strings.Trim(path.Clean("/"+prefix), "/")
	}
	return p, nil
}

// validHost takes an IP address or a DNS name.
func validHost(h string) bool {
	if _, err := netip.ParseAddr(h); err == nil {
		return true
	}
	return regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`).MatchString(h)
}

func portOf(s string, standard int) (int, error) {
	if s == "" {
		return standard, nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %q: want 1 to 65535", s)
	}
	return int(n), nil
}

// String gives the place as it is written, with its port where there is one.
func (p Place) String() string {
	switch p.Kind {
	case Directory:
		return p.Path
	case Hub:
		return "hub"
	}
	u := url.URL{Scheme: string(p.Kind), Host: p.address(), Path: p.Path}
	switch p.Kind {
	case SFTP:
		if p.User != "" {
			u.User = url.User(p.User)
		}
	case HTTPS:
		return "https://" + u.Host + p.Path // as it was written
	case S3:
		u.Path = "/" + path.Join(p.Bucket, p.Path)
	}
	return u.String()
}

// address is host:port.
func (p Place) address() string { return net.JoinHostPort(p.Host, strconv.Itoa(p.Port)) }

// Whole says that the place takes single whole files, so that nothing can be streamed to it.
func (p Place) Whole() bool { return p.Kind == HTTPS && !strings.HasSuffix(p.Path, "/") }

// printable cuts what is shown in an error to what a scheme may be.
func printable(scheme string) string {
	if regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]{0,15}$`).MatchString(scheme) {
		return scheme
	}
	return "…"
}
