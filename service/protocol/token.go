package protocol

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// A token is what the hub's operator hands over on paper or by a channel of his own:
// "hozen-enrol-1.<base64url of the JSON of Token>". It can be used once.

// TokenPrefix is what every token begins with; the rest is base64url without padding.
const TokenPrefix = "hozen-enrol-1."

// MaxToken bounds a token as text, in bytes.
const MaxToken = 4 << 10

// MaxAddresses bounds the addresses of one hub.
const MaxAddresses = 16

// Roles of those who enrol.
const (
	RoleEndpoint = "endpoint"
	RoleOperator = "operator"
)

// Token is how a new endpoint or operator finds the hub and proves that it was invited.
type Token struct {
	Addresses []string `json:"addresses"` // host:port with host an IP address: no name server is asked
	Name      string   `json:"name"`      // of the server in its certificate; "" : the addresses themselves
	CA        string   `json:"ca"`        // SHA-256 of the certificate of its authority (DER), hex; the server sends it in its chain
	HubKey    string   `json:"hub_key"`   // SHA256:… of the key that signs receipts
	Secret    string   `json:"secret"`    // of this token
	Role      string   `json:"role"`      // endpoint, operator
}

// String gives the text of a token.
func (t Token) String() string {
	b, err := Encode(t)
	if err != nil {
		return ""
	}
	return TokenPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// ParseToken reads what String wrote, white space around it aside.
func ParseToken(text string) (t Token, err error) {
	text = strings.TrimSpace(text)
	if len(text) > MaxToken {
		return Token{}, fmt.Errorf("token: %d bytes, over %d", len(text), MaxToken)
	}
	body, ok := strings.CutPrefix(text, TokenPrefix)
	if !ok {
		return Token{}, fmt.Errorf("token: does not begin with %s", TokenPrefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return Token{}, fmt.Errorf("token: %w", err)
	}
	if err := Decode(b, &t); err != nil {
		return Token{}, fmt.Errorf("token: %w", err)
	}
	if err := t.check(); err != nil {
		return Token{}, fmt.Errorf("token: %w", err)
	}
	return t, nil
}

func (t Token) check() error {
	if err := CheckAddresses(t.Addresses); err != nil {
		return err
	}
	if t.Name != "" && !serverName.MatchString(t.Name) {
		return fmt.Errorf("name of the server %.80q: not a name of a certificate", t.Name)
	}
	if err := CheckSHA256(t.CA); err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	if !fingerprint.MatchString(t.HubKey) {
		return fmt.Errorf("hub_key %.80q: want SHA256: and 43 characters", t.HubKey)
	}
	if len(t.Secret) < 16 || len(t.Secret) > 128 || strings.ContainsFunc(t.Secret, notGraphic) {
		return fmt.Errorf("secret: want 16 to 128 printable characters")
	}
	if t.Role != RoleEndpoint && t.Role != RoleOperator {
		return fmt.Errorf("role %.80q: not one of %s, %s", t.Role, RoleEndpoint, RoleOperator)
	}
	return nil
}

var (
	serverName  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)
	fingerprint = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)
)

func notGraphic(r rune) bool { return r <= ' ' || r > '~' }

// CheckAddresses says why a list is not one of IP addresses with ports, each once; a
// name would need a name server, which the endpoint never asks.
func CheckAddresses(list []string) error {
	if len(list) == 0 || len(list) > MaxAddresses {
		return fmt.Errorf("%d addresses: want 1 to %d", len(list), MaxAddresses)
	}
	for i, a := range list {
		ap, err := netip.ParseAddrPort(a)
		if err != nil || ap.Port() == 0 || ap.String() != a {
			return fmt.Errorf("address %.80q: want an IP address and a port, such as 192.0.2.1:4222 or [2001:db8::1]:4222", a)
		}
		if slices.Contains(list[:i], a) {
			return fmt.Errorf("address %s: twice", a)
		}
	}
	return nil
}

// CheckSHA256 says why a text is not a SHA-256 in lower-case hex.
func CheckSHA256(s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 || hex.EncodeToString(b) != s {
		return fmt.Errorf("%.80q: want 64 hexadecimal digits", s)
	}
	return nil
}
