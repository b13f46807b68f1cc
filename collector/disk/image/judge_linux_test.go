package image

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tool gives the path of a program, or skips the test.
func tool(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} {
		if p, err := exec.LookPath(dir + name); err == nil {
			return p
		}
	}
	t.Skipf("no %s here", name)
	return ""
}

func run(t testing.TB, stdin, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// medium makes a raw image: noise, text, zeros and holes in turn, and an odd end.
func medium(t testing.TB, size int) (name string, data []byte) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{3})
	data = make([]byte, size)
	for at := 0; at < size; at += 96 << 10 {
		b := data[at:min(size, at+96<<10)]
		switch at / (96 << 10) % 4 {
		case 0:
			random.Read(b)
		case 1:
			copy(b, bytes.Repeat([]byte("what stands here is easy to compress. "), len(b)/38+1))
		}
	}
	name = filepath.Join(t.TempDir(), "medium.raw")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name, data
}

// sameBytes reads a disk whole and in odd pieces.
func sameBytes(t *testing.T, d *Disk, want []byte) {
	t.Helper()
	if d.Size != int64(len(want)) {
		t.Fatalf("%d bytes, want %d", d.Size, len(want))
	}
	got := make([]byte, d.Size)
	if n, err := d.ReadAt(got, 0); n != len(got) || err != nil && err != io.EOF || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes: %v; equal: %v", n, err, bytes.Equal(got, want))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		off := random.IntN(len(want))
		p := make([]byte, random.IntN(200<<10))
		n, err := d.ReadAt(p, int64(off))
		end := min(len(want), off+len(p))
		if n != end-off || (n < len(p)) != (err == io.EOF) || !bytes.Equal(p[:n], want[off:end]) {
			t.Fatalf("%d bytes at %d: %d, %v", len(p), off, n, err)
		}
	}
	if n, err := d.ReadAt(make([]byte, 1), d.Size); n != 0 || err != io.EOF {
		t.Errorf("behind the end: %d, %v", n, err)
	}
}

func TestQcow2OfQEMU(t *testing.T) {
	qemu := tool(t, "qemu-img")
	raw, data := medium(t, 5<<20+512)
	for name, options := range map[string][]string{
		"version 2":             {"-o", "compat=0.10"},
		"version 2, compressed": {"-c", "-o", "compat=0.10"},
		"version 3":             {},
		"small clusters":        {"-o", "cluster_size=512"},
		"large, compressed":     {"-c", "-o", "cluster_size=2M"},
		"small, compressed":     {"-c", "-o", "cluster_size=512"},
		"zstd":                  {"-c", "-o", "compression_type=zstd"},
		"subclusters":           {"-o", "extended_l2=on,cluster_size=128k"},
		"subclusters, zstd":     {"-c", "-o", "extended_l2=on,compression_type=zstd"},
		"metadata first":        {"-o", "preallocation=metadata"},
		"zero clusters":         {"-S", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "image.qcow2")
			run(t, "", qemu, append(append([]string{"convert", "-f", "raw", "-O", "qcow2"}, options...), raw, out)...)
			d := open(t, out)
			if d.Format != "qcow2" {
				t.Errorf("format %q", d.Format)
			}
			sameBytes(t, d, data)
		})
	}
}

// TestSubclustersOfQEMU writes less than clusters, discards and zeroes.
func TestSubclustersOfQEMU(t *testing.T) {
	qemu, qio := tool(t, "qemu-img"), tool(t, "qemu-io")
	for _, options := range []string{"extended_l2=on", "extended_l2=off", "compat=0.10"} {
		image := filepath.Join(t.TempDir(), "image.qcow2")
		run(t, "", qemu, "create", "-f", "qcow2", "-o", options, image, "3M")
		run(t, "", qio, "-c", "write -P 1 0 1M", "-c", "write -P 2 5k 100k", "-c", "write -z 300k 200k", "-c", "discard 640k 128k", "-c", "write -P 3 2047k 3k", image)
		raw := filepath.Join(t.TempDir(), "raw")
		run(t, "", qemu, "convert", "-O", "raw", image, raw)
		want, err := os.ReadFile(raw)
		if err != nil {
			t.Fatal(err)
		}
		sameBytes(t, open(t, image), want)
	}
}

