package integrity

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
)

// rpmRoot plants the package of rpmdb/testdata, with its files as they were installed.
func rpmRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	b := hosttest.Unzip(t, "rpmdb/testdata/rpmdb.sqlite.gz")
	write(t, root, "/var/lib/rpm/rpmdb.sqlite", string(b))
	write(t, root, "/usr/bin/prog", "prog\n")
	write(t, root, "/etc/tiny.conf", "conf\n")
	write(t, root, "/usr/share/doc/tiny", "doc\n")
	if err := os.Symlink("prog", filepath.Join(root, "/usr/bin/link")); err != nil {
		t.Skip("only on systems with symbolic links")
	}
	if err := os.Chmod(filepath.Join(root, "/usr/bin/prog"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// rpmSays are the findings of our rows in the words of rpm --verify: missing, 5 (digest),
// M (mode or type), L (link), U (owner).
func rpmSays(rows []Row) (out []string) {
	for _, r := range rows {
		word := map[string]string{"missing": "missing", "changed": "5", "conffile_changed": "5", "mode": "M", "replaced": "M", "link": "L", "owner": "U"}[r.Kind]
		if word != "" && r.Manager == "rpm" {
			out = append(out, word+" "+string(r.Path))
		}
	}
	slices.Sort(out)
	return out
}

func TestRPMRoot(t *testing.T) {
	root := rpmRoot(t)
	break1 := func() {
		write(t, root, "/usr/bin/prog", "evil\n")
		if err := os.Chmod(filepath.Join(root, "/usr/bin/prog"), 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, root, "/etc/tiny.conf", "edited\n")
		if err := os.Remove(filepath.Join(root, "/usr/share/doc/tiny")); err != nil {
			t.Fatal(err)
		}
	}
	_, rows := integrityRows(t, &collector.Host{Root: root}, Options{})
	if says := rpmSays(rows); os.Getuid() == 0 && len(says) > 0 {
		t.Errorf("as installed: %v", says)
	}
	break1()
	s, rows := integrityRows(t, &collector.Host{Root: root}, Options{})
	got := slices.DeleteFunc(rpmSays(rows), func(s string) bool { return os.Getuid() != 0 && s[0] == 'U' })
	want := []string{"5 /etc/tiny.conf", "5 /usr/bin/prog", "M /usr/bin/prog", "missing /usr/share/doc/tiny"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if r, ok := s.Record("disk/integrity/rpm/rpmdb.sqlite"); !ok || r.Size < 100_000 {
		t.Errorf("%+v", r)
	}
	if os.Getuid() != 0 {
		return
	}
	rpm, err := exec.LookPath("rpm")
	if err != nil {
		t.Skip("no rpm here")
	}
	out, _ := exec.Command(rpm, "-Va", "--root", root, "--dbpath", "/var/lib/rpm").Output() // exit 1 where something differs
	var judge []string
	for line := range strings.Lines(string(out)) {
		flags, name := strings.Fields(line)[0], strings.TrimSpace(line[strings.IndexByte(line, '/'):])
		if flags == "missing" {
			judge = append(judge, "missing "+name)
			continue
		}
		for _, f := range "5MLU" {
			if strings.ContainsRune(flags, f) {
				judge = append(judge, string(f)+" "+name)
			}
		}
	}
	slices.Sort(judge)
	if !slices.Equal(got, judge) {
		t.Errorf("we say %v, rpm says %v:\n%s", got, judge, out)
	}
}
