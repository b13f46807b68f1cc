package packager

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

// Bounds on names in the archive (FORMAT.md, "Names").
const (
	maxComponent  = 120
	keepComponent = 80
	maxPath       = 200
)

var (
	idPattern       = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{3,62}$`)
	reservedPattern = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)
)

// ValidID says whether s may be the id of a collection.
func ValidID(s string) bool { return idPattern.MatchString(s) }

// EncodePath gives the name that an item's path has below data/: ASCII, harmless
// on every file system, the same for the same path. It is not unique where two
// paths differ only in case; the writer adds a suffix there.
func EncodePath(path string) string {
	var parts []string
	for _, c := range strings.Split(path, "/") {
		if c != "" {
			parts = append(parts, encodeComponent(c))
		}
	}
	if len(parts) == 0 {
		return "=00"
	}
	enc := strings.Join(parts, "/")
	if len(enc) > maxPath {
		sum := sha256.Sum256([]byte(path))
		return "long/" + hex.EncodeToString(sum[:16]) + "/" + parts[len(parts)-1]
	}
	return enc
}

func encodeComponent(c string) string {
	var b strings.Builder
	for i := 0; i < len(c); i++ {
		if plainByte(c[i]) && !mustEscape(c, i) {
			b.WriteByte(c[i])
		} else {
			b.WriteString("=" + strings.ToUpper(hex.EncodeToString([]byte{c[i]})))
		}
	}
	if b.Len() <= maxComponent {
		return b.String()
	}
	sum := sha256.Sum256([]byte(c))
	return cutEscaped(b.String(), keepComponent) + "~h" + hex.EncodeToString(sum[:8])
}

// plainByte says whether a byte stands for itself in a name.
func plainByte(b byte) bool {
	switch {
	case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		return true
	}
	return strings.IndexByte("._~+@,()-", b) >= 0
}

// mustEscape says whether a plain byte must be escaped for where it stands: the
// dots of "." and "..", a trailing dot, and the first letter of a name that
// Windows keeps for devices.
func mustEscape(c string, i int) bool {
	switch {
	case c == "." || c == "..":
		return true
	case c[i] == '.' && i == len(c)-1:
		return true
	}
	return i == 0 && reservedPattern.MatchString(c)
}

// cutEscaped shortens an encoded name to at most n bytes, not within an escape.
func cutEscaped(s string, n int) string {
	s = s[:n]
	if i := strings.LastIndexByte(s, '='); i >= 0 && i > n-3 {
		s = s[:i]
	}
	return s
}

// cleanMember says whether a member's name, below <id>/, is one that a writer of
// this format can have made. Everything else is refused by readers.
func cleanMember(name string) bool {
	if name == "" || len(name) > maxPath+len("data/")+maxComponent {
		return false
	}
	for _, c := range strings.Split(name, "/") {
		if c == "" || c == "." || c == ".." || len(c) > maxComponent+16 || c[len(c)-1] == '.' || reservedPattern.MatchString(c) {
			return false
		}
		for i := 0; i < len(c); i++ {
			if !plainByte(c[i]) && c[i] != '=' {
				return false
			}
		}
	}
	return true
}

// names hands out names that no other member has, on file systems that do not
// tell case apart either. It remembers 64-bit hashes, not names: two that meet by
// chance cost one of them a needless suffix.
type names struct{ seen map[uint64]struct{} }

func newNames() *names { return &names{seen: map[uint64]struct{}{}} }

func (n *names) take(name string) bool {
	sum := sha256.Sum256([]byte(strings.ToLower(name)))
	var h uint64
	for _, b := range sum[:8] {
		h = h<<8 | uint64(b)
	}
	if _, ok := n.seen[h]; ok {
		return false
	}
	n.seen[h] = struct{}{}
	return true
}

// unique gives name, or name~2, name~3 … if it is taken.
func (n *names) unique(name string) string {
	for i, try := 2, name; ; i++ {
		if n.take(try) {
			return try
		}
		try = name + "~" + strconv.Itoa(i)
	}
}
