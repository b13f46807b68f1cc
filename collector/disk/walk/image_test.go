package walk

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/packager/evidence"
)

// fakeImage is the file system of an image: names of files, directories end in /.
type fakeImage struct {
	names []string
	loop  bool // every directory has one called "again", which is the root
}

func (f *fakeImage) Lstat(name string) (*evidence.FileMeta, error) {
	if name == "/" || f.loop && path.Base(name) == "again" {
		return &evidence.FileMeta{Mode: evidence.ModeDir | 0o755, Dev: 1, Inode: 2}, nil
	}
	for i, n := range f.names {
		m := &evidence.FileMeta{Mode: evidence.ModeRegular | 0o644, Size: int64(len(n)), Dev: 1, Inode: uint64(i) + 10, Mtime: time.Unix(1e9, 5)}
		if strings.HasSuffix(n, "/") {
			m.Mode = evidence.ModeDir | 0o755
		}
		if strings.TrimSuffix(n, "/") == name {
			return m, nil
		}
	}
	return nil, fs.ErrNotExist
}

func (f *fakeImage) Names(dir string) (out []string, err error) {
	for _, n := range f.names {
		n = strings.TrimSuffix(n, "/")
		if at := strings.LastIndexByte(n, '/'); n[:max(at, 1)] == dir {
			out = append(out, n[at+1:])
		}
	}
	if f.loop {
		out = append(out, "again", "a/b", "", ".", "..", "nul\x00", "gone")
	}
	if dir == "/bad" {
		err = fmt.Errorf("damaged")
	}
	return out, err
}

func (f *fakeImage) Open(name string) (collector.Reader, error) {
	return struct {
		*strings.Reader
		io.Closer
	}{strings.NewReader(name), io.NopCloser(nil)}, nil
}

func TestWalkOfImage(t *testing.T) {
	h := &collector.Host{Root: "/", Image: &fakeImage{names: []string{"/etc/", "/etc/hosts", "/bad/", "/bad/x", "/a\xff"}}}
	mounts, err := LocalMounts(h, false)
	must(t, err)
	all, report := walkAll(t, h, Options{Roots: RootsOf(mounts)})
	for _, p := range []string{"/", "/etc", "/etc/hosts", "/bad/x", "/a\xff"} {
		if v, ok := all[p]; !ok || !v.known || v.err != nil {
			t.Errorf("%q: %+v", p, v)
		}
	}
	if v := all["/bad"]; v.err == nil || report.Roots[0].Errors != 1 || len(all) != 6 {
		t.Errorf("%+v, %+v", v, report)
	}
	if m := all["/etc/hosts"].meta; m.Size != 10 || !m.Mtime.Set || m.Btime.Set || m.Mtime.Nsec != 5 {
		t.Errorf("%+v", m)
	}
}

// A damaged image may have directories within themselves, and names that none can have.
func TestWalkOfImageThatLies(t *testing.T) {
	h := &collector.Host{Root: "/", Image: &fakeImage{names: []string{"/d/"}, loop: true}}
	all, report := walkAll(t, h, Options{Roots: []Root{{Path: "/"}}})
	if v := all["/again"]; v.err == nil || len(all) > 12 || report.Roots[0].Err != nil {
		t.Errorf("%+v, %d entries, %+v", v, len(all), report)
	}
}

// Contents of a file in an image are read through the image.
func TestOpenInImage(t *testing.T) {
	h := &collector.Host{Root: "/", Image: &fakeImage{names: []string{"/f"}}}
	_, err := Walk(t.Context(), h, Options{Roots: []Root{{Path: "/"}}}, func(_ int, e *Entry) error {
		r, err := e.Open()
		if e.Meta.Regular() != (err == nil) {
			t.Errorf("%s: %v", e.Path, err)
		}
		if err == nil {
			b, _ := io.ReadAll(r)
			if string(b) != "/f" {
				t.Errorf("%q", b)
			}
		}
		return nil
	})
	must(t, err)
}
