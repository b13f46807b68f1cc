package filter

import (
	"fmt"
	"strings"
)

// An Error says what in a filter is not understood, and where.
type Error struct {
	Column int    // from 1, in bytes
	Near   string // the word there; "" at the end
	Why    string
}

func (e *Error) Error() string {
	if e.Near == "" {
		return fmt.Sprintf("filter: column %d (the end): %s", e.Column, e.Why)
	}
	return fmt.Sprintf("filter: column %d, %q: %s", e.Column, e.Near, e.Why)
}

// A token is a word, or one of ( ) ! and or.
type token struct {
	at   int // offset in bytes
	text string
}

const (
	maxText  = 4096 // bytes of a filter
	maxDepth = 64   // of parentheses and negations
)

func lex(text string) ([]token, error) {
	if len(text) > maxText {
		return nil, &Error{maxText + 1, "", fmt.Sprintf("longer than %d bytes", maxText)}
	}
	var out []token
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')' || c == '!' && !strings.HasPrefix(text[i:], "!="):
			out = append(out, token{i, text[i : i+1]})
			i++
		case strings.HasPrefix(text[i:], "&&"):
			out = append(out, token{i, "and"})
			i += 2
		case strings.HasPrefix(text[i:], "||"):
			out = append(out, token{i, "or"})
			i += 2
		case wordByte(c):
			end := i
			for end < len(text) && wordByte(text[end]) {
				end++
			}
			out = append(out, token{i, text[i:end]})
			i = end
		default:
			return nil, &Error{i + 1, string(rune(c)), "arithmetic and comparisons such as tcp[13] & 2 != 0 are not supported; " + allowed}
		}
	}
	return out, nil
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(`._:/-\%`, c) >= 0
}

// allowed is the hint of an error: what could stand there.
const allowed = "a test is one of: host, net, port, portrange (with src, dst, ip, ip6, arp, tcp, udp before it), ip, ip6, arp, tcp, udp, icmp, icmp6, proto N, ether host M, ether proto N, broadcast, multicast, less N, greater N; joined by and, or, not, ( )"
