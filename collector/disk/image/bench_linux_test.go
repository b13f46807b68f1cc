package image

import (
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"testing"

	"hozen/packager/evidence"
)

// A bench image has one large file, and 20,000 small ones in 200 folders.
const benchLarge = 256 << 20

func benchImage(b *testing.B) (image string) {
	b.Helper()
	mkfs := tool(b, "mkfs.ext4")
	dir := b.TempDir()
	large := make([]byte, benchLarge)
	for i := range large {
		large[i] = byte(i >> 9 * i >> 7)
	}
	if err := os.WriteFile(filepath.Join(dir, "large"), large, 0o600); err != nil {
		b.Fatal(err)
	}
	for i := range 20000 {
		sub := filepath.Join(dir, strconv.Itoa(i%200))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sub, strconv.Itoa(i)), nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	image = filepath.Join(b.TempDir(), "image")
	run(b, "", mkfs, "-q", "-F", "-N", "30000", "-d", dir, image, "400M")
	return image
}

// BenchmarkLargeFile reads one file out of an image, beside icat, from raw, qcow2 and
// E01 (icat of Debian reads raw and E01 only).
func BenchmarkLargeFile(b *testing.B) {
	icat, raw := tool(b, "icat"), benchImage(b)
	inode := ""
	images := map[string]string{"raw": raw}
	qcow := filepath.Join(b.TempDir(), "image.qcow2")
	run(b, "", tool(b, "qemu-img"), "convert", "-c", "-O", "qcow2", raw, qcow)
	images["qcow2 compressed"] = qcow
	target := filepath.Join(b.TempDir(), "image")
	run(b, "", tool(b, "ewfacquire"), "-u", "-q", "-c", "deflate:fast", "-t", target, raw)
	images["E01"] = target + ".E01"
	for name, image := range images {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(benchLarge)
			for b.Loop() {
				o := chosen(b, image)
				m, err := o.Files.Lstat("/large")
				if err != nil {
					b.Fatal(err)
				}
				inode = strconv.FormatUint(m.Inode, 10)
				r, err := o.Files.Open("/large")
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, make([]byte, 1<<20)); n != benchLarge || err != nil {
					b.Fatal(n, err)
				}
			}
		})
		if name == "qcow2 compressed" {
			continue
		}
		b.Run(name+", icat", func(b *testing.B) {
			b.SetBytes(benchLarge)
			for b.Loop() {
				c := exec.Command(icat, image, inode)
				c.Stdout = io.Discard
				if err := c.Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWalk lists and describes every file of an image, beside fls -r -m.
func BenchmarkWalk(b *testing.B) {
	fls, raw := tool(b, "fls"), benchImage(b)
	b.Run("ours", func(b *testing.B) {
		n := 0
		for b.Loop() {
			o := chosen(b, raw)
			var walk func(dir string)
			walk = func(dir string) {
				names, err := o.Files.Names(dir)
				if err != nil {
					b.Fatal(err)
				}
				for _, name := range names {
					m, err := o.Files.Lstat(path.Join(dir, name))
					if err != nil {
						b.Fatal(err)
					}
					if n++; m.Mode&evidence.ModeType == evidence.ModeDir {
						walk(path.Join(dir, name))
					}
				}
			}
			walk("/")
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "files/s")
	})
	b.Run("fls", func(b *testing.B) {
		for b.Loop() {
			c := exec.Command(fls, "-r", "-m", "/", raw)
			c.Stdout = io.Discard
			if err := c.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
