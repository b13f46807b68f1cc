package deliver

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Options is what goes with a place and is not secret.
type Options struct {
	// Pin is of whom we talk to. SFTP: the fingerprint of the server's key, as ssh-keygen
	// prints it (SHA256:…), must be given. HTTPS and S3: the SHA-256 (hex) of a certificate,
	// the server's own or one above it in the chain that it sends; "" : the roots of CAFile
	// or, without it, of the system.
	Pin    string
	CAFile string // PEM, in place of the system's roots
	// Resolve has the address of each name: no name server is ever asked.
	Resolve map[string]netip.Addr
	// Stall is how long the other side may be silent while we wait for it; 0: 60 s.
	Stall time.Duration
	// Rate limits what is sent, in bytes a second; 0: no limit.
	Rate int64
	// ReadBack has HTTPS and S3 read the whole file again before it counts as delivered;
	// directories and SFTP always do.
	ReadBack    bool
	Credentials Credentials
}

// Credentials are what must not be seen: they come from a file that only its owner can
// read, never from a command line. Those of other kinds of destination stay empty.
type Credentials struct {
	// SFTP. Without KeyFile the agent of SSH_AUTH_SOCK is asked, if Agent says so.
	User    string `yaml:"user"`     // also of HTTPS, with Password
	KeyFile string `yaml:"key_file"` // private key as OpenSSH writes it, without a passphrase
	Agent   bool   `yaml:"agent"`
	// HTTPS: a user with a password, or a token; a presigned address of each file.
	Password   string `yaml:"password"`
	Bearer     string `yaml:"bearer"`
	PutArchive string `yaml:"put_archive"`
	PutLog     string `yaml:"put_log"`
	// S3.
	AccessKey    string `yaml:"access_key"`
	SecretKey    string `yaml:"secret_key"`
	SessionToken string `yaml:"session_token"`
	Region       string `yaml:"region"` // "" : us-east-1
}

// String hides all of it, also from logs.
func (Credentials) String() string { return "(credentials)" }

// GoString is String for %#v.
func (c Credentials) GoString() string { return c.String() }

// MarshalJSON is String for logs in JSON.
func (c Credentials) MarshalJSON() ([]byte, error) { return []byte(`"(credentials)"`), nil }

// maxCredentials bounds a credentials file, in bytes.
const maxCredentials = 64 << 10

// ReadCredentials reads a YAML file. Unknown fields are refused; so is a file that
// others than its owner can read.
func ReadCredentials(file string) (c Credentials, err error) {
	st, err := os.Stat(file)
	switch {
	case err != nil:
		return c, fmt.Errorf("credentials: %w", err)
	case !st.Mode().IsRegular() || st.Size() > maxCredentials:
		return c, fmt.Errorf("credentials %s: not a file of at most %d bytes", file, maxCredentials)
	case runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0:
		return c, fmt.Errorf("credentials %s: others can read it (mode %04o): chmod 600", file, st.Mode().Perm())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return c, fmt.Errorf("credentials: %w", err)
	}
	return parseCredentials(file, b)
}

func parseCredentials(file string, b []byte) (c Credentials, err error) {
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		// The decoder's own words may show a value.
		return Credentials{}, fmt.Errorf("credentials %s: %s", file, withoutValues(err))
	}
	return c, nil
}

// withoutValues keeps the line number and the kind of a YAML error.
func withoutValues(err error) string {
	text := err.Error()
	if m := regexp.MustCompile(`line \d+: field [a-z_]{1,40} not found`).FindString(text); m != "" {
		return m
	}
	if m := regexp.MustCompile(`line \d+`).FindString(text); m != "" {
		return m + ": not as it should be"
	}
	return "not YAML as it should be"
}

// ParseResolve reads NAME=ADDRESS.
func ParseResolve(s string) (name string, addr netip.Addr, err error) {
	name, text, ok := strings.Cut(s, "=")
	if addr, err = netip.ParseAddr(text); !ok || err != nil || !validHost(name) {
		return "", addr, fmt.Errorf("%q: want NAME=ADDRESS, such as store.example=192.0.2.7", s)
	}
	return strings.ToLower(name), addr, nil
}

// ErrNoAddress says that a name has no pinned address.
var ErrNoAddress = errors.New("no name server is asked")

// resolve gives the address of a host without asking anybody.
func (o Options) resolve(host string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a, nil
	}
	if a, ok := o.Resolve[strings.ToLower(host)]; ok {
		return a, nil
	}
	return netip.Addr{}, fmt.Errorf("%s: %w: its address must be given (--resolve %s=ADDRESS)", host, ErrNoAddress, host)
}

func (o Options) stall() time.Duration { return cmp.Or(o.Stall, time.Minute) }

// New makes the destination of a place. It connects to nothing yet; what is wrong with
// the options is said at once.
func New(p Place, o Options) (Destination, error) {
	if p.Kind != Directory && p.Kind != Hub {
		if _, err := o.resolve(p.Host); err != nil {
			return nil, err
		}
	}
	d, err := build(p, o)
	if err != nil {
		return nil, fmt.Errorf("destination %s: %w", p, err)
	}
	return Limited(d, o.Rate), nil
}

func build(p Place, o Options) (Destination, error) {
	switch p.Kind {
	case Directory:
		return dir{p.Path}, nil
	case SFTP:
		return &sftpServer{place: p, options: o}, nil
	case HTTPS:
		return newWeb(p, o)
	case S3:
		return newBucket(p, o)
	case Hub:
		return nil, errors.New("only the service, which is enrolled, delivers to its hub")
	}
	return nil, fmt.Errorf("kind %q: not known", p.Kind)
}

// validName refuses what is no plain name of a file.
func validName(name string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$`).MatchString(name) {
		return fmt.Errorf("file name %q: want letters, digits, dots and dashes", name)
	}
	return nil
}
