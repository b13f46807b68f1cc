package ntfs

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unicode"

	"hozen/collector"
	"hozen/collector/disk/image/ntfs/layout"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// FS is a volume. Names are looked up without regard to case, an exact one first;
// "name:stream" is an alternate stream of a file or directory, and is listed beside
// it. It implements collector.Files.
type FS struct {
	disk io.ReaderAt
	boot boot
	mft  *stream

	mu     sync.Mutex
	dirs   map[uint64]*listing
	listed int // entries in dirs

	keepMu sync.Mutex
	kept   map[uint64]*file // those that have very many records
}

// A listing is a directory that was read.
type listing struct {
	entries []entry
	exact   map[string]int
	folded  map[string]int
	err     error
}

// The numbers of records that every volume has.
const (
	recordMFT  = 0
	recordRoot = 5
)

// Open reads the boot sector and finds the MFT of the volume that begins at byte 0
// of disk. Where the first record of the MFT is damaged, that of its mirror is used.
func Open(disk io.ReaderAt) (*FS, error) {
	b := make([]byte, 512)
	if n, err := disk.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("boot sector: %w", err)
	}
	v, err := parseBoot(b)
	if err != nil {
		return nil, err
	}
	f := &FS{disk: disk, boot: v, dirs: map[uint64]*listing{}, kept: map[uint64]*file{}}
	if err = f.openMFT(v.mft); err != nil {
		if mirrored := f.openMFT(v.mirror); mirrored != nil {
			return nil, fmt.Errorf("MFT: %w; its mirror: %w", err, mirrored)
		}
	}
	if _, err := f.file(recordRoot); err != nil {
		return nil, fmt.Errorf("root directory: %w", err)
	}
	return f, nil
}

// openMFT reads the MFT's own record at a cluster. Its later parts may be described
// in records that its first part holds.
func (f *FS) openMFT(cluster int64) error {
	if cluster < 0 || cluster > layout.MaxCluster {
		return fmt.Errorf("cluster %d", cluster)
	}
	size := f.boot.recordSize
	f.mft = &stream{disk: f.disk, cluster: 1, runs: []layout.Run{{VCN: 0, LCN: cluster * f.boot.cluster, Length: size}}, size: size, written: size}
	r, err := f.record(recordMFT)
	if err != nil {
		return err
	}
	first, err := newStream(f.disk, f.boot.cluster, (&file{attrs: r.Attributes}).data(""))
	if first == nil {
		return err
	}
	if f.mft = first; err == nil {
		return nil
	}
	d := f.whole(r, nil)
	all, err := newStream(f.disk, f.boot.cluster, d.data(""))
	if all != nil && all.size > 0 {
		f.mft = all // what of it is described nowhere cannot be read; all else can
		return nil
	}
	return fault.Join(err, d.damage)
}

// data gives the parts of a data stream; where there is none, an empty one, as of
// a directory.
func (d *file) data(name string) []layout.Attribute {
	if isIndex(name) {
		return d.parts(layout.TypeIndexAlloc, indexName)
	}
	if parts := d.parts(layout.TypeData, name); len(parts) > 0 {
		return parts
	}
	return []layout.Attribute{{Kind: layout.TypeData, Resident: true, Value: []byte{}}}
}

// maxDirs bounds the directories that are kept, and maxListed the names in them, but
// for those of one that has more: the same clusters may be said to be the index of many.
const (
	maxDirs   = 512
	maxListed = 1 << 18
)

func (f *FS) listing(number uint64) *listing {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.dirs[number]; l != nil {
		return l
	}
	l := &listing{exact: map[string]int{}, folded: map[string]int{}}
	d, err := f.file(number)
	if err == nil {
		l.entries, err = f.list(d)
	}
	l.err = err
	for i, e := range l.entries {
		if _, twice := l.exact[e.name]; twice {
			l.err = firstError(l.err, fmt.Errorf("the name %q of record %d is there already", e.name, e.file))
			continue
		}
		l.exact[e.name] = i
		if _, ok := l.folded[fold(e.name)]; !ok {
			l.folded[fold(e.name)] = i
		}
	}
	if len(f.dirs) >= maxDirs || f.listed+len(l.entries) > maxListed {
		clear(f.dirs)
		f.listed = 0
	}
	f.dirs[number] = l
	f.listed += len(l.entries)
	return l
}

