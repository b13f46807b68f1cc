package collector_test

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hozen/collector"
	"hozen/packager/evidence"
)

// imageFiles is a file system of a test: the contents by name; "-> x" is a link to
// x, "" a directory.
type imageFiles map[string]string

func (f imageFiles) Lstat(name string) (*evidence.FileMeta, error) {
	text, ok := f[name]
	target, link := strings.CutPrefix(text, "-> ")
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case link:
		return &evidence.FileMeta{Mode: evidence.ModeSymlink | 0o777, LinkTarget: target}, nil
	case text == "":
		return &evidence.FileMeta{Mode: evidence.ModeDir | 0o755}, nil
	}
	return &evidence.FileMeta{Mode: evidence.ModeRegular | 0o644, Size: int64(len(text))}, nil
}

func (f imageFiles) Names(dir string) (out []string, err error) {
	for name := range f {
		if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(dir, "/")+"/"); ok && rest != "" && !strings.Contains(rest, "/") {
			out = append(out, rest)
		}
	}
	slices.Sort(out)
	return out, nil
}

type opened struct{ *bytes.Reader }

func (opened) Close() error { return nil }

func (f imageFiles) Open(name string) (collector.Reader, error) {
	return opened{bytes.NewReader([]byte(f[name]))}, nil
}

func TestHostOfAnImage(t *testing.T) {
	h := &collector.Host{Image: imageFiles{
		"/": "", "/etc": "", "/etc/passwd": "root", "/etc/os-release": "-> ../usr/lib/os-release",
		"/usr": "", "/usr/lib": "", "/usr/lib/os-release": "ID=debian", "/bin": "-> usr/lib", "/abs": "-> /etc/passwd",
		"/loop": "-> loop", "/up": "-> ../../../etc", "/dead": "-> nowhere",
	}}
	for name, want := range map[string]string{"/etc/passwd": "root", "/bin/os-release": "ID=debian", "/up/passwd": "root", "/etc/../etc/./passwd": "root"} {
		if b, err := h.ReadFile(name, 99); string(b) != want || err != nil {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	var b bytes.Buffer
	if err := h.CopyFollow(&b, "/etc/os-release", 99); b.String() != "ID=debian" || err != nil {
		t.Errorf("%q, %v", b.String(), err)
	}
	var other *collector.NotRegularError
	if err := h.Copy(&b, "/abs", 99); !errors.As(err, &other) {
		t.Errorf("a link as the last component: %v", err)
	}
	for name, want := range map[string]error{"/loop": syscall.ELOOP, "/dead": fs.ErrNotExist, "/etc/passwd/x": syscall.ENOTDIR, "/none": fs.ErrNotExist} {
		if _, err := h.Stat(name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if m, err := h.Lstat("/dead"); err != nil || m.LinkTarget != "nowhere" {
		t.Errorf("%+v, %v", m, err)
	}
	if names, err := h.Names("/up"); err != nil || !slices.Equal(names, []string{"os-release", "passwd"}) {
		t.Errorf("%q, %v", names, err)
	}
	if target, err := h.Readlink("/abs"); err != nil || target != "/etc/passwd" {
		t.Errorf("%q, %v", target, err)
	}
	if _, err := h.Readlink("/etc"); err == nil {
		t.Error("a directory is no link")
	}
	if _, err := h.Open("/etc/passwd"); err == nil {
		t.Error("the kernel cannot open what is in an image")
	}
}
