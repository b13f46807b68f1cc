package timestamp

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// HeadText is the one line by which the head hash of a collection goes to another
// machine, on paper or as a QR code: hozen-head:<id>:<64 hex>.
func HeadText(id, head string) string { return "hozen-head:" + id + ":" + head }

// ParseHead reads a head hash: what HeadText gives, or 64 hexadecimal digits alone; then
// id is "". White space around it, and all behind its first line, does not count.
func ParseHead(s string) (id string, head [32]byte, err error) {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	m := regexp.MustCompile(`^(?:hozen-head:([a-z0-9][a-z0-9-]{3,62}):)?([0-9A-Fa-f]{64})$`).FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return "", head, fmt.Errorf("want 64 hexadecimal digits, or hozen-head:ID: before them")
	}
	_, err = hex.Decode(head[:], []byte(m[2]))
	return m[1], head, err
}