// lock makes an encrypted image. qemu-img measures how fast this machine derives keys, and
// gives up where the kernel has counted no CPU time for that yet: then it is asked again.
func lock(t *testing.T, qemu, name string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		out, err := exec.Command(qemu, "create", "-f", "qcow2", "--object", "secret,id=s,data=x", "-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", name, "1M").CombinedOutput()
		switch {
		case err == nil:
			return
		case !strings.Contains(string(out), "Unable to get accurate CPU usage") || time.Now().After(end):
			t.Fatalf("qemu-img create %s: %v\n%s", name, err, out)
		}
	}
}

func TestOtherContainersAreRefusedByName(t *testing.T) {
	qemu := tool(t, "qemu-img")
	raw, _ := medium(t, 1<<20)
	dir := t.TempDir()
	for format, want := range map[string]string{"vhdx": "VHDX", "vdi": "VDI", "qed": "QED"} {
		out := filepath.Join(dir, "image."+format)
		run(t, "", qemu, "convert", "-f", "raw", "-O", format, raw, out)
		_, err := Open(out)
		if err == nil || !strings.Contains(err.Error(), want+" is not read here (hint: qemu-img convert -O raw") {
			t.Errorf("%s: %v", format, err)
		}
	}
	backed := filepath.Join(dir, "backed.qcow2")
	run(t, "", qemu, "create", "-f", "qcow2", "-b", raw, "-F", "raw", backed)
	if _, err := Open(backed); err == nil || !strings.Contains(err.Error(), "backing file") {
		t.Errorf("a backing file: %v", err)
	}
	outside := filepath.Join(dir, "outside.qcow2")
	run(t, "", qemu, "create", "-f", "qcow2", "-o", "data_file="+filepath.Join(dir, "data"), outside, "1M")
	if _, err := Open(outside); err == nil || !strings.Contains(err.Error(), "another file") {
		t.Errorf("an external data file: %v", err)
	}
	locked := filepath.Join(dir, "locked.qcow2")
	lock(t, qemu, locked)
	if _, err := Open(locked); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("an encrypted image: %v", err)
	}
	split := filepath.Join(dir, "split.vmdk")
	run(t, "", qemu, "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", raw, split)
	if _, err := Open(split); err == nil || !strings.Contains(err.Error(), "VMDK") {
		t.Errorf("a descriptor of parts: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "split-s001.vmdk")); err != nil { // a part alone has no descriptor
		t.Error(err)
	}
	child := filepath.Join(dir, "child.vmdk")
	run(t, "", qemu, "convert", "-f", "raw", "-O", "vmdk", raw, filepath.Join(dir, "parent.vmdk"))
	run(t, "", qemu, "create", "-f", "vmdk", "-b", filepath.Join(dir, "parent.vmdk"), "-F", "vmdk", child)
	if _, err := Open(child); err == nil || !strings.Contains(err.Error(), "differs from a parent") {
		t.Errorf("a child: %v", err)
	}
}

func TestVMDKAndVHDOfQEMU(t *testing.T) {
	qemu := tool(t, "qemu-img")
	raw, data := medium(t, 5<<20+64<<10)
	for _, c := range []struct{ format, kind, options string }{
		{"vmdk", "vmdk", "subformat=monolithicSparse"},
		{"vmdk", "vmdk", "subformat=streamOptimized"},
		{"vmdk", "vmdk", "subformat=monolithicSparse,zeroed_grain=on"},
		{"vhd", "vpc", "subformat=dynamic,force_size=on"},
		{"vhd fixed", "vpc", "subformat=fixed,force_size=on"},
	} {
		out := filepath.Join(t.TempDir(), "image")
		run(t, "", qemu, "convert", "-f", "raw", "-O", c.kind, "-o", c.options, raw, out)
		d := open(t, out)
		if d.Format != c.format || len(d.Notes) > 0 {
			t.Errorf("%s: %q, %q", c.options, d.Format, d.Notes)
		}
		sameBytes(t, d, data)
	}
}

