package definitions

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hozen/collector/disk/artifact"
)

// folders has the systems by the folders of their definitions.
func folders() map[string]artifact.System {
	return map[string]artifact.System{"linux": artifact.Linux, "windows": artifact.Windows, "macos": artifact.Darwin}
}

func load(t testing.TB) ([]artifact.Definition, *artifact.Set) {
	t.Helper()
	all, err := artifact.Load("", FS())
	if err != nil {
		t.Fatal(err)
	}
	set, err := artifact.NewSet(all)
	if err != nil {
		t.Fatal(err)
	}
	return all, set
}

// lines reads a file of testdata without its comments.
func lines(t testing.TB, name string) (all []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			all = append(all, line)
		}
	}
	return all
}

// TestStyle holds what STYLE.md says of each definition.
func TestStyle(t *testing.T) {
	all, _ := load(t)
	taken := map[string]bool{}
	for _, name := range lines(t, "published.txt") {
		taken[strings.ToLower(name)] = true
	}
	for _, d := range all {
		say := func(format string, a ...any) {
			t.Helper()
			t.Errorf("%s: %s: %s", d.Where(), d.Name, fmt.Sprintf(format, a...))
		}
		for _, s := range artifact.Lint(d) {
			say("%s", s)
		}
		system := folders()[path.Base(path.Dir(d.FileName))]
		if len(d.SupportedOS) != 1 || d.SupportedOS[0] != system {
			say("supported_os is %v in a folder of %s", d.SupportedOS, system)
		}
		if taken[strings.ToLower(d.Name)] || len(d.Aliases) > 0 {
			say("the published set has this name, or it has aliases")
		}
		if inProfiles := path.Base(d.FileName) == "profiles.yaml"; inProfiles != strings.HasPrefix(d.Name, "Hozen") {
			say("profiles and nothing else begin with Hozen")
		}
		if n := len(strings.TrimSpace(d.Doc)); n < 30 || n > 300 {
			say("doc has %d characters: one or two sentences", n)
		}
		for _, s := range d.Sources {
			checkSource(s, path.Base(d.FileName) == "profiles.yaml", say)
		}
	}
}

// checkSource holds the rules for the places of a definition.
func checkSource(s artifact.Source, profile bool, say func(string, ...any)) {
	if profile != (s.Type == artifact.Group) || !profile && s.Type != artifact.File && s.Type != artifact.Path {
		say("a source of type %s", s.Type)
	}
	separator := "/"
	if s.Separator != "" {
		separator = s.Separator
	}
	database := regexp.MustCompile(`\.(db|sqlite|sqlite3|vscdb)$`)
	hive := regexp.MustCompile(`(?i)\\(SYSTEM|SOFTWARE|SAM|SECURITY|DEFAULT|NTUSER\.DAT|UsrClass\.dat|Amcache\.hve|BCD)$`)
	for _, p := range s.Paths {
		for _, part := range strings.Split(p, separator) {
			if part == "**" {
				say("%s: ** without a number", p)
			}
		}
		if s.Type != artifact.File {
			continue
		}
		if base := p[strings.LastIndex(p, separator)+1:]; database.MatchString(base) && !strings.HasPrefix(base, "*") &&
			!slices.Contains(s.Paths, p+"-*") && !notSQLite(base) {
			say("%s without %s-*", p, p)
		}
		if hive.MatchString(p) && !slices.Contains(s.Paths, p+".LOG*") {
			say("%s without %s.LOG*", p, p)
		}
	}
}

// notSQLite names what ends like a data base of SQLite and is none: Berkeley DB,
// BoltDB, ESE, NSS, indexes of locate, pictures.
func notSQLite(base string) bool {
	return slices.Contains([]string{"cert9.db", "key4.db", "key3.db", "Packages.db", "bolt_state.db", "meta.db",
		"metadata.db", "local-kv.db", "mlocate.db", "plocate.db", "thumbcache_*.db", "iconcache_*.db", "IconCache.db", "qmgr.db"}, base)
}

// TestFiles holds that there is nothing beside the themes, and that they stay short.
func TestFiles(t *testing.T) {
	err := fs.WalkDir(FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(FS(), name)
		if err != nil {
			return err
		}
		if n := strings.Count(string(b), "\n"); n >= 400 {
			t.Errorf("%s has %d lines", name, n)
		}
		if !strings.HasPrefix(string(b), "# ") {
			t.Errorf("%s does not begin with a comment that says what it is", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestProfiles holds that every definition is in exactly one group, except the
// secrets, which are in none.
func TestProfiles(t *testing.T) {
	byName := []string{"SshHostPrivateKeys", "SshUserPrivateKeys", "ChromiumFamilyPasswordStores", "FirefoxFamilyPasswordStores",
		"MemoryImageFiles", "BrowserPasswordStoresOnWindows", "CredentialVaultFiles", "SshPrivateKeysOnWindows",
		"KeychainFiles", "BrowserPasswordStoresOnMac", "SshPrivateKeysOnMac", "SleepImageFiles"}
	all, set := load(t)
	in := map[string]int{}
	for _, d := range all {
		for _, s := range d.Sources {
			for _, name := range s.Names {
				in[name]++
			}
		}
	}
	for _, d := range all {
		want := 1
		if slices.Contains(byName, d.Name) || strings.HasPrefix(d.Name, "Hozen") && strings.HasSuffix(d.Name, "Full") {
			want = 0
		}
		if in[d.Name] != want {
			t.Errorf("%s is in %d groups, not %d", d.Name, in[d.Name], want)
		}
	}
	for _, system := range folders() {
		last := 0
		for _, profile := range []string{Triage, Standard, Full} {
			chosen, err := set.Resolve(system, Profile(string(system), profile))
			if err != nil || len(chosen) <= last {
				t.Errorf("%s, %s: %d definitions (%d in the one before), %v", system, profile, len(chosen), last, err)
			}
			last = len(chosen)
		}
	}
	if Profile("ESXi", Full) != "" || Profile("Linux", "some") != "" {
		t.Error("a profile for nothing")
	}
}
