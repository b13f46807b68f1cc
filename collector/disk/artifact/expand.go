package artifact

import (
	"fmt"
	"slices"
	"strings"

	"hozen/collector/winfile"
	"hozen/packager/evidence"
)

// maxPatterns bounds what one path may come to with all values of its variables.
const maxPatterns = 1 << 14

// Expand gives the patterns of a source: one for each path and user. Keys of the
// registry become the hive files that hold them, each once. What cannot be looked
// for is among them, with its Err.
func (f *Finder) Expand(s Source) (all []Pattern) {
	seen := map[string]bool{}
	add := func(some []Pattern) {
		for _, p := range some {
			if key := fmt.Sprint(p.Text, "\x00", p.Err); !seen[key] {
				seen[key] = true
				all = append(all, p)
			}
		}
	}
	switch s.Type {
	case File, Path, Directory:
		for _, path := range s.Paths {
			add(f.expandPath(s.Type, s.Separator, path))
		}
	case RegistryKey, RegistryValue:
		for _, key := range keysOf(&s) {
			add(f.expandKey(s.Type, key))
		}
	case Command:
		text := strings.Join(append([]string{s.Cmd}, s.Args...), " ")
		add([]Pattern{{Text: text, Type: s.Type, Err: evidence.Skip("a command: no program of the host is run")}})
	case WMI:
		add([]Pattern{{Text: s.Query, Type: s.Type, Err: evidence.Skip("a query for WMI: the host is not asked")}})
	}
	return all
}

func keysOf(s *Source) []string {
	keys := slices.Clone(s.Keys)
	for _, v := range s.Values {
		if !slices.Contains(keys, v.Key) {
			keys = append(keys, v.Key)
		}
	}
	return keys
}

func (f *Finder) expandKey(kind Type, key string) (all []Pattern) {
	if f.system != Windows {
		return []Pattern{{Text: key, Type: kind, Err: evidence.Skip("%s has no registry", orUnknown(f.system))}}
	}
	hives, err := HivesOf(key)
	if err != nil {
		return []Pattern{{Text: key, Type: kind, Err: err}}
	}
	for _, hive := range hives {
		all = append(all, f.expandPath(kind, `\`, hive)...)
	}
	return all
}

// expandPath puts values for variables: all that the environment has, and for
// %%users.…%% those of one user at a time.
func (f *Finder) expandPath(kind Type, separator, path string) []Pattern {
	pieces, names := cutVariables(path)
	sets := []values{f.environ}
	if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "users.") }) {
		sets = nil
		for _, u := range f.users {
			sets = append(sets, u.values)
		}
	}
	var all []Pattern
	missing := ""
	for _, set := range sets {
		some, without := f.fill(kind, separator, pieces, set)
		if without != "" {
			missing = without
		}
		if len(all)+len(some) > maxPatterns {
			cut := Pattern{Text: path, Type: kind, Err: evidence.Cut("more than %d users and values: the rest is not looked for", maxPatterns)}
			return append(all, cut)
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		if missing == "" && len(names) > 0 {
			missing = names[0]
		}
		return []Pattern{{Text: path, Type: kind, Err: evidence.Skip("%%%%%s%%%% has no value on this host", missing)}}
	}
	return all
}

// cutVariables cuts a path at its variables. The pieces at odd places are names of
// variables, in lower case.
func cutVariables(path string) (pieces, names []string) {
	pieces = strings.Split(path, "%%")
	if len(pieces)%2 == 0 { // the last %% has no partner: it stands for itself
		n := len(pieces)
		pieces = append(pieces[:n-2:n-2], pieces[n-2]+"%%"+pieces[n-1])
	}
	for i := 1; i < len(pieces); i += 2 {
		pieces[i] = strings.ToLower(pieces[i])
		names = append(names, pieces[i])
	}
	return pieces, names
}

// fill makes the patterns of one set of values; without is a variable that has none.
func (f *Finder) fill(kind Type, separator string, pieces []string, set values) (all []Pattern, without string) {
	ways := [][]piece{nil}
	for i, text := range pieces {
		options := []piece{{text: text}}
		if i%2 == 1 {
			if options = set.of(text); options == nil {
				options = f.environ.of(text)
			}
			if len(options) == 0 {
				return nil, text
			}
		}
		var longer [][]piece
		for _, way := range ways {
			for _, o := range options {
				if len(longer) < 64 {
					longer = append(longer, append(slices.Clone(way), o))
				}
			}
		}
		ways = longer
	}
	for _, way := range ways {
		for _, whole := range f.onDrives(way) {
			all = append(all, compile(kind, separator, f.system, whole))
		}
	}
	return all, ""
}

// onDrives puts a drive before a path that has none, on a live Windows: each of its
// fixed volumes, for many artefacts lie on every one, or where somebody put them.
func (f *Finder) onDrives(way []piece) [][]piece {
	if f.drives == nil {
		return [][]piece{way}
	}
	text := ""
	for _, p := range way {
		text += p.text
		if len(text) > 3 {
			break
		}
	}
	text = strings.ReplaceAll(text, `\`, "/")
	if winfile.HasDrive(text[:min(len(text), 3)]) {
		return [][]piece{way}
	}
	if first := way[0].text; len(first) > 1 && winfile.HasDrive("/"+first[:2]) { // C:\x, written out
		drive := piece{text: winfile.HostName(first[:2]), value: true}
		return [][]piece{append([]piece{drive, {text: first[2:]}}, way[1:]...)}
	}
	var all [][]piece
	for _, drive := range f.drives {
		all = append(all, append([]piece{{text: drive, value: true}, {text: "/"}}, way...))
	}
	return all
}