func TestEWFOfEwfacquire(t *testing.T) {
	acquire := tool(t, "ewfacquire")
	raw, data := medium(t, 5<<20+512)
	for _, c := range []struct {
		format, compression, chunk, size string
		files                            int
	}{
		{"encase6", "none", "64", "1048576", 6},
		{"encase6", "fast", "64", "1048576", 2},
		{"encase5", "best", "128", "1048576", 2},
		{"encase1", "best", "64", "1048576", 2},
		{"ftk", "fast", "64", "1048576", 2},
		{"linen6", "empty-block", "16", "1048576", 3},
		{"smart", "fast", "64", "1048576", 2},
		{"encase6", "none", "32768", "1500000000", 1},
	} {
		t.Run(fmt.Sprintf("%s, %s, %s", c.format, c.compression, c.chunk), func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "medium")
			run(t, "", acquire, "-u", "-q", "-f", c.format, "-c", "deflate:"+c.compression, "-b", c.chunk, "-S", c.size,
				"-C", "case 7", "-E", "evidence 3", "-e", "an examiner", "-d", "sha1", "-t", target, raw)
			all, err := filepath.Glob(target + ".*01")
			if err != nil || len(all) != 1 {
				t.Fatalf("%q, %v", all, err)
			}
			d := open(t, all[0])
			sameBytes(t, d, data)
			if len(d.Files) < c.files {
				t.Errorf("only %d segments: %q", len(d.Files), d.Files)
			}
			sum := md5.Sum(data)
			if len(d.Stored) == 0 || hex.EncodeToString(d.Stored[0].Sum) != hex.EncodeToString(sum[:]) || len(d.Notes) > 0 {
				t.Errorf("stored %x, want MD5 %x; notes %q", d.Stored, sum, d.Notes)
			}
			if d.Header["c"] != "case 7" || d.Header["n"] != "evidence 3" || d.Header["e"] != "an examiner" {
				t.Errorf("header %q", d.Header)
			}
		})
	}
}

// TestEWFWithoutItsLastSegment gives the good part, and says what is missing.
func TestEWFWithoutItsLastSegment(t *testing.T) {
	acquire := tool(t, "ewfacquire")
	raw, data := medium(t, 4<<20)
	target := filepath.Join(t.TempDir(), "medium")
	run(t, "", acquire, "-u", "-q", "-f", "encase6", "-c", "deflate:none", "-S", "1048576", "-t", target, raw)
	if err := os.Remove(target + ".E03"); err != nil {
		t.Fatal(err)
	}
	d := open(t, target+".E01")
	notes := strings.Join(d.Notes, "; ")
	if !strings.Contains(notes, "another follows: it is missing") || !strings.Contains(notes, "bytes are in the segments") {
		t.Errorf("notes %q", notes)
	}
	got := make([]byte, 1<<20)
	if _, err := d.ReadAt(got, 0); err != nil || !bytes.Equal(got, data[:1<<20]) {
		t.Errorf("the first MiB: %v", err)
	}
	if _, err := d.ReadAt(got, 3<<20); err == nil || !strings.Contains(err.Error(), "no segment holds it") {
		t.Errorf("what was in the missing segment: %v", err)
	}
}

