package integrity

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// A dpkgRoot makes a machine with one package in a directory.
type dpkgRoot struct {
	t    *testing.T
	root string
	list []string
	sums []string
}

func (d *dpkgRoot) file(name, body string, mode os.FileMode) {
	d.t.Helper()
	write(d.t, d.root, name, body)
	if err := os.Chmod(filepath.Join(d.root, name), mode); err != nil {
		d.t.Fatal(err)
	}
}

// owns adds a file of the package as it was installed, whatever is there.
func (d *dpkgRoot) owns(name, body string) {
	d.list = append(d.list, name)
	d.sums = append(d.sums, fmt.Sprintf("%x  %s", md5.Sum([]byte(body)), name[1:]))
}

func (d *dpkgRoot) finish(conffiles string) *collector.Host {
	info := "/var/lib/dpkg/info/pkg"
	write(d.t, d.root, info+".list", "/.\n"+strings.Join(d.list, "\n")+"\n")
	write(d.t, d.root, info+".md5sums", strings.Join(d.sums, "\n")+"\n")
	write(d.t, d.root, "/var/lib/dpkg/status", "Package: pkg\nStatus: install ok installed\nVersion: 1-1\nArchitecture: amd64\n"+conffiles)
	return &collector.Host{Root: d.root}
}

