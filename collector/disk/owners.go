package disk

import (
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/packager/evidence"
)

// owners are the names of the host's own passwd(5) and group(5).
type owners struct{ users, groups map[uint32]string }

const maxAccounts = 8 << 20

func readOwners(h *collector.Host) owners {
	users, _ := h.ReadFile("/etc/passwd", maxAccounts) // without them there are numbers
	groups, _ := h.ReadFile("/etc/group", maxAccounts)
	return owners{idNames(string(users)), idNames(string(groups))}
}

// idNames reads lines of name:password:id; the first line of an id counts.
func idNames(text string) map[uint32]string {
	out := map[uint32]string{}
	for line := range strings.Lines(text) {
		f := strings.SplitN(line, ":", 4)
		if len(f) < 3 {
			continue
		}
		id, err := strconv.ParseUint(strings.TrimSpace(f[2]), 10, 32)
		if _, known := out[uint32(id)]; err == nil && !known {
			out[uint32(id)] = f[0]
		}
	}
	return out
}

// fill gives names to the owner; that of a file of Windows has its SID already.
func (o owners) fill(m *evidence.FileMeta) {
	if m.Owner == "" {
		m.Owner, m.Group = o.users[m.UID], o.groups[m.GID]
	}
}
