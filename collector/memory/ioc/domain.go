package ioc

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// parseDomain gives a domain in lower case without a dot at either end, with
// labels that are not ASCII as RFC 3492 writes them ("xn--…").
func parseDomain(text string) (string, error) {
	text = strings.TrimPrefix(text, "*")
	text = strings.TrimSuffix(strings.TrimPrefix(text, "."), ".")
	labels := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == '.' || r == '。' || r == '．' })
	if len(labels) < 2 || strings.Contains(text, "..") {
		return "", errors.New("not a domain of two labels or more")
	}
	for i, l := range labels {
		ascii, err := toASCII(l)
		if err != nil {
			return "", err
		}
		labels[i] = ascii
	}
	out := strings.Join(labels, ".")
	if last := labels[len(labels)-1]; len(out) > 253 || len(last) < 2 || strings.Trim(last, "0123456789") == "" {
		return "", errors.New("not a domain")
	}
	return out, nil
}

// toASCII checks one label, and encodes it where it is not ASCII.
func toASCII(label string) (string, error) {
	if !utf8.ValidString(label) {
		return "", errors.New("a label that is not UTF-8")
	}
	ascii := true
	for _, r := range label {
		ascii = ascii && r < utf8.RuneSelf
		if r < utf8.RuneSelf && !labelByte(byte(r)) {
			return "", fmt.Errorf("%q in a domain", r)
		}
	}
	if !ascii {
		label = "xn--" + punycode([]rune(label))
	}
	if label == "" || len(label) > 63 {
		return "", errors.New("a label of more than 63 bytes, or none")
	}
	return label, nil
}

// labelByte says whether c can be in a label of a domain. Names with _ exist.
func labelByte(c byte) bool {
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// punycode is the encoding of RFC 3492, section 6.3.
func punycode(label []rune) string {
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	var out []byte
	for _, r := range label {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias, first := rune(128), 0, 72, true
	for done := basic; done < len(label); n++ {
		next := rune(utf8.MaxRune)
		for _, r := range label {
			if r >= n {
				next = min(next, r)
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range label {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				out = append(out, digits[t+(q-t)%(base-t)])
				q = (q - t) / (base - t)
			}
			out = append(out, digits[q])
			done++
			// adapt, section 6.1
			if first {
				delta /= damp
			} else {
				delta /= 2
			}
			delta += delta / done
			k := 0
			for ; delta > (base-tmin)*tmax/2; k += base {
				delta /= base - tmin
			}
			bias, delta, first = k+(base-tmin+1)*delta/(delta+skew), 0, false
		}
		delta++
	}
	return string(out)
}
