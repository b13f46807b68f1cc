package ntfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

func unzipped(t testing.TB, name string) []byte {
	t.Helper()
	return hosttest.Unzip(t, "testdata/"+name+".gz")
}

func opened(t testing.TB, image []byte) *FS {
	t.Helper()
	v, err := Open(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sumOf(t testing.TB, v *FS, name string) (string, int64) {
	t.Helper()
	r, err := v.Open(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		t.Errorf("%s: %v after %d bytes", name, err, n)
	}
	return hex.EncodeToString(h.Sum(nil)), n
}

// The Sleuth Kit is the judge: all that it lists is there, of the same size and
// contents, and nothing else is.
func TestAgreesWithSleuthKit(t *testing.T) {
	for _, image := range []string{"test.ntfs.dd", "windows_volume.raw"} {
		v := opened(t, unzipped(t, image))
		truth, err := os.ReadFile("testdata/" + image + ".tsv")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for line := range strings.Lines(string(truth)) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			want[f[1]] = true
			m, err := v.Lstat(f[1])
			if err != nil {
				t.Errorf("%s: %s: %v", image, f[1], err)
				continue
			}
			if isDir := m.Mode&evidence.ModeType == evidence.ModeDir; isDir != (f[0] == "d") {
				t.Errorf("%s: %s: mode %#o, want %s", image, f[1], m.Mode, f[0])
			}
			if f[3] == "-" {
				continue
			}
			sum, n := sumOf(t, v, f[1])
			if size, _ := strconv.ParseInt(f[2], 10, 64); n != size || m.Size != size || sum != f[3] {
				t.Errorf("%s: %s: %d bytes (%d) %s, want %s", image, f[1], n, m.Size, sum, line)
			}
		}
		every(t, v, "/", func(name string, _ *evidence.FileMeta) {
			if !want[name] {
				t.Errorf("%s: %s: the judge does not know it", image, name)
			}
		})
	}
}

// every calls visit for all names below dir.
func every(t testing.TB, v *FS, dir string, visit func(string, *evidence.FileMeta)) {
	t.Helper()
	names, err := v.Names(dir)
	if err != nil {
		t.Errorf("%s: %v", dir, err)
	}
	for _, n := range names {
		name := path.Join(dir, n)
		m, err := v.Lstat(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// What holds nothing of its own but views is no file to the judge.
		if m.Mode&evidence.ModeType == evidence.ModeRegular && strings.HasPrefix(name, "/$") && m.Size == 0 {
			if _, ok := map[string]bool{"/$Extend/$ObjId": true, "/$Extend/$Quota": true, "/$Extend/$Reparse": true, "/$Secure": true}[name]; ok {
				continue
			}
		}
		visit(name, m)
		if m.Mode&evidence.ModeType == evidence.ModeDir {
			every(t, v, name, visit)
		}
	}
}

func TestLookup(t *testing.T) {
	v := opened(t, unzipped(t, "test.ntfs.dd"))
	a, err := v.Lstat("/FOLDER a/folder B/hello WORLD text document.TXT")
	if err != nil || a.Size != 12 || a.Btime.IsZero() || a.Mtime.Year() < 2000 {
		t.Errorf("another case: %+v, %v", a, err)
	}
	b, err := v.Lstat("/Folder A/Folder B/Hello world text document.txt:GOODBYE.txt")
	if err != nil || b.Size != 20 || b.Inode == a.Inode {
		t.Errorf("a stream: %+v, %v", b, err)
	}
	for _, name := range []string{"/none", "/Folder A/none", "/ones.bin:none", "/ones.bin/none", "/Folder A:x/y"} {
		if _, err := v.Lstat(name); err == nil {
			t.Errorf("%s is there", name)
		}
		if _, err := v.Open(name); err == nil {
			t.Errorf("%s can be opened", name)
		}
	}
	if _, err := v.Lstat("/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := v.Names("/ones.bin"); err == nil {
		t.Error("a file was listed")
	}
}

// $BadClus:$Bad is one hole as large as the volume; reading it costs nothing.
func TestHoles(t *testing.T) {
	v := opened(t, unzipped(t, "test.ntfs.dd"))
	r, err := v.Open("/$BadClus:$Bad")
	if err != nil {
		t.Fatal(err)
	}
	s := r.(*stream)
	if from, to, err := s.NextData(0); from != s.size || err != nil {
		t.Errorf("data from %d to %d of %d, %v", from, to, s.size, err)
	}
	if m, err := v.Lstat("/$BadClus:$Bad"); err != nil || m.Blocks != 0 || m.Size == 0 {
		t.Errorf("%+v, %v", m, err)
	}
	r, err = v.Open("/ones.bin")
	if err != nil {
		t.Fatal(err)
	}
	s = r.(*stream)
	read := int64(0)
	for at := int64(0); ; {
		from, to, err := s.NextData(at)
		if err != nil || from == s.size {
			break
		}
		if from < at || to <= from || to > s.size {
			t.Fatalf("from %d: %d to %d", at, from, to)
		}
		read, at = read+to-from, to
	}
	if read != s.size {
		t.Errorf("%d of %d bytes are data", read, s.size)
	}
	b := make([]byte, 10)
	if n, err := s.ReadAt(b, s.size-4); n != 4 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

// A volume whose first record of the MFT is damaged is read by its mirror; damage
// anywhere else is an error of what it hit, and nothing hangs or panics.
func TestDamage(t *testing.T) {
	image := unzipped(t, "test.ntfs.dd")
	v := opened(t, image)
	copy(image[v.boot.mft*v.boot.cluster:], "BAAD")
	if sum, _ := sumOf(t, opened(t, image), "/Folder A/Folder B/Hello world text document.txt"); !strings.HasPrefix(sum, "c0535e4b") {
		t.Errorf("by the mirror: %s", sum)
	}
	copy(image[v.boot.mirror*v.boot.cluster:], "BAAD")
	if _, err := Open(bytes.NewReader(image)); err == nil || !strings.Contains(err.Error(), "mirror") {
		t.Errorf("without MFT and mirror: %v", err)
	}
	for _, n := range []int{0, 100, 511, 512, 4096} {
		if _, err := Open(bytes.NewReader(image[:n])); err == nil {
			t.Errorf("%d bytes are a volume", n)
		}
	}
}

// TestNamesThatAreNone: a name that no program could open is said, and never passed over.
func TestNamesThatAreNone(t *testing.T) {
	wide := func(s string) []byte {
		var b []byte
		for _, c := range []byte(s) {
			b = append(b, c, 0)
		}
		return b
	}
	image := unzipped(t, "test.ntfs.dd")
	before, err := opened(t, image).Names("/")
	if err != nil || !slices.Contains(before, "Folder A") {
		t.Fatal(before, err)
	}
	other := before[slices.IndexFunc(before, func(s string) bool { return len(s) == len("Folder A") && s != "Folder A" })]
	for _, name := range []string{"Folder/A", other} {
		v := opened(t, bytes.ReplaceAll(image, wide("Folder A"), wide(name)))
		if names, err := v.Names("/"); err == nil || !strings.Contains(err.Error(), name) || len(names) >= len(before) {
			t.Errorf("%q: %q, %v", name, names, err)
		}
	}
}

func FuzzVolume(f *testing.F) {
	image := unzipped(f, "windows_volume.raw")
	v := opened(f, image)
	at := func(record, offset int64) uint32 {
		return uint32(v.boot.mft*v.boot.cluster + record*v.boot.recordSize + offset)
	}
	f.Add(uint32(13), []byte{0xff}, at(0, 20), []byte{0, 0})
	f.Add(at(0, 56+4), []byte{0, 1, 2}, at(5, 200), []byte{0xff, 0xff, 0xff, 0x7f})
	f.Add(at(67, 100), []byte{0x31, 0xff, 0xff, 0xff, 0xff}, at(66, 130), []byte{0})
	f.Fuzz(func(t *testing.T, at1 uint32, patch1 []byte, at2 uint32, patch2 []byte) {
		damaged := patched{bytes.NewReader(image), map[int64][]byte{int64(at1): patch1, int64(at2): patch2}}
		v, err := Open(damaged)
		if err != nil {
			return
		}
		visit(v, "/", 0)
	})
}

// patched is an image with other bytes in some places.
type patched struct {
	r     *bytes.Reader
	other map[int64][]byte
}

func (p patched) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.r.ReadAt(b, off)
	for at, patch := range p.other {
		for i, c := range patch {
			if k := at + int64(i) - off; k >= 0 && k < int64(n) {
				b[k] = c
			}
		}
	}
	return n, err
}

// visit reads a bit of everything, and no deeper than a cycle of directories needs.
func visit(v *FS, dir string, depth int) {
	names, _ := v.Names(dir)
	for i, n := range names {
		if i > 50 || depth > 4 {
			return
		}
		name := path.Join(dir, n)
		m, err := v.Lstat(name)
		if err != nil {
			continue
		}
		if m.Mode&evidence.ModeType == evidence.ModeDir {
			visit(v, name, depth+1)
			continue
		}
		if r, err := v.Open(name); err == nil {
			io.CopyN(io.Discard, r, 64<<10)
			if s := r.(*stream); s.size > 0 {
				s.NextData(0)
				s.ReadAt(make([]byte, 512), s.size-1)
			}
		}
	}
}
