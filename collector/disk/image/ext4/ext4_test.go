package ext4

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// hierarchy is a file system of 20 files, with 1 KiB blocks.
func hierarchy(t testing.TB) []byte {
	t.Helper()
	return hosttest.Unzip(t, "../testdata/hierarchy_64.ext4.gz")
}

func fsOf(t testing.TB, b []byte) *FS {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// inodeAt gives the bytes of an inode in an image.
func inodeAt(t testing.TB, b []byte, number uint64) []byte {
	t.Helper()
	f := fsOf(t, b)
	table, err := f.inodeTable((number - 1) / f.sb.inodesPerGrp)
	if err != nil {
		t.Fatal(err)
	}
	at := int64(table)*f.sb.blockSize + int64((number-1)%f.sb.inodesPerGrp)*f.sb.inodeSize
	return b[at : at+f.sb.inodeSize]
}

// blockOf gives the first block of a file with extents in the inode.
func blockOf(t testing.TB, b, inode []byte) []byte {
	t.Helper()
	f := fsOf(t, b)
	at := int64(le.Uint32(inode[0x28+12+8:])) * f.sb.blockSize
	return b[at : at+f.sb.blockSize]
}

func TestNamesThatAreNotThere(t *testing.T) {
	f := fsOf(t, hierarchy(t))
	for _, name := range []string{"/nothing", "/directory1/nothing", "/nothing/at/all"} {
		if _, err := f.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := f.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.Names("/thejungle.txt"); err == nil {
		t.Error("a file was listed")
	}
	if _, err := f.Open("/directory1"); err == nil {
		t.Error("a directory was opened")
	}
	if _, err := f.Lstat("relative"); err == nil {
		t.Error("a relative name was found")
	}
}

const directory1, directory2, jungle, fortune = 12, 13, 16, 19

// TestLies changes one thing at a time of a good image: nothing may panic, run
// without end or take memory without bound, and what is wrong must be named.
func TestLies(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(b []byte)
		at     string // what is looked at
		want   string // part of an error, or of a note
	}{
		{"inodes of 3 bytes", func(b []byte) { copy(b[1024+0x58:], "\x03\x00") }, "", "inodes of 3 bytes"},
		{"no magic", func(b []byte) { b[1024+0x38] = 0 }, "", "the magic is missing"},
		{"a size of 2^63", func(b []byte) { copy(inodeAt(t, b, jungle)[0x6c:], "\xff\xff\xff\xff") }, "/thejungle.txt", "inode 16: a size of"},
		{"a size of 2^41", func(b []byte) { inodeAt(t, b, jungle)[0x6d] = 2 }, "/thejungle.txt", ""},
		{"an extent beyond the end", func(b []byte) { copy(inodeAt(t, b, fortune)[0x28+12+8:], "\xff\xff\xff\x7f") }, "/directory1/fortune5", "inode 19, offset 0: an extent of"},
		{"no extents", func(b []byte) { inodeAt(t, b, fortune)[0x28] = 0 }, "/directory1/fortune5", "inode 19, offset 0: extents in its inode: the magic"},
		{"extents 9 deep", func(b []byte) { inodeAt(t, b, fortune)[0x28+6] = 9 }, "/directory1/fortune5", "depth 9"},
		{"5000 extents in an inode", func(b []byte) { copy(inodeAt(t, b, fortune)[0x28+2:], "\x88\x13") }, "/directory1/fortune5", "5000 entries"},
		{"extents below themselves", func(b []byte) {
			n := inodeAt(t, b, fortune)
			block := blockOf(t, b, n)
			start := n[0x28+12+8 : 0x28+12+12]
			copy(block, "\x0a\xf3\x01\x00\x54\x00\x01\x00") // an index of depth 1 that leads to its own block
			copy(block[12+4:], start)
			copy(block[12:], "\x00\x00\x00\x00")
			n[0x28+6] = 1
			copy(n[0x28+12+4:], start)
			copy(n[0x28+12+8:], "\x00\x00\x00\x00")
		}, "/directory1/fortune5", "depth 1 below depth 1"},
		{"a directory in itself", func(b []byte) { entry(t, b, directory1, "subdirectory1", directory1) }, "/directory1", "not entered twice"},
		{"a directory in two places", func(b []byte) { entry(t, b, directory1, "subdirectory1", directory2) }, "/", "not entered twice"},
		{"the top in a directory", func(b []byte) { entry(t, b, directory1, "subdirectory1", rootInode) }, "/directory1", "not entered twice"},
		{"an entry of no bytes", func(b []byte) { name(t, b, directory1, "subdirectory1")[4] = 0 }, "/directory1", "directory inode 12: offset 24: an entry of 0 bytes"},
		{"an entry of 60000 bytes", func(b []byte) { copy(name(t, b, directory1, "subdirectory1")[4:], "\x60\xea") }, "/directory1", "an entry of 60000 bytes"},
		{"a name with a slash", func(b []byte) { name(t, b, directory1, "subdirectory1")[9] = '/' }, "/directory1", `the name "s/bdirectory1" of inode 14 is none`},
		{"a name that is there twice", func(b []byte) { copy(name(t, b, directory1, "subdirectory1")[8:], "subdirectory2") }, "/directory1", "is there already"},
		{"an inode that there is not", func(b []byte) { entry(t, b, directory1, "fortune1", 1<<31) }, "/directory1", "inode 2147483648: there are only"},
		{"a directory of 2^41 bytes", func(b []byte) { inodeAt(t, b, directory1)[0x6d] = 2 }, "/directory1", ""},
		{"a directory of 2^41 bytes by an old map", func(b []byte) {
			n := inodeAt(t, b, directory1)
			n[0x20+2] &^= 8 // no extents
			n[0x6c] = 3
			clear(n[0x28:0x64])
		}, "/directory1", ""},
		{"a block map that leads to itself", func(b []byte) {
			n := inodeAt(t, b, fortune)
			block := blockOf(t, b, n)
			start := bytes.Clone(n[0x28+12+8 : 0x28+12+12])
			n[0x20+2] &^= 8
			clear(n[0x28:0x64])
			for i := 0; i < 12; i += 4 {
				copy(n[0x28+48+i:], start)
			}
			for i := 0; i < len(block); i += 4 {
				copy(block[i:], start)
			}
			n[0x6c] = 3 // 12 GiB
		}, "/directory1/fortune5", ""},
		{"a table of inodes beyond the end", func(b []byte) { copy(b[2048+8:], "\xff\xff\xff\x7f") }, "/", "lies beyond the end"},
		{"inline data of 60000 bytes", func(b []byte) {
			n := inodeAt(t, b, jungle)
			copy(n[0x20:], "\x00\x00\x00\x10")
			copy(n[4:], "\x60\xea\x00\x00")
		}, "/thejungle.txt", "inode 16: inline data of 60000 bytes"},
		{"encrypted", func(b []byte) { inodeAt(t, b, jungle)[0x21] |= 8 }, "/thejungle.txt", "encrypted by fscrypt"},
		{"a link of 4 GiB", func(b []byte) {
			n := inodeAt(t, b, jungle)
			n[1] = 0xa1
			copy(n[4:], "\xff\xff\xff\xff")
		}, "/thejungle.txt", "a symbolic link of 4294967295 bytes"},
	} {
		b := hierarchy(t)
		c.change(b)
		began := time.Now()
		f, err := Open(bytes.NewReader(b), int64(len(b)))
		said := err
		if err == nil {
			said = look(f, c.at)
			if c.at == "" {
				said = errors.Join(errors.New(strings.Join(f.Notes(), "; ")), look(f, "/"))
			}
		}
		if c.want == "" && said != nil || c.want != "" && (said == nil || !strings.Contains(said.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, said)
		}
		if d := time.Since(began); d > 30*time.Second {
			t.Errorf("%s: took %v", c.name, d)
		}
	}
}

// name gives the bytes of an entry of a directory.
func name(t testing.TB, b []byte, dir uint64, name string) []byte {
	block := blockOf(t, b, inodeAt(t, b, dir))
	i := bytes.Index(block, []byte(name))
	if i < entryHead {
		t.Fatalf("no %s", name)
	}
	return block[i-entryHead:]
}

// entry makes an entry lead to another inode.
func entry(t testing.TB, b []byte, dir uint64, n string, to uint32) {
	le.PutUint32(name(t, b, dir, n), to)
}

// look walks below a name, reads the beginning and the end of files, and gives what
// went wrong.
func look(f *FS, name string) error {
	left := 1000
	return lookAt(f, name, &left)
}

func lookAt(f *FS, name string, left *int) (all error) {
	if *left--; *left < 0 {
		return errors.New("there is no end of it")
	}
	m, err := f.Lstat(name)
	if err != nil {
		return err
	}
	switch m.Mode & evidence.ModeType {
	case evidence.ModeDir:
		names, err := f.Names(name)
		all = errors.Join(all, err)
		for _, n := range names {
			all = errors.Join(all, lookAt(f, strings.TrimSuffix(name, "/")+"/"+n, left))
		}
	case evidence.ModeRegular:
		all = lookIn(f, name, m.Size)
	}
	return all
}

func lookIn(f *FS, name string, size int64) error {
	r, err := f.Open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	p := make([]byte, 64<<10)
	for _, off := range []int64{0, size / 2, size - 100} {
		if _, err := r.ReadAt(p, max(off, 0)); err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}

func TestManyAtOnce(t *testing.T) {
	f := fsOf(t, hierarchy(t))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := look(f, "/"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// spoiled is a disk with one sector that cannot be read.
type spoiled struct {
	*bytes.Reader
	bad int64
}

var errSpoiled = errors.New("input/output error")

func (s spoiled) ReadAt(p []byte, off int64) (int, error) {
	if off < s.bad+512 && off+int64(len(p)) > s.bad {
		n, _ := s.Reader.ReadAt(p[:max(0, s.bad-off)], off)
		return n, errSpoiled
	}
	return s.Reader.ReadAt(p, off)
}

// TestBadSector spoils one sector of a table of inodes: its inodes are lost, and all
// others are read.
func TestBadSector(t *testing.T) {
	b := hierarchy(t)
	at := int64(bytes.Index(b, inodeAt(t, b, jungle))) &^ 511
	f, err := Open(spoiled{bytes.NewReader(b), at}, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	lost := 512 / int(f.sb.inodeSize)
	bad := 0
	for n := uint32(1); n <= 30; n++ {
		if _, err := f.inode(n); errors.Is(err, errSpoiled) {
			bad++
		} else if err != nil {
			t.Error(err)
		}
	}
	if bad != lost {
		t.Errorf("%d inodes are lost, and %d lie in the sector", bad, lost)
	}
}

func TestHoles(t *testing.T) {
	b := hierarchy(t)
	inodeAt(t, b, jungle)[0x6d] = 2 // 2 TiB of hole behind the data
	r, err := fsOf(t, b).Open("/thejungle.txt")
	if err != nil {
		t.Fatal(err)
	}
	next := r.(interface {
		NextData(off int64) (from, to int64, err error)
	}).NextData
	var got []int64
	for at := int64(0); at < 849597+2<<40; {
		from, to, err := next(at)
		if err != nil || len(got) > 1000 {
			t.Fatal(err, got)
		}
		got = append(got, from)
		at = to
	}
	if got[0] != 0 || !slices.IsSorted(got) || got[len(got)-1] != 849597+2<<40 {
		t.Errorf("%d", got)
	}
	p := []byte("not zero")
	if n, err := r.ReadAt(p, 1<<40); n != len(p) || err != nil || strings.Trim(string(p), "\x00") != "" {
		t.Errorf("in the hole: %q, %v", p, err)
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		sec, extra uint32
		want       string
	}{ // Documentation/filesystems/ext4/inodes.rst, "Inode Timestamps"
		{0xffffffff, 0, "1969-12-31T23:59:59Z"},
		{0x80000000, 0, "1901-12-13T20:45:52Z"},
		{0x7fffffff, 0, "2038-01-19T03:14:07Z"},
		{0x80000000, 1, "2038-01-19T03:14:08Z"},
		{0x7fffffff, 1, "2174-02-25T09:42:23Z"},
		{0x7fffffff, 3 | 999999999<<2, "2446-05-10T22:38:55.999999999Z"},
	} {
		if got := inodeTime(c.sec, c.extra).Format(time.RFC3339Nano); got != c.want {
			t.Errorf("%#x, %#x: %s, want %s", c.sec, c.extra, got, c.want)
		}
	}
}

// FuzzFS changes pieces of a good image, and walks what comes of it.
func FuzzFS(f *testing.F) {
	good := hierarchy(f)
	ranges := map[string]int{"superblock": 1024, "groups": 2048}
	for n, at := range ranges {
		f.Add(uint32(at), good[at:at+64], n == "groups")
	}
	for _, number := range []uint64{rootInode, directory1, jungle} {
		n := inodeAt(f, good, number)
		f.Add(uint32(bytes.Index(good, n)), bytes.Clone(n), true)
	}
	block := blockOf(f, good, inodeAt(f, good, directory1))
	f.Add(uint32(bytes.Index(good, block)), bytes.Clone(block[:128]), false)
	f.Fuzz(func(t *testing.T, at uint32, change []byte, old bool) {
		b := bytes.Clone(good)
		copy(b[int(at)%len(b):], change)
		if old { // the old map, instead of extents
			inodeAt := b[bytes.Index(good, []byte("\x0a\xf3"))-0x28+0x20:]
			inodeAt[2] ^= 8
		}
		fs, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		look(fs, "/")
	})
}

// FuzzInode decodes any inode.
func FuzzInode(f *testing.F) {
	good := hierarchy(f)
	for _, number := range []uint64{rootInode, directory1, jungle} {
		f.Add(bytes.Clone(inodeAt(f, good, number)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 128 {
			return
		}
		n := parseInode(b, true, 4096)
		n.inline()
		extentNode(n.block[:])
	})
}