func TestDpkgRoot(t *testing.T) {
	d := &dpkgRoot{t: t, root: t.TempDir()}
	d.file("/usr/bin/good", "good", 0o755)
	d.owns("/bin/good", "good") // as the package has it, before /usr was merged
	d.file("/usr/bin/changed", "evil", 0o755)
	d.owns("/usr/bin/changed", "good")
	d.file("/usr/share/data", "other", 0o644)
	d.owns("/usr/share/data", "data")
	d.owns("/usr/bin/missing", "x")
	d.file("/etc/conf", "edited", 0o644)
	d.list = append(d.list, "/etc/conf", "/usr/share/none")
	d.file("/usr/bin/evil", "\x7fELF evil", 0o755)
	d.file("/usr/lib/quiet.dat", "\x7fELF hidden by its mode", 0o644)
	d.file("/usr/lib/.hidden/x", "#!/bin/sh\n", 0o755)
	d.file("/usr/local/bin/tool", "#!/bin/sh\n", 0o755)
	d.file("/usr/share/text", "nothing", 0o644)
	if err := os.Symlink("usr/bin", filepath.Join(d.root, "bin")); err != nil {
		t.Skip("only on systems with symbolic links")
	}
	if err := os.Symlink("/usr/bin/evil", filepath.Join(d.root, "/usr/bin/link")); err != nil {
		t.Fatal(err)
	}
	d.owns("/usr/bin/link", "real")
	h := d.finish(fmt.Sprintf("Conffiles:\n /etc/conf %x\n", md5.Sum([]byte("as shipped"))))
	newer := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(d.root, "/var/lib/dpkg/info/pkg.md5sums"), newer, newer); err != nil {
		t.Fatal(err)
	}
	s, rows := integrityRows(t, h, Options{})
	got := map[string]Row{}
	for _, r := range rows {
		got[r.Kind+" "+string(r.Path)+" "+r.Level] = r
	}
	want := []string{
		"changed /usr/bin/changed high", "changed /usr/share/data medium", "missing /usr/bin/missing medium", "missing /usr/share/none low",
		"conffile_changed /etc/conf low", "replaced /usr/bin/link medium", "unowned /usr/bin/evil medium", "unowned /usr/lib/quiet.dat medium",
		"unowned /usr/lib/.hidden/x medium", "unowned /usr/local/bin/tool low", "database /var/lib/dpkg/info/pkg.md5sums medium",
	}
	for _, w := range want {
		if _, ok := got[w]; !ok {
			t.Errorf("no row %q", w)
		}
		delete(got, w)
	}
	for w := range got {
		t.Errorf("row %q", w)
	}
	for _, r := range rows {
		if r.Kind == "changed" && (r.Package != "pkg" || r.Version != "1-1" || r.Expected == r.Found || len(r.SHA256) != 64 || r.Installed == "" || r.Mtime == "") {
			t.Errorf("%+v", r)
		}
	}
	for _, path := range []string{"disk/integrity/dpkg/status", "disk/integrity/dpkg/info.txt", "disk/integrity.jsonl"} {
		if r, ok := s.Record(path); !ok || r.Outcome != evidence.Collected || r.Size == 0 {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

func TestConforms(t *testing.T) {
	d := &dpkgRoot{t: t, root: t.TempDir()}
	for i := range 50 {
		name := fmt.Sprintf("/usr/bin/p%d", i)
		d.file(name, fmt.Sprint(i%2), 0o755)
		d.owns(name, "1")
	}
	hosttest.Conform(t, Collector(Options{}), d.finish(""))
}

func TestNoDatabase(t *testing.T) {
	s, rows := integrityRows(t, &collector.Host{Root: t.TempDir()}, Options{})
	if r, _ := s.Record("disk/integrity.jsonl"); len(rows) != 0 || r.Outcome != evidence.Absent {
		t.Errorf("%+v", r)
	}
}

// The text of apk and pacman leads to the same rows.
// TestHugeHole: a file that was made long is said, and does not hold up the others.
func TestHugeHole(t *testing.T) {
	d := &dpkgRoot{t: t, root: t.TempDir()}
	d.file("/usr/bin/huge", "", 0o755)
	if err := os.Truncate(filepath.Join(d.root, "/usr/bin/huge"), 2<<40); err != nil {
		t.Skip("only on systems with large files: " + err.Error())
	}
	d.owns("/usr/bin/huge", "other")
	d.file("/usr/bin/x", "evil", 0o755)
	d.owns("/usr/bin/x", "good")
	s, rows := integrityRows(t, d.finish(""), Options{Time: time.Minute})
	rec, _ := s.Record("disk/integrity.jsonl")
	if len(rows) != 2 || rows[0].Kind != "unreadable" || rows[1].Kind != "changed" || !rec.Shortfall {
		t.Errorf("%v %+v", rec, rows)
	}
}

func TestAPKRoot(t *testing.T) {
	root := t.TempDir()
	write(t, root, "/bin/busybox", "other")
	if err := os.Chmod(filepath.Join(root, "/bin/busybox"), 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	write(t, root, "/lib/apk/db/installed", "P:busybox\nV:1\nF:bin\nR:busybox\na:0:0:755\nZ:Q1qUqP5cyxm6YcTAhz05Hph5gvu9M=\nR:gone\nZ:Q1qUqP5cyxm6YcTAhz05Hph5gvu9M=\n")
	_, rows := integrityRows(t, &collector.Host{Root: root}, Options{})
	kinds := map[string]bool{}
	for _, r := range rows {
		kinds[r.Kind+" "+string(r.Path)+" "+r.Level] = true
	}
	for _, want := range []string{"changed /bin/busybox high", "mode /bin/busybox high", "missing /bin/gone medium"} {
		if !kinds[want] {
			t.Errorf("no row %q in %v", want, kinds)
		}
	}
}

// TestPacmanListThatIsTooLong: what stands after the limit is not compared, and that is said.
func TestPacmanListThatIsTooLong(t *testing.T) {
	for _, c := range []struct {
		over int
		want string
	}{{0, "changed /usr/bin/early, changed /usr/bin/late"}, {maxInfo, "changed /usr/bin/early, unowned /usr/bin/late"}} {
		root, dir := t.TempDir(), pacmanDir+"/pkg-1"
		sum := fmt.Sprintf(" type=file md5digest=%x\n", md5.Sum([]byte("good")))
		write(t, root, "/usr/bin/early", "\x7fELF evil")
		write(t, root, "/usr/bin/late", "\x7fELF evil")
		write(t, root, dir+"/desc", "%NAME%\npkg\n\n%VERSION%\n1\n")
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		fmt.Fprintf(z, "#mtree\n./usr/bin/early%s#%s\n./usr/bin/late%s", sum, strings.Repeat("x", c.over), sum)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, root, dir+"/mtree", packed.String())
		s, rows := integrityRows(t, &collector.Host{Root: root}, Options{})
		var got []string
		for _, r := range rows {
			got = append(got, r.Kind+" "+string(r.Path))
		}
		slices.Sort(got)
		rec, _ := s.Record("disk/integrity.jsonl")
		if strings.Join(got, ", ") != c.want || rec.Shortfall != (c.over > 0) || rec.Shortfall && !strings.Contains(rec.Note, dir+"/mtree: more than") {
			t.Errorf("%d bytes more: %q, %+v", c.over, got, rec)
		}
	}
}

func TestHostileLinks(t *testing.T) {
	root := t.TempDir()
	if err := os.Symlink("a/a", filepath.Join(root, "a")); err != nil {
		t.Skip("only on systems with symbolic links")
	}
	for i := range 30 {
		if err := os.Symlink(fmt.Sprintf("/l%d/l%d", i+1, i+1), filepath.Join(root, fmt.Sprintf("l%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	l := newLinks(&collector.Host{Root: root})
	for _, name := range []string{"/a/b", "/l0/x", strings.Repeat("/a", 500)} {
		if got := l.file(name); got == "" {
			t.Errorf("%q", name)
		}
	}
}
