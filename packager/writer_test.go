package packager

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager/evidence"
)

// testTime is when every archive of the tests begins.
var testTime = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func testOptions(t testing.TB, dir string) Options {
	t.Helper()
	d, err := NewDevice("pc-42", nil)
	if err != nil {
		t.Fatal(err)
	}
	return Options{ID: "pc-42-20261121t090000z-3fa9c1", Disk: Dir(dir), Device: d,
		Genesis: Genesis{Case: "c-1", Evidence: "e-1", Operator: "松本", Tool: "hozen/test"}}
}

func put(t testing.TB, w *Writer, path, body string) {
	t.Helper()
	err := w.Put(context.Background(), evidence.Item{Path: path, Source: "/" + path, Collector: "test"},
		func(out io.Writer) error { _, err := io.WriteString(out, body); return err })
	if err != nil {
		t.Fatal(err)
	}
}

// writeArchive makes a sealed archive with three segments in dir, and gives its file and device.
func writeArchive(t testing.TB, dir string) (string, Device) {
	t.Helper()
	o := testOptions(t, dir)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "plan.json", "{}\n")
	if _, err := w.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		put(t, w, fmt.Sprintf("volatile/item-%d.txt", i), strings.Repeat(fmt.Sprintln("line", i), 40*i))
	}
	put(t, w, "volatile/odd \n\x1b[31m\xff=%/../NUL.txt", "hostile name")
	put(t, w, "volatile/Case", "A")
	put(t, w, "volatile/case", "b")
	if _, err := w.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	err = w.Put(context.Background(), evidence.Item{Path: "volatile/denied"}, func(io.Writer) error { return os.ErrPermission })
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, s.Name), o.Device
}

func TestStandardToolsReadTheArchive(t *testing.T) {
	for _, tool := range []string{"tar", "zstd", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: %v", tool, err)
		}
	}
	dir := t.TempDir()
	file, _ := writeArchive(t, dir)
	id := strings.TrimSuffix(filepath.Base(file), ".tar.zst")
	sh := func(script string) string {
		out, err := exec.Command("sh", "-c", "set -e; cd "+dir+"; "+script).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
	t.Log(sh("zstd -dc " + file + " | tar -xf -; cd " + id + "; sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt; cat custody/cp/*.sha256 | sha256sum -c; find . -type f | sort; cat custody/cp/*.jsonl; cat custody/seal.json bag-info.txt"))
}
