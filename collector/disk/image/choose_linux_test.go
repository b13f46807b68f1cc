package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hozen/collector"
)

// diskOf makes a GPT with three partitions of 8 MiB at 1, 9 and 17 MiB: ext4 file
// systems with what the folders hold, and nothing where there is none.
func diskOf(t *testing.T, folders ...string) string {
	t.Helper()
	sfdisk, mkfs := tool(t, "sfdisk"), tool(t, "mkfs.ext4")
	image := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 32<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "label: gpt\nsize=8MiB\nsize=8MiB\nsize=8MiB", sfdisk, "-q", image)
	for i, folder := range folders {
		if folder == "" {
			continue
		}
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, folder, "here"), []byte(folder), 0o600); err != nil {
			t.Fatal(err)
		}
		at := []string{"offset=1048576", "offset=9437184", "offset=17825792"}[i]
		run(t, "", mkfs, "-q", "-F", "-E", at, "-d", dir, image, "8M")
	}
	return image
}

func TestTheSystemIsChosen(t *testing.T) {
	for _, c := range []struct {
		folders [3]string
		want    int // 0: it is not clear
	}{
		{[3]string{"", "data", ""}, 2},
		{[3]string{"boot", "etc", "home"}, 2},
		{[3]string{"boot", "", "home"}, 0},
		{[3]string{"etc", "", "etc"}, 0},
	} {
		d := open(t, diskOf(t, c.folders[:]...))
		p, err := Choose(d, "")
		if c.want == 0 {
			if err == nil || !strings.Contains(err.Error(), "name one (FILE:NUMBER)") || strings.Count(err.Error(), "; ") != 3 {
				t.Errorf("%q: %v", c.folders, err)
			}
			p, err = Choose(d, "3")
			c.want = 3
		}
		if err != nil || p.Number != c.want {
			t.Errorf("%q: %v, %v", c.folders, p, err)
			continue
		}
		files, err := Mount(d, p)
		if err != nil {
			t.Fatal(err)
		}
		h := &collector.Host{Root: "/", Image: files}
		if b, err := h.ReadFile("/"+c.folders[c.want-1]+"/here", 100); string(b) != c.folders[c.want-1] {
			t.Errorf("%q: %q, %v", c.folders, b, err)
		}
	}
}

// TestWindowsIsChosen reads a volume of NTFS as a disk without a table.
func TestWindowsIsChosen(t *testing.T) {
	d := open(t, unpacked(t, "ntfs/testdata/windows_volume.raw.gz"))
	p, err := Choose(d, "")
	if err != nil || p.FS != "ntfs" || d.Scheme() != "none" {
		t.Fatal(p, d.Scheme(), err)
	}
	files, err := Mount(d, p)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := files.Lstat("/$MFT"); err != nil || m.Size == 0 {
		t.Error(m, err)
	}
}

// TestBlockDevice reads a device instead of a file.
func TestBlockDevice(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: no device can be made")
	}
	losetup, image := tool(t, "losetup"), diskOf(t, "etc")
	out, err := exec.Command(losetup, "--read-only", "--find", "--show", image).CombinedOutput()
	if err != nil {
		if _, err := os.Stat("/dev/loop-control"); err != nil {
			t.Skipf("kernel has no loop devices: %s", out)
		}
		t.Fatalf("%v: %s", err, out)
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() { run(t, "", losetup, "--detach", device) })
	d := open(t, device)
	if p, err := Choose(d, ""); err != nil || p.Number != 1 || d.Size != 32<<20 || d.Format != "raw" {
		t.Errorf("%v, %v, %d bytes, %s", p, err, d.Size, d.Format)
	}
}
