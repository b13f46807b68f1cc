package packager

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Trust is whom an auditor believes: OpenSSH's allowed_signers file
// (ssh-keygen(1), "ALLOWED SIGNERS"). It is never part of an archive.
type Trust struct{ lines []signerLine }

type signerLine struct {
	principals    []string
	namespaces    []string // patterns; none means all
	key           string
	after, before time.Time
	authority     bool
}

// ParseTrust reads an allowed_signers file. Errors name the line. Lines of
// certificate authorities are kept but never match a plain key.
func ParseTrust(r io.Reader) (*Trust, error) {
	var t Trust
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		text := strings.TrimSpace(sc.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		l, err := parseSigner(text)
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
	l.key = publicText(key)
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

// check says why a key is not trusted as principal for a namespace at a time;
// nil if it is.
func (t *Trust) check(principal, key, namespace string, at time.Time) error {
	why := fmt.Errorf("%s: the key is unknown", principal)
	if t == nil {
		return why
	}
	for _, l := range t.lines {
		switch {
		case l.authority || l.key != key:
		case !matchAny(l.principals, principal):
			why = fmt.Errorf("%s: the key is known, but as %s", principal, strings.Join(l.principals, ","))
		case l.namespaces != nil && !matchAny(l.namespaces, namespace):
			why = fmt.Errorf("%s: the key is not trusted for %s", principal, namespace)
		case !l.after.IsZero() && at.Before(l.after):
			why = fmt.Errorf("%s: the key was not valid before %s", principal, wall(l.after))
		case !l.before.IsZero() && at.After(l.before):
			why = fmt.Errorf("%s: the key was not valid after %s", principal, wall(l.before))
		default:
			return nil
		}
	}
	return why
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