// TestTablesOfSfdisk holds partitions to what sfdisk says of tables that it and
// sgdisk made.
func TestTablesOfSfdisk(t *testing.T) {
	sfdisk, sgdisk := tool(t, "sfdisk"), tool(t, "sgdisk")
	for name, script := range map[string]string{
		"gpt":                           "label: gpt\nsize=4MiB, type=L, name=\"first\"\nsize=2MiB, type=S\ntype=U",
		"mbr":                           "label: dos\n,4MiB,83,*\n,2MiB,82\n,8MiB,5\n,,7\n,1MiB,83\n,1MiB,83\n,,b",
		"mbr, one":                      "label: dos\n,,83",
		"gpt with holes in the numbers": "",
	} {
		t.Run(name, func(t *testing.T) {
			image := filepath.Join(t.TempDir(), "disk")
			if err := os.WriteFile(image, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(image, 32<<20); err != nil {
				t.Fatal(err)
			}
			if script != "" {
				run(t, script, sfdisk, "-q", image)
			} else {
				run(t, "", sgdisk, "-n", "7:2048:+2M", "-c", "7:seventh é", "-t", "7:8e00", "-n", "2:20M:+1M", image)
			}
			compareTable(t, open(t, image), run(t, "", sfdisk, "-J", image))
			if strings.HasPrefix(name, "gpt") {
				damageGPT(t, image, sfdisk)
			}
		})
	}
}

func compareTable(t *testing.T, d *Disk, judge string) {
	t.Helper()
	var v struct {
		PartitionTable struct {
			Label      string
			ID         string
			Sectorsize int64
			Partitions []struct {
				Node, Type, UUID, Name string
				Start, Size            int64
				Bootable               bool
			}
		}
	}
	if err := json.Unmarshal([]byte(judge), &v); err != nil {
		t.Fatalf("%v: %s", err, judge)
	}
	scheme := map[string]string{"gpt": "gpt", "dos": "mbr"}[v.PartitionTable.Label]
	got, want := d.Partitions(), v.PartitionTable.Partitions
	if d.Scheme() != scheme || len(got) != len(want) {
		t.Fatalf("%s, %v; want %s", d.Scheme(), got, judge)
	}
	for i, w := range want {
		g := got[i]
		if scheme == "mbr" && g.Type != "extended" {
			w.Type = fmt.Sprintf("0x%02s", w.Type)
		} else if scheme == "mbr" {
			w.Type = "extended"
		}
		size := w.Size
		if !strings.HasSuffix(w.Node, fmt.Sprint(g.Number)) || g.Start != w.Start*512 || g.Size != size*512 ||
			g.Type != w.Type || g.GUID != w.UUID || g.Name != w.Name || g.Active != w.Bootable {
			t.Errorf("%+v, want %+v", g, w)
		}
	}
}

// damageGPT breaks the first copy of a table, then the entries of both.
func damageGPT(t *testing.T, image, sfdisk string) {
	t.Helper()
	judge := run(t, "", sfdisk, "-J", image)
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0xff}, 512+40); err != nil {
		t.Fatal(err)
	}
	d := open(t, image)
	compareTable(t, d, judge)
	if notes := strings.Join(d.partitions.notes, "; "); !strings.Contains(notes, "the first GPT is damaged") {
		t.Errorf("notes %q", notes)
	}
	if _, err := f.WriteAt([]byte{0xff}, 32<<20-512+40); err != nil {
		t.Fatal(err)
	}
	d = open(t, image)
	if notes := strings.Join(d.partitions.notes, "; "); d.Scheme() != "mbr" || !strings.Contains(notes, "neither copy") {
		t.Errorf("both damaged: %s, notes %q", d.Scheme(), notes)
	}
}

// TestWhatMkfsMakesIsNamed holds detection to the programs that make what it names.
func TestWhatMkfsMakesIsNamed(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"ext2", []string{"mkfs.ext4", "-q", "-F", "-t", "ext2", image}},
		{"ext3", []string{"mkfs.ext4", "-q", "-F", "-t", "ext3", image}},
		{"ext4", []string{"mkfs.ext4", "-q", "-F", image}},
		{"swap", []string{"mkswap", image}},
	} {
		program := tool(t, c.args[0])
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, 20<<20); err != nil {
			t.Fatal(err)
		}
		run(t, "", program, c.args[1:]...)
		if parts := open(t, image).Partitions(); len(parts) != 1 || parts[0].FS != c.want {
			t.Errorf("%v, want %s", parts, c.want)
		}
	}
}
