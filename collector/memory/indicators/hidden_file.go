package indicators

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// Bounds of the comparison of files.
const (
	fileLooks    = 4
	maxDirs      = 4096
	maxFileNames = 1 << 17
	maxDirNames  = 100_000         // in a directory; larger ones are left out
	filesTime    = 5 * time.Second // of a busy machine; an idle one needs a hundredth
)

// knownNames are names of files that processes run, map, hold open or are in, by
// directory: each must be in the listing of its directory, and so must the
// directory in that of its own.
type knownNames struct {
	mu    sync.Mutex
	dirs  map[string]map[string]bool
	count int
	cut   int
}

// add takes an absolute name apart.
func (k *knownNames) add(name string) {
	if !strings.HasPrefix(name, "/") || path.Clean(name) != name || strings.HasSuffix(name, proc.DeletedMark) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for name != "/" {
		dir, base := path.Dir(name), path.Base(name)
		if k.dirs[dir][base] {
			return // and so are those above
		}
		if k.count >= maxFileNames || len(k.dirs) >= maxDirs {
			k.cut++
			return
		}
		if k.dirs == nil {
			k.dirs = map[string]map[string]bool{}
		}
		if k.dirs[dir] == nil {
			k.dirs[dir] = map[string]bool{}
		}
		k.dirs[dir][base] = true
		k.count++
		name = dir
	}
}

// noteNames takes the names that a process knows, where they mean for us what
// they mean for it.
func (s *survey) noteNames(p *process) {
	if !p.ourMounts {
		return
	}
	if root, err := p.dir.Get(nil, "root", true, limitText); err != nil || string(root) != "/" {
		return
	}
	if cwd, err := p.dir.Get(nil, "cwd", true, limitText); err == nil {
		s.names.add(string(cwd))
	}
	s.names.add(p.exe)
	for _, d := range p.fds {
		s.names.add(d.target)
	}
	last := ""
	for _, m := range p.maps {
		if m.Inode != 0 && !m.Deleted && m.Path != last {
			last = m.Path
			s.names.add(m.Path)
		}
	}
}

// A dirEntry is what getdents64(2) says of a name.
type dirEntry struct {
	name  string
	inode uint64
	isDir bool
	typed bool // the file system tells the type
}

// A fileView is the two ways to a file that are compared.
type fileView struct {
	list  func(dir string) ([]dirEntry, error)
	lstat func(name string) (*evidence.FileMeta, error)
	wait  func(ctx context.Context, d time.Duration)
}

// A missedFile is a name that lookup finds and no listing showed; of a directory
// with an empty name, subdirectories that only its link count knows.
type missedFile struct {
	dir, name  string
	dev, inode uint64
	count      int // of subdirectories
}

// checkHiddenFiles compares the listings of directories with names that are known.
func checkHiddenFiles(s *survey) {
	view, err := newFileView(s.host)
	if err != nil {
		s.note("hidden files", err)
		return
	}
	for _, dir := range []string{"/", "/dev", "/dev/shm", "/etc", "/home", "/opt", "/root", "/run", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/sbin", "/usr/local", "/usr/share", "/var", "/var/lib", "/var/tmp"} {
		s.names.addDir(dir)
	}
	var tally evidence.Tally
	found, told := view.compare(s.ctx, &s.names, s.mounts(), &tally)
	if s.names.cut > 0 {
		tally.Add("names", evidence.Cut("%d names left out: more than %d names or %d directories", s.names.cut, maxFileNames, maxDirs))
	}
	member := s.put("hidden-files.txt", "listings of directories, and names that processes know", func(w io.Writer) error {
		if _, err := io.WriteString(w, told); err != nil {
			return err
		}
		return tally.Err()
	})
	for _, m := range found {
		s.report(m.finding(member))
	}
}

// addDir has a directory's link count looked at.
func (k *knownNames) addDir(dir string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dirs == nil {
		k.dirs = map[string]map[string]bool{}
	}
	if k.dirs[dir] == nil && len(k.dirs) < maxDirs {
		k.dirs[dir] = map[string]bool{}
	}
}

func (m *missedFile) finding(member string) finding {
	full := path.Join(m.dir, m.name)
	f := finding{id: "hidden-file", object: "file " + full, evidence: []string{member}}
	if m.name == "" {
		f.object, f.level = "directory "+m.dir, memory.Medium
		f.seen = fmt.Sprintf("its link count tells of %d subdirectories that none of %d listings showed", m.count, fileLooks)
		f.views = []memory.View{
			{Source: "st_nlink of " + m.dir, Says: jsonl.Text(fmt.Sprintf("there are %d more subdirectories", m.count))},
			{Source: "getdents64 of " + m.dir, Says: "there are none"},
		}
		return f
	}
	f.seen = fmt.Sprintf("lookup found it before and after each of %d listings of its directory, none of which showed it", fileLooks)
	f.views = []memory.View{
		{Source: "lookup of the name", Says: jsonl.Text(fmt.Sprintf("it is there, inode %d of device %d:%d", m.inode, m.dev>>8&0xfff, m.dev&0xff))},
		{Source: "getdents64 of " + m.dir, Says: "there is no such name, and nothing with this inode"},
	}
	return f
}

