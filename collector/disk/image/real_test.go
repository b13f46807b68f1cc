package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

type expected struct {
	MediaMD5    string `json:"media_md5"`
	MediaSHA256 string `json:"media_sha256"`
	MediaSize   int64  `json:"media_size"`
	Files       []struct {
		Meta, Path, SHA256, Type string
		Size                     int64
	}
}

func readExpected(t testing.TB) map[string]expected {
	t.Helper()
	b, err := os.ReadFile("testdata/EXPECTED.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Results map[string]expected }
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v.Results
}

// real gives the name of an image of testdata, unpacked if it is packed there.
func real(t testing.TB, name string) string {
	t.Helper()
	if _, err := os.Stat("testdata/" + name); err == nil {
		return "testdata/" + name
	}
	return unpacked(t, "testdata/"+name+".gz")
}

func unpacked(t testing.TB, name string) string {
	t.Helper()
	b := hosttest.Unzip(t, name)
	out := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(name), ".gz"))
	if err := os.WriteFile(out, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t testing.TB, name string) *Disk {
	t.Helper()
	d, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func hashOf(t testing.TB, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Error(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// walk lists all names below dir.
func walk(t testing.TB, files collector.Files, dir string) (out []string) {
	t.Helper()
	names, err := files.Names(dir)
	if err != nil {
		t.Errorf("%s: %v", dir, err)
	}
	for _, n := range names {
		name := strings.TrimSuffix(dir, "/") + "/" + n
		out = append(out, name)
		m, err := files.Lstat(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Mode&evidence.ModeType == evidence.ModeDir {
			out = append(out, walk(t, files, name)...)
		}
	}
	return out
}

// TestRealImagesComeOutByteForByte holds what we read to what The Sleuth Kit and
// libewf read.
func TestRealImagesComeOutByteForByte(t *testing.T) {
	for name, want := range readExpected(t) {
		t.Run(name, func(t *testing.T) {
			d := open(t, real(t, name))
			if want.MediaSHA256 != "" {
				if got := hashOf(t, io.NewSectionReader(d, 0, d.Size)); got != want.MediaSHA256 || d.Size != want.MediaSize {
					t.Errorf("medium: %s, %d bytes; want %s, %d", got, d.Size, want.MediaSHA256, want.MediaSize)
				}
				if len(d.Stored) != 1 || hex.EncodeToString(d.Stored[0].Sum) != want.MediaMD5 {
					t.Errorf("stored hashes %x, want MD5 %s", d.Stored, want.MediaMD5)
				}
			}
			p, err := Choose(d, "")
			if err != nil {
				t.Fatal(err)
			}
			files, err := Mount(d, p)
			if err != nil {
				t.Fatal(err)
			}
			h := &collector.Host{Root: "/", Image: files}
			agreed := 0
			var paths []string
			for _, f := range want.Files {
				paths = append(paths, "/"+f.Path)
				m, err := h.Lstat("/" + f.Path)
				if err != nil {
					t.Errorf("%s: %v", f.Path, err)
					continue
				}
				if strconv.FormatUint(m.Inode, 10) != f.Meta || (f.Type == "d/d") != (m.Mode&evidence.ModeType == evidence.ModeDir) {
					t.Errorf("%s: inode %d, mode %o; want %s, %s", f.Path, m.Inode, m.Mode, f.Meta, f.Type)
				}
				if f.SHA256 == "" {
					agreed++
					continue
				}
				r, err := h.Reader("/" + f.Path)
				if err != nil {
					t.Error(err)
					continue
				}
				if got := hashOf(t, r); got != f.SHA256 || m.Size != f.Size {
					t.Errorf("%s: %s, %d bytes; want %s, %d", f.Path, got, m.Size, f.SHA256, f.Size)
					continue
				}
				agreed++
			}
			got := walk(t, files, "/")
			slices.Sort(got)
			slices.Sort(paths)
			if !slices.Equal(got, paths) {
				t.Errorf("names differ:\n%q\n%q", got, paths)
			}
			t.Logf("%d of %d entries agree", agreed, len(want.Files))
		})
	}
}