// firstError keeps the first: a damaged directory may have as many as names.
func firstError(have, more error) error {
	if have != nil {
		return have
	}
	return more
}

// fold makes names equal that differ in case alone. Windows does it with a table on
// the volume; this is Unicode's simple upper case, from which that table was made.
func fold(s string) string { return strings.Map(unicode.ToUpper, s) }

func (l *listing) find(name string) (entry, bool) {
	i, ok := l.exact[name]
	if !ok {
		i, ok = l.folded[fold(name)]
	}
	if !ok {
		return entry{}, false
	}
	return l.entries[i], true
}

// lookup finds a file, and the name of the stream that is meant.
func (f *FS) lookup(name string) (*file, string, error) {
	number, stream := uint64(recordRoot), ""
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	for i, part := range parts {
		l := f.listing(number)
		e, ok := l.find(part)
		if base, after, cut := strings.Cut(part, ":"); !ok && cut && i == len(parts)-1 {
			if e, ok = l.find(base); ok {
				stream = after
			}
		}
		if !ok {
			if l.err != nil {
				return nil, "", l.err // it may be in what could not be read
			}
			return nil, "", fs.ErrNotExist
		}
		number = e.file
	}
	d, err := f.file(number)
	return d, stream, err
}

// Lstat implements collector.Files.
func (f *FS) Lstat(name string) (*evidence.FileMeta, error) {
	d, stream, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	return d.meta(stream, f.boot.cluster)
}

// Names implements collector.Files.
func (f *FS) Names(dir string) ([]string, error) {
	d, stream, err := f.lookup(dir)
	if err != nil {
		return nil, err
	}
	if stream != "" || !d.dir {
		return nil, syscall.ENOTDIR
	}
	l := f.listing(d.number)
	var names []string
	wrong, costly := l.err, map[uint64][]string{} // names of streams of files with many records
	for _, e := range l.entries {
		if e.file == recordRoot && e.name == "." {
			continue
		}
		if e.name == "" || e.name == "." || e.name == ".." || strings.ContainsAny(e.name, "/\x00") {
			wrong = firstError(wrong, fmt.Errorf("the name %q of record %d is none", e.name, e.file))
			continue
		}
		if len(names) >= maxEntries {
			wrong = firstError(wrong, evidence.Cut("more than %d names in one directory, those of streams included", maxEntries))
			break
		}
		names = append(names, e.name)
		streams, known := costly[e.file]
		if !known {
			var lost error
			streams, lost = f.streamsOf(e.file, costly)
			wrong = firstError(wrong, lost)
		}
		for _, s := range streams {
			if len(names) >= maxEntries {
				break // told with the next name
			}
			names = append(names, e.name+":"+s)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), wrong
}

// streamsOf gives the names of the streams of a file; those of one that takes long are
// kept for its other names. The error says that there may be more. A file that cannot be
// read at all is no error here: whoever asks for it by its name has that.
func (f *FS) streamsOf(number uint64, costly map[uint64][]string) ([]string, error) {
	d, err := f.file(number)
	if err != nil {
		return nil, nil
	}
	if d.damage != nil {
		err = fmt.Errorf("record %d of the MFT may have more streams: %w", number, d.damage)
	}
	if d.records >= keepFrom {
		costly[number] = d.streams
	}
	return d.streams, err
}

// Open implements collector.Files with a collector.HoleReader. Damage that leaves
// parts of the file without a place on the disk is an error of reading those parts.
func (f *FS) Open(name string) (collector.Reader, error) {
	d, stream, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	if stream != "" && len(d.parts(layout.TypeData, stream)) == 0 && (!isIndex(stream) || len(d.data(stream)) == 0) {
		return nil, fs.ErrNotExist
	}
	if stream == "" && d.packed && len(d.parts(layout.TypeData, packedStream)) > 0 {
		return nil, fmt.Errorf("record %d of the MFT: Windows keeps its contents compressed (WOF) in the stream %s, which can be taken; without it they read as zeros", d.number, packedStream)
	}
	s, err := newStream(f.disk, f.boot.cluster, d.data(stream))
	if s == nil {
		return nil, fmt.Errorf("record %d of the MFT: %w", d.number, err)
	}
	if isIndex(stream) {
		return f.index(d, s), nil
	}
	return s, nil
}