// listable are file systems of this machine's own whose listings show all that
// lookup finds. Others, such as proc, automounts and snapshot directories, do not.
func listable(fstype string) bool {
	return slices.Contains([]string{"ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "ramfs", "devtmpfs", "rootfs", "overlay", "f2fs", "squashfs", "erofs", "jfs", "reiserfs", "bcachefs"}, fstype)
}

// countsLinks says whether a directory's link count is two and the number of its
// subdirectories.
func countsLinks(fstype string) bool {
	return slices.Contains([]string{"ext2", "ext3", "ext4", "xfs", "tmpfs", "ramfs", "devtmpfs", "jfs"}, fstype)
}

// compare looks at every directory once, and again at what was missed.
func (v *fileView) compare(ctx context.Context, known *knownNames, mounts []proc.Mount, tally *evidence.Tally) (found []missedFile, told string) {
	known.mu.Lock()
	defer known.mu.Unlock()
	began, looked, passed := time.Now(), 0, 0
	points := map[string]bool{} // what is mounted there may be slow, and is another file system in any case
	for _, m := range mounts {
		points[m.Point] = true
	}
	var first []missedFile
	for i, dir := range slices.Sorted(maps.Keys(known.dirs)) {
		if ctx.Err() != nil || time.Since(began) > filesTime {
			tally.Add("directories", evidence.Cut("%d of %d not looked at: time", len(known.dirs)-i, len(known.dirs)))
			break
		}
		m, ok := proc.MountAt(mounts, dir)
		if !ok || !listable(m.Type) {
			passed++
			continue
		}
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(known.dirs[dir])), func(name string) bool { return points[path.Join(dir, name)] })
		missed, err := v.look(dir, names, countsLinks(m.Type))
		if err != nil && !proc.IsGone(err) {
			tally.Add(dir, err)
		}
		looked++
		first = append(first, missed...)
	}
	left := first
	for look := 1; look < fileLooks && len(left) > 0 && ctx.Err() == nil; look++ {
		v.wait(ctx, pause(look+2))
		left = v.again(left)
	}
	if ctx.Err() != nil {
		left = nil
	}
	told = fmt.Sprintf("directories listed: %d; on file systems whose listings are not whole by nature: %d\nnames known: %d; not in the first listing: %d; in none of %d: %d\n",
		looked, passed, known.count, len(first), fileLooks, len(left))
	for _, m := range left {
		told += fmt.Sprintf("%q %q device %d inode %d subdirectories %d\n", m.dir, m.name, m.dev, m.inode, m.count)
	}
	return left, told
}

// look compares one directory with names.
func (v *fileView) look(dir string, names []string, links bool) (missed []missedFile, err error) {
	before := make([]*evidence.FileMeta, len(names))
	for i, name := range names {
		before[i], _ = v.lstat(path.Join(dir, name))
	}
	own, err := v.lstat(dir)
	if err != nil {
		return nil, err
	}
	list, err := v.list(dir)
	if err != nil {
		return nil, err // a listing that is not whole proves nothing
	}
	byName, byInode, subdirs, typed := map[string]bool{}, map[uint64]bool{}, 0, true
	for _, e := range list {
		byName[e.name], byInode[e.inode] = true, true
		typed = typed && e.typed
		if e.isDir {
			subdirs++
		}
	}
	for i, name := range names {
		b := before[i]
		if b == nil || byName[name] || byInode[b.Inode] { // the inode: another spelling, where that is the same
			continue
		}
		if a, err := v.lstat(path.Join(dir, name)); err == nil && a.Inode == b.Inode && a.Dev == b.Dev && a.Dev == own.Dev {
			missed = append(missed, missedFile{dir: dir, name: name, dev: a.Dev, inode: a.Inode})
		}
	}
	after, err := v.lstat(dir)
	if links && typed && err == nil && own.Nlink == after.Nlink && own.Inode == after.Inode && int(own.Nlink)-2 > subdirs && own.Mtime.Equal(after.Mtime) {
		missed = append(missed, missedFile{dir: dir, dev: own.Dev, inode: own.Inode, count: int(own.Nlink) - 2 - subdirs})
	}
	return missed, nil
}

// again looks once more, and keeps what is missed in the same way.
func (v *fileView) again(old []missedFile) (left []missedFile) {
	for i := 0; i < len(old); {
		j, links := i, false
		var names []string
		for ; j < len(old) && old[j].dir == old[i].dir; j++ {
			if old[j].name == "" {
				links = true
			} else {
				names = append(names, old[j].name)
			}
		}
		now, _ := v.look(old[i].dir, names, links)
		for _, m := range now {
			if slices.Contains(old[i:j], m) {
				left = append(left, m)
			}
		}
		i = j
	}
	return left
}
