package parsed

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"hozen/packager/evidence"
)

// A Format is one kind of file that becomes rows.
type Format struct {
	Name string // of its table: disk/parsed/NAME.jsonl; lower case
	Doc  string // one line: what its rows tell
	// Takes says whether a file is of this format, by its name and the definitions that
	// named it. It must be quick: it is asked of every file that disk takes.
	Takes func(*File) bool
	// MaxFile bounds the bytes of one file that are read; of a larger one the beginning
	// is parsed, and the cut is recorded.
	MaxFile int64
	// Rows reads a file and emits its rows. It stops soon after ctx ends, and returns an
	// error of emit at once. Damage that it can go on behind goes to src.Damaged; an error
	// says that it could not go on. What was found before is emitted first.
	Rows func(ctx context.Context, src *Source, emit Emit) error
}

// OneRow gives the Rows of a format whose file is one row, from read: without a row its
// error says why there is none, with one what of the file is damaged.
func OneRow[T any](read func([]byte) (*T, error)) func(context.Context, *Source, Emit) error {
	return func(_ context.Context, src *Source, emit Emit) error {
		b, err := src.Bytes()
		if err != nil {
			return err
		}
		row, err := read(b)
		if row == nil {
			return &Unparsable{Err: err}
		}
		src.Damaged(err)
		return emit(*row)
	}
}

// Emit takes one row: a struct with json tags, none of which is path or item, which it
// adds. Its error (a limit, the end of the context) ends the parsing.
type Emit func(row any) error

// A File is one that disk found.
type File struct {
	Path      string             // on the host, as collector.Host has it
	Shown     string             // as people see it there; "" if that is the same
	Item      string             // that holds its raw bytes; "" if they were not taken
	Artifacts []string           // the definitions that name it
	Meta      *evidence.FileMeta // as it was when it was taken; read only
}

// Base is the last component of its name.
func (f *File) Base() string { return path.Base(f.Path) }

// Name is how people see its path on the host (collector.Host.Shown).
func (f *File) Name() string {
	if f.Shown != "" {
		return f.Shown
	}
	return f.Path
}

// HasExt says whether its name ends so, whatever the case: ".pf".
func (f *File) HasExt(ext string) bool {
	return len(f.Path) >= len(ext) && strings.EqualFold(f.Path[len(f.Path)-len(ext):], ext)
}

// IsNamed says whether the last component of its name is one of these, whatever the case.
func (f *File) IsNamed(names ...string) bool {
	base := f.Base()
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, base) })
}

// Of says whether one of these definitions names it.
func (f *File) Of(artifacts ...string) bool {
	return slices.ContainsFunc(f.Artifacts, func(a string) bool { return slices.Contains(artifacts, a) })
}

// Limits bound what parsing may cost. A zero field means its default.
type Limits struct {
	FileTime time.Duration // of one file; 5 minutes
	Time     time.Duration // of all; 20 minutes
	FileRows int64         // of one file; 4 million
	Rows     int64         // of all; 16 million
	Bytes    int64         // of all rows, before compression; 8 GiB
	// FileBytes are for the rows of any file, however small; 64 MiB. For each byte that it
	// has there are 32 more.
	FileBytes int64
	Memory    int64 // by which the heap may grow while one file is parsed; 1 GiB
}

func (l Limits) filled() Limits {
	or := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	if l.FileTime == 0 {
		l.FileTime = 5 * time.Minute
	}
	if l.Time == 0 {
		l.Time = 20 * time.Minute
	}
	or(&l.FileRows, 4<<20)
	or(&l.Rows, 16<<20)
	or(&l.Bytes, 8<<30)
	or(&l.FileBytes, 64<<20)
	or(&l.Memory, 1<<30)
	return l
}
