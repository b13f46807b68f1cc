// Package added puts files that the responder brings into the archive: a log of a
// router or UTM, a capture, a photograph of the screen, a form. They are read from
// where we run, not from the examined machine, and are evidence of this case like all
// else, with the hashes of the time at which they were added.
//
// Its items, documented row by row in SCHEMA.md:
//
//   - added.jsonl: one row for every file
//   - added/<n>-<base name>: contents
//   - added/<n>/…: what was made of a capture (see Options.Captures)
//
// Begin with Added; Check is what the command line calls first.
package added

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// Options says what else is done with files.
type Options struct {
	// Captures, if not nil, is called for each file that begins as a pcap or pcapng
	// does, after its contents were put: n is its number, name what the responder
	// called it, open gives its contents again. Its items belong below added/<n>/. It
	// returns only an error of the sink. What came through a pipe cannot be read
	// again, and is not given to it.
	Captures func(ctx context.Context, n int, name string, open func() (io.ReadCloser, error), to evidence.Sink) error
}

// A Row is one row of added.jsonl.
type Row struct {
	Number   int              `json:"number"` // in the order of the command line, from 1
	Path     jsonl.Text       `json:"path"`   // as it was given
	Absolute jsonl.Text       `json:"absolute,omitempty"`
	Item     jsonl.Text       `json:"item,omitempty"` // the path in the archive
	Size     int64            `json:"size"`           // bytes that were taken
	Mtime    string           `json:"mtime,omitempty"`
	Began    string           `json:"read_began"`
	Ended    string           `json:"read_ended"`
	Capture  bool             `json:"capture,omitempty"` // it begins as a pcap or pcapng does
	Outcome  evidence.Outcome `json:"outcome"`
	Reason   jsonl.Text       `json:"reason,omitempty"`
}

// Added takes the files, whole: no budget limits what a person chose to bring.
func Added(files []string, o Options) collector.Collector {
	return collector.Collector{
		Name: "added", Doc: "files that the responder brings, as evidence of this case",
		Volatility: collector.Disk,
		Limit:      collector.Limit{Time: 6 * time.Hour}, // against one that never ends
		Asked:      "--add",
		Estimate:   func(*collector.Host) collector.Estimate { return estimate(files) },
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collect(ctx, h, to, files, o)
		},
	}
}

// Check looks at the files before anything begins: one that is not there, may not be
// read, or is neither a regular file nor a pipe by its number (/dev/fd/N, as a shell
// gives for <(…)) is an error that names it.
func Check(files []string) error {
	for _, name := range files {
		st, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("--add: %w", err)
		}
		switch m := st.Mode(); {
		case m.IsRegular():
		case m&os.ModeNamedPipe != 0 && isDescriptor(name):
			continue // opening it here might take what is in it
		case m.IsDir():
			return fmt.Errorf("--add: %s: it is a directory: name its files, or pack them into one", name)
		case m&os.ModeNamedPipe != 0:
			return fmt.Errorf("--add: %s: it is a FIFO: reading it would wait for who writes", name)
		default:
			return fmt.Errorf("--add: %s: it is no file, but a device or socket", name)
		}
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("--add: %w", err)
		}
		f.Close()
	}
	return nil
}

// isDescriptor says whether a name is that of a descriptor of ours.
func isDescriptor(name string) bool {
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return name == "/dev/stdin"
}

// estimate adds the sizes: some 150 MB/s.
func estimate(files []string) (e collector.Estimate) {
	for _, name := range files {
		if st, err := os.Stat(name); err == nil && st.Mode().IsRegular() {
			e.Bytes += st.Size()
		}
	}
	e.Time = time.Duration(e.Bytes) * 7
	return e
}

