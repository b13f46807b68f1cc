package definitions

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/disk/artifact"
)

// TestGroundTruth makes the paths of testdata/<system>.tsv in a folder and lets the
// definitions find them: each by its own.
func TestGroundTruth(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("only on systems whose file names may hold colons")
	}
	_, set := load(t)
	for folder, system := range folders() {
		t.Run(folder, func(t *testing.T) {
			truth := lines(t, folder+".tsv")
			finder := artifact.NewFinder(machine(t, truth, system), system)
			if err := finder.Problems(); err != nil {
				t.Fatal(err)
			}
			examples := map[string][]string{}
			for _, line := range truth {
				name, at, _ := strings.Cut(line, "\t")
				if set.Get(name) == nil || at == "" {
					t.Errorf("%q: no such definition, or no path", line)
				}
				examples[name] = append(examples[name], onDisk(at))
			}
			for _, d := range set.Definitions() {
				if d.For(system) && !strings.HasPrefix(d.Name, "Hozen") {
					checkExamples(t, finder, d, examples[d.Name])
				}
			}
		})
	}
}

// TestListedPlaces makes every place of testdata/places.tsv and holds that the
// profile "full" notes it at least.
func TestListedPlaces(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("only on systems whose file names may hold colons")
	}
	_, set := load(t)
	for _, system := range folders() {
		var truth []string
		for _, line := range lines(t, "places.tsv") {
			if fields := strings.Split(line, "\t"); fields[1] == string(system) {
				truth = append(truth, fields[0]+"\t"+fields[2])
			}
		}
		finder := artifact.NewFinder(machine(t, truth, system), system)
		chosen, err := set.Resolve(system, Profile(string(system), Full))
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, c := range chosen {
			for at := range find(t, finder, c.Definition) {
				found[at] = true
			}
		}
		for _, line := range truth {
			if entry, at, _ := strings.Cut(line, "\t"); !found[onDisk(at)] {
				t.Errorf("%s: nothing for %s finds %s", entry, system, at)
			}
		}
	}
}

// find gives all that a definition names.
func find(t *testing.T, finder *artifact.Finder, d *artifact.Definition) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, s := range d.Sources {
		for _, p := range finder.Expand(s) {
			err := finder.Find(t.Context(), p, func(m artifact.Match) bool {
				found[m.Path] = true
				return true
			})
			if err != nil {
				t.Errorf("%s: %s: %v", d.Name, p.Text, err)
			}
		}
	}
	return found
}

func checkExamples(t *testing.T, finder *artifact.Finder, d *artifact.Definition, examples []string) {
	found := find(t, finder, d)
	if len(examples) == 0 {
		t.Errorf("%s: no example in testdata", d.Name)
	}
	for _, e := range examples {
		if !found[e] {
			t.Errorf("%s does not find %s", d.Name, e)
		}
	}
}

// onDisk is a path of testdata as it lies in the folder: / between components, no drive.
func onDisk(at string) string {
	if rest, ok := strings.CutPrefix(at, `C:\`); ok {
		return "/" + strings.ReplaceAll(rest, `\`, "/")
	}
	return at
}

// machine makes a host of a system in which the paths lie, with its users. Parents
// are made before children, so that what is a parent is a folder.
func machine(t *testing.T, truth []string, system artifact.System) *collector.Host {
	t.Helper()
	root := t.TempDir()
	var paths []string
	for _, line := range truth {
		_, at, _ := strings.Cut(line, "\t")
		paths = append(paths, onDisk(at))
	}
	slices.SortFunc(paths, func(a, b string) int { return len(b) - len(a) })
	if system != artifact.Windows {
		put(t, root, "/etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\npostgres:x:1:1::/var/lib/postgresql:/bin/sh\n")
	}
	for _, at := range append(paths, "/home/alice/x", "/Users/alice/x", "/Windows/System32/x", "/Program Files/x", "/Program Files (x86)/x", "/ProgramData/x") {
		if _, err := os.Lstat(filepath.Join(root, at)); err != nil {
			put(t, root, at, at)
		}
	}
	return &collector.Host{Root: root, Now: func() time.Time { return time.Unix(0, 0).UTC() }}
}

func put(t *testing.T, root, at, body string) {
	t.Helper()
	name := filepath.Join(root, at)
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(body), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestSecretsAreLeft makes the files that are only taken if asked for by name, and
// holds that no profile takes their contents.
func TestSecretsAreLeft(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("only on systems whose file names may hold colons")
	}
	_, set := load(t)
	for _, system := range folders() {
		var secrets []string
		for _, line := range lines(t, "secrets.tsv") {
			if fields := strings.Split(line, "\t"); fields[0] == string(system) {
				secrets = append(secrets, line)
			}
		}
		finder := artifact.NewFinder(machine(t, secrets, system), system)
		chosen, err := set.Resolve(system, Profile(string(system), Full))
		if err != nil || len(secrets) == 0 {
			t.Fatal(len(secrets), err)
		}
		for _, c := range chosen {
			contents := *c.Definition
			contents.Sources = slices.DeleteFunc(slices.Clone(c.Sources), func(s artifact.Source) bool { return s.Type != artifact.File })
			found := find(t, finder, &contents)
			for _, line := range secrets {
				if _, at, _ := strings.Cut(line, "\t"); found[onDisk(at)] {
					t.Errorf("%s takes %s", c.Name, at)
				}
			}
		}
	}
}
