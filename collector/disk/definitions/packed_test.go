package definitions

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write packed.txtar.zst from the definitions")

// written are the definitions as they lie here.
func written(t *testing.T) *txtar.Archive {
	t.Helper()
	a := &txtar.Archive{Comment: []byte("Made of the files beside it by go generate.\n")}
	for _, pattern := range []string{"linux/*.yaml", "macos/*.yaml", "windows/*.yaml"} {
		names, err := fs.Glob(os.DirFS("."), pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			a.Files = append(a.Files, txtar.File{Name: name, Data: b})
		}
	}
	return a
}

// TestPacked: what the program carries is what lies here, file for file.
func TestPacked(t *testing.T) {
	want := written(t)
	if *update {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("packed.txtar.zst", e.EncodeAll(txtar.Format(want), nil), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	files := FS()
	n := 0
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil || n != len(want.Files) {
		t.Errorf("%d files are packed, %d lie here: go generate ./collector/disk/definitions; %v", n, len(want.Files), err)
	}
	for _, f := range want.Files {
		if got, err := fs.ReadFile(files, f.Name); err != nil || !bytes.Equal(got, f.Data) {
			t.Errorf("%s is packed with another content: go generate ./collector/disk/definitions; %v", f.Name, err)
		}
	}
}

// Something broken is an error of whoever reads, and no empty set.
func TestBroken(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("no"), packed[:len(packed)/2]} {
		if files, err := unpack(b); err == nil {
			t.Errorf("%d bytes are unpacked: %v", len(b), files)
		}
	}
	if _, err := fs.ReadFile(broken{fs.ErrInvalid}, "linux/profiles.yaml"); err == nil {
		t.Error("no error")
	}
}