func collect(ctx context.Context, h *collector.Host, to evidence.Sink, files []string, o Options) error {
	if len(files) == 0 {
		return to.Put(ctx, tableItem(), func(io.Writer) error { return evidence.NotHere("no file was added") })
	}
	rows := make([]Row, 0, len(files))
	for i, name := range files {
		row, err := add(ctx, h, to, i+1, name)
		if err != nil {
			return err
		}
		rows = append(rows, row)
		if !row.Capture || o.Captures == nil || isDescriptor(name) {
			continue
		}
		open := func() (io.ReadCloser, error) { return os.Open(name) }
		if err := o.Captures(ctx, i+1, name, open, to); err != nil {
			return err
		}
	}
	return to.Put(context.WithoutCancel(ctx), tableItem(), func(w io.Writer) error { return jsonl.Write(w, rows) })
}

func tableItem() evidence.Item { return evidence.Item{Path: "added.jsonl", Source: "--add"} }

// add puts one file and makes its row.
func add(ctx context.Context, h *collector.Host, to evidence.Sink, n int, name string) (Row, error) {
	row := Row{Number: n, Path: jsonl.Text(name), Began: stamp(h.Time())}
	if abs, err := filepath.Abs(name); err == nil && abs != name {
		row.Absolute = jsonl.Text(abs)
	}
	item := evidence.Item{Path: fmt.Sprintf("added/%d-%s", n, filepath.Base(name)), Source: name, OldHashes: true}
	item.File = metaOf(name)
	if item.File != nil {
		row.Mtime = stamp(item.File.Mtime)
	}
	done := make(chan result, 1) // a fill that is left behind gives nothing
	err := to.Put(ctx, item, func(w io.Writer) error {
		r := copyFile(ctx, w, name, item.File)
		done <- r
		return r.err
	})
	r := result{err: context.Cause(ctx)}
	select {
	case r = <-done:
	default:
	}
	var note string
	row.Outcome, note, _ = evidence.Classify(r.err, r.taken)
	row.Reason, row.Size, row.Capture, row.Ended = jsonl.Text(note), r.taken, isCapture(r.head[:]), stamp(h.Time())
	if r.taken > 0 || r.err == nil {
		row.Item = jsonl.Text(item.Path)
	}
	return row, err
}

// metaOf describes a regular file by its name; nil for a pipe or what is not there.
func metaOf(name string) *evidence.FileMeta {
	real, err := filepath.EvalSymlinks(name)
	if err != nil || isDescriptor(name) {
		return nil
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil
	}
	here := collector.ThisHost()
	m, err := here.Lstat(real)
	if err != nil || !m.Regular() {
		return nil
	}
	return m
}

// A result is what came of reading one file.
type result struct {
	head  [4]byte
	taken int64
	err   error
}

// copyFile writes a file; a regular one up to the size that it had, so that one that
// is still written to comes to an end.
func copyFile(ctx context.Context, w io.Writer, name string, m *evidence.FileMeta) (r result) {
	f, err := os.Open(name)
	if err != nil {
		return result{err: err}
	}
	defer f.Close()
	left := int64(1<<63 - 1)
	if m != nil {
		left = m.Size
	}
	buf := make([]byte, 256<<10)
	for left > 0 {
		if ctx.Err() != nil {
			r.err = context.Cause(ctx)
			return r
		}
		n, err := f.Read(buf[:min(left, int64(len(buf)))])
		if r.taken < int64(len(r.head)) {
			copy(r.head[r.taken:], buf[:n])
		}
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				r.err = werr
				return r
			}
			r.taken, left = r.taken+int64(n), left-int64(n)
		}
		if err == io.EOF {
			if m != nil {
				r.err = evidence.Gone("shrank from %d to %d bytes while it was read", m.Size, r.taken)
			}
			return r
		}
		if err != nil {
			r.err = err
			return r
		}
	}
	if st, err := f.Stat(); err == nil && m != nil && st.Size() > m.Size {
		r.err = evidence.Gone("grew from %d to %d bytes while it was read; the first %d are here", m.Size, st.Size(), m.Size)
	}
	return r
}

// isCapture says whether a file begins as a pcap does, of either byte order, with
// micro- or nanoseconds (draft-ietf-opsawg-pcap), or as a pcapng (draft-ietf-opsawg-pcapng).
func isCapture(head []byte) bool {
	switch string(head) {
	case "\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1", "\x0a\x0d\x0d\x0a":
		return true
	}
	return false
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }
