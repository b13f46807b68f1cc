package volatile

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
)

// maxAccounts bounds what is read of /etc/passwd and of /etc/group.
const maxAccounts = 16 << 20

// maxName is LOGIN_NAME_MAX of limits.h(0p) on Linux, less its NUL.
const maxName = 255

// idNames maps numbers of users or groups to names.
type idNames map[uint32]jsonl.Text

// parseNames reads passwd(5) or group(5): fields between colons, the name first,
// the number third. Of several names of one number the first counts, as it does
// for getpwuid(3). Lines of other forms are passed over, and names that are longer
// than any may be.
func parseNames(text string) idNames {
	n := idNames{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		_, rest, _ = strings.Cut(rest, ":")
		number, _, ok := strings.Cut(rest, ":")
		id, err := strconv.ParseUint(number, 10, 32)
		if !ok || err != nil || name == "" || len(name) > maxName {
			continue
		}
		if _, taken := n[uint32(id)]; !taken {
			n[uint32(id)] = jsonl.Text(name)
		}
	}
	return n
}

// owners are the names of the examined host's users and groups.
type owners struct{ users, groups idNames }

// readOwners reads the host's own passwd(5) and group(5); a name that they do not
// give stays unknown (no name service is asked).
func readOwners(h *collector.Host) owners {
	return owners{readNames(h, "/etc/passwd"), readNames(h, "/etc/group")}
}

func readNames(h *collector.Host, file string) idNames {
	b, _ := h.ReadFile(file, maxAccounts)
	return parseNames(string(b))
}

// maxHomes bounds the home directories that are looked into.
const maxHomes = 10_000

// homeDirs lists the home directories that passwd(5) names, each once, sorted.
func homeDirs(h *collector.Host) []string {
	b, _ := h.ReadFile("/etc/passwd", maxAccounts)
	return parseHomes(string(b))
}

// parseHomes passes over those that are no home: the root, and file systems of the kernel.
func parseHomes(passwd string) (homes []string) {
	for line := range strings.Lines(passwd) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) < 7 || !strings.HasPrefix(f[5], "/") {
			continue
		}
		home := path.Clean(f[5])
		switch {
		case home == "/", home == "/proc", home == "/dev", home == "/sys", strings.ContainsAny(home, "*?[\\"):
			continue
		}
		homes = append(homes, home)
	}
	slices.Sort(homes)
	homes = slices.Compact(homes)
	return homes[:min(len(homes), maxHomes)]
}
