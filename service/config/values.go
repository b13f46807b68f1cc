package config

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"hozen/packager/cipher"
)

// One function for each kind of value; each gives what reads it into a variable, which
// keeps its default when the value is wrong.

// longestText bounds one value, in bytes.
const longestText = 4096

// line is a text that can be shown, in one line.
func line(to *string) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		v, ok := r.text(n)
		switch {
		case !ok:
		case v == "" || len(v) > longestText || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl):
			r.wrong(n, hintScalar, "%.80q: want a text in one line", v)
		default:
			*to = v
		}
	}
}

func path(to *string) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		var v string
		line(&v)(r, n)
		if v != "" && !absolute(v) {
			r.wrong(n, hintPath, "%.80q is not absolute", v)
			return
		}
		*to = v
	}
}

// namePattern is packager's of device names.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func (r *reader) isName(n *yaml.Node, v string) bool {
	if namePattern.MatchString(v) {
		return true
	}
	r.wrong(n, hintName, "%.80q is no name", v)
	return false
}

func name(to *string) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		if v, ok := r.text(n); ok && r.isName(n, v) {
			*to = v
		}
	}
}

func names(to *[]string) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		*to = nil
		r.list(n, func(n *yaml.Node, v string) {
			if r.isName(n, v) {
				*to = append(*to, v)
			}
		})
	}
}

// recipients are of age, SSH keys, or absolute paths of files with one in each line. They
// are kept in the one spelling of their keys, each once.
func (c *Config) recipients(to *[]string) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		*to = nil
		r.list(n, func(n *yaml.Node, v string) {
			one, err := cipher.Canonical(v)
			list := []string{one}
			switch {
			case err == nil:
			case !absolute(v):
				r.wrong(n, hintRecipient, "%.80q is no recipient", cipher.Hide(v))
				return
			default:
				if list, err = recipientFile(v); err != nil {
					r.wrong(n, hintRecipientFile, "%.200q: %v", v, err)
					return
				}
				c.RecipientFiles = append(c.RecipientFiles, v)
			}
			for _, one := range list {
				if !slices.Contains(*to, one) {
					*to = append(*to, one)
				}
			}
		})
	}
}

// recipientFile reads a file of recipients; its errors name the line.
func recipientFile(name string) ([]string, error) {
	text, err := readPlain(name)
	if err != nil {
		return nil, errors.New(reason(err))
	}
	return cipher.ReadRecipients(bytes.NewReader(text))
}

func oneOf(to *string, words ...string) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		v, ok := r.text(n)
		if !ok {
			return
		}
		if !slices.Contains(words, v) {
			all := strings.Join(words, ", ")
			r.wrong(n, Hint{"one of: " + all, "次のどれかを書きます: " + all}, "%.80q: not one of %s", v, all)
			return
		}
		*to = v
	}
}

func yesNo(to *bool) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		if v, ok := r.text(n); ok {
			if v != "true" && v != "false" {
				r.wrong(n, hintYesNo, "%.80q: want true or false", v)
				return
			}
			*to = v == "true"
		}
	}
}

func number(to *int, least, most int) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		v, ok := r.text(n)
		if !ok {
			return
		}
		i, err := strconv.Atoi(v)
		if err != nil || i < least || i > most {
			r.wrong(n, hintNumber, "%.80q: want a number from %d to %d", v, least, most)
			return
		}
		*to = i
	}
}

func duration(to *time.Duration, least, most time.Duration) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		v, ok := r.text(n)
		if !ok {
			return
		}
		d, err := time.ParseDuration(v)
		if err != nil || d < least || d > most {
			r.wrong(n, hintDuration, "%.80q: want a time from %v to %v", v, least, most)
			return
		}
		*to = d
	}
}

// size is bytes: a number with B, kB, MB, GB, TB or KiB, MiB, GiB, TiB, or 0.
func size(to *int64, least int64) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		v, ok := r.text(n)
		if !ok {
			return
		}
		b, ok := bytesOf(v)
		if !ok || b < least {
			r.wrong(n, hintSize, "%.80q: want a size of at least %d bytes", v, least)
			return
		}
		*to = b
	}
}

func bytesOf(v string) (int64, bool) {
	m := regexp.MustCompile(`^(\d{1,12}) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)?$`).FindStringSubmatch(v)
	if m == nil {
		return 0, false
	}
	unit := map[string]int64{"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[m[2]]
	i, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || i > (1<<62)/unit {
		return 0, false
	}
	return i * unit, true
}
