package integrity

import (
	"bytes"
	"hash/maphash"
	"io"
	"path"
	"regexp"
	"strings"
	"sync"

	"hozen/collector/disk/integrity/packages"
	"hozen/collector/disk/walk"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// systemDirs are where the system's programs lie.
var systemDirs = [...]string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/boot", "/opt"}

// Bounds of the search for programs that belong to no package.
const (
	maxUnowned     = 200_000
	maxUnownedHash = 512 << 20 // larger ones are not hashed
)

// unowned finds programs (executable by mode, or ELF by their first bytes) in the
// system's directories that no package owns.
func (c *checker) unowned(list []packages.Package, tally *evidence.Tally) (rows []Row) {
	seed, names := maphash.MakeSeed(), newLinks(c.host)
	owned := map[uint64]struct{}{}
	for i := range list {
		for k := range list[i].Files {
			owned[maphash.String(seed, names.file(list[i].Files[k].Path))] = struct{}{}
		}
	}
	var mu sync.Mutex
	cut := 0
	var there []string
	for _, dir := range systemDirs {
		if _, err := c.host.Lstat(dir); err == nil {
			there = append(there, dir)
		}
	}
	roots := treeRoots(c.walked, there, tally)
	report, err := walk.Walk(c.ctx, c.walked, walk.Options{Roots: roots}, func(_ int, e *walk.Entry) error {
		if e.Err != nil || !e.Known || !e.Meta.Regular() || e.Covered {
			return nil
		}
		if _, ok := owned[maphash.Bytes(seed, e.Path)]; ok {
			return nil
		}
		r, ok := c.candidate(e)
		if !ok {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if len(rows) >= maxUnowned {
			cut++
			return nil
		}
		rows = append(rows, r)
		return nil
	})
	if err != nil && c.ctx.Err() == nil {
		tally.Add("walk", err)
	}
	for _, r := range report.Roots {
		if err == nil {
			tally.Add(r.Path, r.Err)
		}
	}
	if cut > 0 {
		tally.Add("unowned", evidence.Cut("%d more programs that belong to no package", cut))
	}
	return rows
}

// candidate looks into a file that nobody owns.
func (c *checker) candidate(e *walk.Entry) (Row, bool) {
	m := &e.Meta
	r := Row{Kind: "unowned", Level: "medium", Path: jsonl.Text(e.Path), Size: m.Size, Mode: octal(m.Mode),
		Mtime: stamp(m.Mtime), Ctime: stamp(m.Ctime), Btime: stamp(m.Btime)}
	f, err := e.Open()
	if err != nil {
		if m.Mode&0o111 == 0 {
			return r, false
		}
		_, r.Note, _ = evidence.Classify(err, 0)
		return r, true
	}
	defer f.Close()
	head := make([]byte, 4)
	n, _ := io.ReadFull(f, head)
	r.ELF = string(head[:n]) == "\x7fELF"
	if !r.ELF && m.Mode&0o111 == 0 {
		return r, false
	}
	r.Explained = explain(string(r.Path))
	switch {
	case m.Mode&0o6000 != 0:
		r.Level = "high"
	case bytes.Contains(e.Path, []byte("/.")):
		// A hidden name where programs of the system lie is never explained.
	case r.Explained != "":
		r.Level = "low"
	}
	if m.Size <= maxUnownedHash {
		c.sumsOf(&r, io.MultiReader(bytes.NewReader(head[:n]), f), m.Size)
	}
	return r, true
}

// program says whether a file of a package is run or loaded.
func program(name string, mode uint32) bool {
	dir, base := path.Dir(name), path.Base(name)
	return mode&0o111 != 0 && mode&evidence.ModeType != evidence.ModeDir || strings.HasSuffix(dir, "bin") || strings.HasSuffix(base, ".so") ||
		strings.Contains(base, ".so.") || strings.HasSuffix(base, ".ko") || strings.Contains(base, ".ko.")
}

// explanations are known benign reasons, by the beginning or a part of the path.
var explanations = [...]struct {
	path *regexp.Regexp
	why  string
}{
	{regexp.MustCompile(`^/usr/local/`), "software that was installed by hand"},
	{regexp.MustCompile(`^/opt/`), "software that was installed by hand or by its own installer"},
	{regexp.MustCompile(`/__pycache__/[^/]*\.pyc$`), "Python keeps compiled modules there"},
	{regexp.MustCompile(`/node_modules/`), "npm installs and replaces files itself"},
	{regexp.MustCompile(`^/usr/lib/python[0-9.]*/(site|dist)-packages/`), "pip installs files itself"},
	{regexp.MustCompile(`^(/usr)?/lib/modules/[^/]+/(updates|extra|weak-updates)/`), "a kernel module that was built on this machine (DKMS)"},
	{regexp.MustCompile(`^/boot/(initrd|initramfs|grub)`), "made by the tools of the boot loader"},
	{regexp.MustCompile(`^/usr/share/(doc|man|locale|info|gnome/help|lintian|linda)/`), "documentation, which small systems leave out"},
	{regexp.MustCompile(`^/usr/(lib|share)/(google-cloud-sdk|mime|icons|fonts|glib-2.0/schemas)/`), "made by triggers or by its own updater"},
	{regexp.MustCompile(`^/usr/lib/(ghc|gconv|locale|gdk-pixbuf|x86_64-linux-gnu/(gconv|gdk-pixbuf|gtk|gio))`), "a cache that triggers make"},
}

func explain(name string) string {
	for _, e := range explanations {
		if e.path.MatchString(name) {
			return e.why
		}
	}
	return ""
}
