package parsed

import (
	"slices"
	"strings"
	"sync"

	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// maxFound bounds the files that are remembered.
const maxFound = 1 << 16

// Found is what disk found and a format takes. It is safe for concurrent use; a nil
// Found forgets all.
type Found struct {
	formats []Format

	mu     sync.Mutex
	files  []*File
	byPath map[string]*File
	more   int // files beyond maxFound
}

// NewFound remembers what one of the formats takes.
func NewFound(formats ...Format) *Found {
	return &Found{formats: formats, byPath: map[string]*File{}}
}

// Add tells of a file that was taken, or, with item "", wanted and not taken. One that
// is told of again (it was read twice) replaces what was known.
func (f *Found) Add(path, item string, artifacts []string, meta *evidence.FileMeta) {
	if f == nil || meta == nil {
		return
	}
	file := &File{Path: path, Item: item, Artifacts: artifacts, Meta: meta}
	wanted := slices.ContainsFunc(f.formats, func(x Format) bool { return x.Takes(file) })
	f.mu.Lock()
	defer f.mu.Unlock()
	switch known := f.byPath[path]; {
	case known != nil:
		*known = *file
	case len(f.files) >= maxFound:
		if wanted {
			f.more++
		}
	default: // what no format takes may lie beside what one does, and belong to it
		if wanted || isLog(path) {
			f.files = append(f.files, file)
			f.byPath[path] = file
		}
	}
}

// isLog says whether a file is a transaction log, which a format asks for beside its
// file (Source.Beside).
func isLog(path string) bool {
	base := strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
	return strings.HasSuffix(base, ".log") || strings.HasSuffix(base, ".log1") || strings.HasSuffix(base, ".log2")
}

// of gives the files that a format takes, in the order of their names.
func (f *Found) of(format Format) []*File {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*File
	for _, file := range f.files {
		if format.Takes(file) {
			own := *file
			out = append(out, &own)
		}
	}
	sorting.By(out, func(a, b *File) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// at gives a file by its name, whatever the case; nil if it was not found.
func (f *Found) at(path string) *File {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if file := f.byPath[path]; file != nil {
		own := *file
		return &own
	}
	for _, file := range f.files {
		if strings.EqualFold(file.Path, path) {
			own := *file
			return &own
		}
	}
	return nil
}
