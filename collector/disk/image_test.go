package disk

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hozen/collector"
	"hozen/collector/disk/artifact"
	"hozen/collector/disk/definitions"
	"hozen/packager/evidence"
)

// imageFiles is the file system of an image, by name.
type imageFiles map[string]string

func (f imageFiles) Lstat(name string) (*evidence.FileMeta, error) {
	if text, ok := f[name]; ok {
		return &evidence.FileMeta{Mode: evidence.ModeRegular | 0o644, Size: int64(len(text)), Dev: 1, Inode: uint64(1 + slices.Index(f.names(), name))}, nil
	}
	for n := range f {
		if name == "/" || strings.HasPrefix(n, name+"/") {
			return &evidence.FileMeta{Mode: evidence.ModeDir | 0o755, Dev: 1}, nil
		}
	}
	return nil, fs.ErrNotExist
}

func (f imageFiles) names() (out []string) {
	for n := range f {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func (f imageFiles) Names(dir string) (out []string, err error) {
	for _, n := range f.names() {
		if rest, ok := strings.CutPrefix(n, strings.TrimSuffix(dir, "/")+"/"); ok {
			first, _, _ := strings.Cut(rest, "/")
			out = append(out, first)
		}
	}
	return slices.Compact(out), nil
}

func (f imageFiles) Open(name string) (collector.Reader, error) {
	return imageReader{strings.NewReader(f[name]), strings.HasPrefix(path.Base(name), "bad")}, nil
}

// imageReader has, if it is bad, a block that cannot be read.
type imageReader struct {
	*strings.Reader
	bad bool
}

func (r imageReader) Close() error { return nil }

func (r imageReader) ReadAt(b []byte, at int64) (int, error) {
	if from := int64(2 * block); r.bad && at < from+block && at+int64(len(b)) > from {
		n, _ := r.Reader.ReadAt(b[:max(0, from-at)], at)
		return n, syscall.EIO
	}
	return r.Reader.ReadAt(b, at)
}

var _ io.ReaderAt = imageReader{}

// What lies in an image of a Windows disk is taken by its names there, hives with
// their logs; a block that cannot be read costs itself.
func TestImage(t *testing.T) {
	bad := strings.Repeat("0123456789abcdef", 2000)
	h := &collector.Host{Now: hosttestNow, Image: imageFiles{
		"/Windows/System32/config/SYSTEM": "hive", "/Windows/System32/config/SYSTEM.LOG1": "log", "/Windows/System32/config/SYSTEM.LOG2": "",
		"/Windows/System32/config/other": "no", "/Windows/System32/ntoskrnl.exe": "MZ", "/Users/u/NTUSER.DAT": "hive", "/Users/u/ntuser.dat.LOG1": "log", "/bad": bad,
	}}
	text := "name: H\ndoc: D.\nsources:\n- {type: FILE, attributes: {paths: ['\\Windows\\System32\\config\\SYSTEM', '\\Users\\*\\NTUSER.DAT', '\\bad'], separator: '\\'}}\n"
	s, rows := take(t, Options{Set: testSet(t, text), Tiers: Named([]string{"H"})}, h)
	for name, set := range map[string]string{
		"/Windows/System32/config/SYSTEM": "", "/Windows/System32/config/SYSTEM.LOG1": "/Windows/System32/config/SYSTEM", "/Windows/System32/config/SYSTEM.LOG2": "/Windows/System32/config/SYSTEM",
		"/Users/u/ntuser.dat.LOG1": "/Users/u/NTUSER.DAT",
	} {
		if r := rows[name]; r.Outcome != evidence.Collected || set != "" && string(r.Set) != set || string(r.Item) != "disk/files"+name {
			t.Errorf("%s: %+v\n%s", name, r, s.Body(artifactsTable))
		}
	}
	if _, there := rows["/Windows/System32/config/other"]; there {
		t.Error("a neighbour was taken")
	}
	want := []byte(bad)
	clear(want[2*block : 3*block])
	if r := rows["/bad"]; !bytes.Equal(s.Body("disk/files/bad"), want) || r.Unreadable != block || r.Outcome != evidence.Partial {
		t.Errorf("%+v", r)
	}
}

// Every profile has groups for every system of our own set.
func TestForProfile(t *testing.T) {
	all, err := artifact.Load("own", definitions.FS())
	must(t, err)
	set, err := artifact.NewSet(all)
	must(t, err)
	for profile, tiers := range map[string]int{"standard": 2, "full": 3} {
		got := ForProfile(set, profile)
		if len(got) != tiers {
			t.Errorf("%s: %+v", profile, got)
		}
		for i, tier := range got {
			if len(tier.Artifacts) != 3 || i > 0 && tier.Value >= got[i-1].Value {
				t.Errorf("%s: %+v", profile, tier)
			}
		}
	}
}
