package indicators

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"testing"
	"time"

	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A fakeDir is a directory "/d" of a fake file system.
type fakeDir struct {
	fstype string
	all    map[string]uint64 // inodes by name
	dirs   []string
	hide   []string                // not in listings
	extra  []dirEntry              // in listings only
	nlink  uint64                  // 0: what the subdirectories make
	at     func(d *fakeDir, n int) // called before the n-th call
	calls  int
}

func (d *fakeDir) tick() {
	if d.calls++; d.at != nil {
		d.at(d, d.calls)
	}
}

func (d *fakeDir) view() *fileView {
	return &fileView{
		wait: func(context.Context, time.Duration) {},
		list: func(string) (out []dirEntry, err error) {
			d.tick()
			for name, inode := range d.all {
				if !slices.Contains(d.hide, name) {
					out = append(out, dirEntry{name: name, inode: inode, isDir: slices.Contains(d.dirs, name), typed: true})
				}
			}
			return append(out, d.extra...), nil
		},
		lstat: func(name string) (*evidence.FileMeta, error) {
			d.tick()
			if name == "/d" {
				nlink := d.nlink
				if nlink == 0 {
					nlink = 2 + uint64(len(d.dirs))
				}
				return &evidence.FileMeta{Dev: 1, Inode: 2, Nlink: nlink}, nil
			}
			if inode, ok := d.all[path.Base(name)]; ok {
				return &evidence.FileMeta{Dev: 1, Inode: inode}, nil
			}
			return nil, fs.ErrNotExist
		},
	}
}

func TestHiddenFiles(t *testing.T) {
	all := func() map[string]uint64 { return map[string]uint64{"a": 10, "b": 11, "sub": 12} }
	for _, c := range []struct {
		name  string
		dir   fakeDir
		want  []string // names
		level memory.Level
	}{
		{name: "all there", dir: fakeDir{all: all(), dirs: []string{"sub"}}},
		{name: "hidden", dir: fakeDir{all: all(), hide: []string{"b"}}, want: []string{"b"}},
		{name: "hidden directory", dir: fakeDir{all: all(), dirs: []string{"sub"}, hide: []string{"sub"}}, want: []string{"sub", ""}},
		{name: "another spelling of one name", dir: fakeDir{all: all(), hide: []string{"b"}, extra: []dirEntry{{name: "B", inode: 11, typed: true}}}},
		{name: "removed meanwhile", dir: fakeDir{all: all(), hide: []string{"b"}, at: func(d *fakeDir, n int) {
			if n == 12 {
				delete(d.all, "b")
			}
		}}},
		{name: "made between listing and lookup", dir: fakeDir{all: all(), hide: []string{"b"}, at: func(d *fakeDir, n int) {
			if n == 7 {
				d.hide = nil
			}
		}}},
		{name: "replaced each time", dir: fakeDir{all: all(), hide: []string{"b"}, at: func(d *fakeDir, n int) { d.all["b"] = uint64(100 + n) }}},
		{name: "a listing that lies by nature", dir: fakeDir{fstype: "proc", all: all(), hide: []string{"b"}}},
		{name: "subdirectories that nobody knows", dir: fakeDir{all: all(), dirs: []string{"sub"}, nlink: 5}, want: []string{""}, level: memory.Medium},
		{name: "no link count", dir: fakeDir{fstype: "btrfs", all: all(), dirs: []string{"sub"}, nlink: 5}},
	} {
		var known knownNames
		for name := range c.dir.all {
			known.add("/d/" + name)
		}
		delete(known.dirs, "/")
		if c.dir.fstype == "" {
			c.dir.fstype = "ext4"
		}
		var tally evidence.Tally
		found, told := c.dir.view().compare(context.Background(), &known, []proc.Mount{{Point: "/", Type: c.dir.fstype}}, &tally)
		var got []string
		for _, m := range found {
			got = append(got, m.name)
			if f := m.finding("x"); c.level != 0 && f.level != c.level || f.object == "" {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if !slices.Equal(got, c.want) || tally.Err() != nil {
			t.Errorf("%s: %q, want %q; %v\n%s", c.name, got, c.want, tally.Err(), told)
		}
	}
}

func TestKnownNames(t *testing.T) {
	var k knownNames
	for _, name := range []string{"/usr/bin/a", "/usr/bin/a", "/usr/lib/b (deleted)", "socket:[1]", "/usr/../x", "relative", "/", "/e\nvil"} {
		k.add(name)
	}
	if k.count != 4 || !k.dirs["/usr/bin"]["a"] || !k.dirs["/"]["usr"] || !k.dirs["/"]["e\nvil"] || len(k.dirs) != 3 {
		t.Errorf("%+v", k.dirs)
	}
}
