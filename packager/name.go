package packager

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
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
	partPattern     = regexp.MustCompile(`^\.p[0-9]{6}$`)
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
		return longPath(path, parts[len(parts)-1])
	}
	return enc
}

// longPath is the name of an item whose directories cannot be kept in it.
func longPath(path, last string) string {
	sum := sha256.Sum256([]byte(path))
	return "long/" + hex.EncodeToString(sum[:16]) + "/" + last
}

func encodeComponent(c string) string {
	if standsForItself(c) {
		return c
	}
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

// standsForItself says of most names, quickly, that nothing in them is escaped
// or cut; of the others encodeComponent finds out what.
func standsForItself(c string) bool {
	if len(c) > maxComponent || c[len(c)-1] == '.' || strings.IndexByte("cpanlCPANL", c[0]) >= 0 && reservedPattern.MatchString(c) {
		return false
	}
	for i := 0; i < len(c); i++ {
		if !plainByte(c[i]) || c[i] == '.' && i+1 < len(c) && c[i+1] == 'p' {
			return false
		}
	}
	return true
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
// dots of "." and "..", a trailing dot, the dot of a name that ends as that of a
// part (.p000000), and the first letter of a name that Windows keeps for devices.
func mustEscape(c string, i int) bool {
	switch {
	case c == "." || c == "..":
		return true
	case c[i] == '.' && i == len(c)-1:
		return true
	case c[i] == '.' && partPattern.MatchString(c[i:]):
		return true // else a file of the host could have the name of another's part
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
// tell case apart either, and that can all be extracted side by side: no name is
// that of a directory on another's way. It remembers 64-bit hashes, not names: two
// that meet by chance cost one of them a needless suffix.
type names struct {
	seen  map[uint64]nameUse
	parts map[uint64]int // how many parts an item has so far
}

type nameUse uint8

const (
	nameFile nameUse = iota + 1
	nameDir
	nameParted // of an item that is there as parts only
	nameRecord // of an item without a member: in nobody's way
)

func newNames() *names {
	return &names{seen: map[uint64]nameUse{}, parts: map[uint64]int{}}
}

func nameHash(name string) uint64 {
	sum := sha256.Sum256([]byte(strings.ToLower(name)))
	return binary.BigEndian.Uint64(sum[:8])
}

// take says whether a member of that name may be added, and remembers it.
func (n *names) take(name string) bool { return n.use(name, nameFile) }

func (n *names) use(name string, as nameUse) bool {
	h := nameHash(name)
	if n.seen[h] != 0 || n.blocked(name) {
		return false
	}
	n.seen[h] = as
	if as == nameRecord {
		return true
	}
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		d := nameHash(name[:i])
		if n.seen[d] == nameDir {
			break // and so are those above it
		}
		n.seen[d] = nameDir
	}
	return true
}

// blocked says whether a directory on the way to name is taken by a file.
func (n *names) blocked(name string) bool {
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		switch n.seen[nameHash(name[:i])] {
		case nameDir:
			return false
		case nameFile, nameParted:
			return true
		}
	}
	return false
}

// takeMember is take for whatever a reader meets: the parts of an item must come
// in their order, from the first, and their item must not be there as a member.
func (n *names) takeMember(name string) bool {
	at := len(name) - len(".p000000")
	if at <= 0 || !partPattern.MatchString(name[at:]) {
		return n.take(name)
	}
	whole, part := nameHash(name[:at]), name[at+len(".p"):]
	if part == "000000" && !n.use(name[:at], nameParted) || n.seen[whole] != nameParted || part != fmt.Sprintf("%06d", n.parts[whole]) {
		return false
	}
	n.parts[whole]++
	return n.take(name)
}

// unique gives a name for an item's path: the given one, or name~2, name~3 … if it
// is taken, or one below data/long/ if a directory on its way is.
func (n *names) unique(path string, as nameUse) string {
	name := "data/" + EncodePath(path)
	if n.blocked(name) {
		name = "data/" + longPath(path, name[strings.LastIndexByte(name, '/')+1:])
	}
	for i, try := 2, name; ; i++ {
		if n.use(try, as) {
			return try
		}
		try = name + "~" + strconv.Itoa(i)
	}
}
