package packager

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/revoked"
	"hozen/packager/signed"
	"hozen/packager/text"
)

// Trust is whom an auditor believes: OpenSSH's allowed_signers file
// (ssh-keygen(1), "ALLOWED SIGNERS"), and whom no more. It is never part of an archive.
type Trust struct {
	lines   []signerLine
	revoked *revoked.List
}

type signerLine struct {
	principals    []string
	namespaces    []string // patterns; none means all
	key           string
	after, before time.Time
	authority     bool
}

// ParseTrust reads an allowed_signers file. Errors name the line. A line with
// cert-authority trusts the certificates that its key signed, for principals that both the
// line and the certificate name, and never the key itself.
func ParseTrust(r io.Reader) (*Trust, error) {
	var t Trust
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	sc := bufio.NewScanner(bytes.NewReader(text.UTF8(b)))
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		l, err := parseSigner(line)
		if err != nil {
			return nil, fmt.Errorf("allowed signers, line %d: %w", n, err)
		}
		t.lines = append(t.lines, l)
	}
	return &t, sc.Err()
}

func parseSigner(text string) (l signerLine, err error) {
	principals, rest, err := signerPrincipals(text)
	if err != nil {
		return l, err
	}
	l.principals = strings.Split(principals, ",")
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(rest)))
	if err != nil {
		return l, fmt.Errorf("key: %w", err)
	}
	l.key = signed.PublicText(key)
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "cert-authority":
			l.authority = true
		case "namespaces":
			l.namespaces = strings.Split(value, ",")
		case "valid-after":
			l.after, err = signerTime(value)
		case "valid-before":
			l.before, err = signerTime(value)
		default:
			err = fmt.Errorf("option %q: not one of namespaces, valid-after, valid-before, cert-authority", name)
		}
		if err != nil {
			return l, err
		}
	}
	if !l.before.IsZero() && !l.before.After(l.after) {
		return l, fmt.Errorf("valid-before is not after valid-after")
	}
	return l, nil
}

// signerPrincipals divides a line into its principals, which may be in quotes, and the rest.
func signerPrincipals(text string) (principals, rest string, err error) {
	end, skip := strings.IndexAny(text, " \t"), 0
	if text[0] == '"' {
		text, skip = text[1:], 1
		end = strings.IndexByte(text, '"')
	}
	if end <= 0 {
		return "", "", fmt.Errorf("want: principals [options] key")
	}
	return text[:end], text[end+skip:], nil
}

// signerTime reads YYYYMMDD[HHMM[SS]][Z]; without Z it is local time, as in ssh-keygen.
func signerTime(s string) (time.Time, error) {
	digits, utc := strings.CutSuffix(s, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) == len(layout) {
			return time.ParseInLocation(layout, digits, zone)
		}
	}
	return time.Time{}, fmt.Errorf("time %q: want YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, and Z for UTC", s)
}

// ErrKeyTime is wrapped by Check when a key is known as the principal, and not valid then.
var ErrKeyTime = errors.New("not valid then")

// Without gives the same trust less what a list revokes; nobody's trust less a list is
// nobody's, which knows that list.
func (t *Trust) Without(list *revoked.List) *Trust {
	less := &Trust{revoked: list}
	if t != nil {
		less.lines = t.lines
	}
	return less
}

// Revoked says why a key, or a certificate, is not to be believed whoever vouches for it;
// nil if nothing is known against it. The error wraps revoked.ErrRevoked.
func (t *Trust) Revoked(key string) error {
	if t == nil || t.revoked == nil {
		return nil
	}
	public, err := signed.ParsePublic(key)
	if err != nil {
		return err
	}
	return t.revoked.Check(public)
}

// Check says why a key (as signed.PublicText writes it; also a certificate) is not trusted
// as principal for a namespace at a time; nil if it is.
func (t *Trust) Check(principal, key, namespace string, at time.Time) error {
	who := text.Name(principal)
	why := fmt.Errorf("%s: the key is unknown", who)
	if t == nil {
		return why
	}
	if err := t.Revoked(key); err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	authority, cert := "", (*ssh.Certificate)(nil)
	if public, err := signed.ParsePublic(key); err == nil {
		if cert, _ = public.(*ssh.Certificate); cert != nil {
			authority = signed.PublicText(cert.SignatureKey)
			why = fmt.Errorf("%s: the authority that certified the key is unknown", who)
		}
	}
	for _, l := range t.lines {
		switch {
		case !l.authority && l.key != key, l.authority && l.key != authority:
		case !matchAny(l.principals, principal):
			why = fmt.Errorf("%s: the key is known, but as %s", who, text.Name(strings.Join(l.principals, ",")))
		case l.namespaces != nil && !matchAny(l.namespaces, namespace):
			why = fmt.Errorf("%s: the key is not trusted for %s", who, namespace)
		case !l.after.IsZero() && at.Before(l.after):
			why = fmt.Errorf("%s: %w: the key was not valid before %s", who, ErrKeyTime, signed.Wall(l.after))
		case !l.before.IsZero() && at.After(l.before):
			why = fmt.Errorf("%s: %w: the key was not valid after %s", who, ErrKeyTime, signed.Wall(l.before))
		case l.authority:
			if why = checkCertificate(cert, principal, at); why == nil {
				return nil
			}
		default:
			return nil
		}
	}
	return why
}

// checkCertificate says why a certificate by a trusted authority is not good for a
// principal at a time: as `ssh-keygen -Y verify` does, which wants a user certificate that
// names the principal; and no critical option at all, for nobody here would keep to it.
func checkCertificate(cert *ssh.Certificate, principal string, at time.Time) error {
	who, unix := text.Name(principal), at.Unix()
	switch {
	case cert.CertType != ssh.UserCert:
		return fmt.Errorf("%s: the certificate is not that of a user", who)
	case !slices.Contains(cert.ValidPrincipals, principal):
		return fmt.Errorf("%s: the certificate is not for that name, but for %.200q", who, strings.Join(cert.ValidPrincipals, ","))
	case len(cert.CriticalOptions) > 0:
		return fmt.Errorf("%s: the certificate has critical options, of which none is known here", who)
	case unix < 0 || uint64(unix) < cert.ValidAfter:
		return fmt.Errorf("%s: %w: the certificate was not valid yet", who, ErrKeyTime)
	case cert.ValidBefore != ssh.CertTimeInfinity && uint64(unix) >= cert.ValidBefore:
		return fmt.Errorf("%s: %w: the certificate was not valid any more", who, ErrKeyTime)
	case cert.Signature.Format == ssh.KeyAlgoRSA:
		return fmt.Errorf("%s: the certificate is signed with SHA-1", who)
	}
	checker := ssh.CertChecker{Clock: func() time.Time { return at }}
	if err := checker.CheckCert(principal, cert); err != nil {
		return fmt.Errorf("%s: certificate: %w", who, err)
	}
	return nil
}

// matchAny applies OpenSSH's pattern lists (ssh_config(5), "PATTERNS"): "!" excludes.
func matchAny(patterns []string, s string) bool {
	if slices.ContainsFunc(patterns, func(p string) bool { return strings.HasPrefix(p, "!") && match(p[1:], s) }) {
		return false
	}
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, s) })
}

// match says whether s fits a pattern: "*" is any number of bytes, "?" is one. It
// goes back to the last "*" only, so that no pattern takes long.
func match(pattern, s string) bool {
	star, mark, p := -1, 0, 0
	for i := 0; i < len(s); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark, p = p, i, p+1
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			i, p = i+1, p+1
		case star >= 0:
			mark++
			i, p = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
