package export

import (
	"bufio"
	"encoding/json"
	"strconv"
	"time"

	"hozen/packager"
)

const timelineTable = "data/disk/timeline.jsonl"

// bodyfile writes the timeline of files as
//
//	MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime
type bodyfile struct {
	w     *bufio.Writer
	sum   Summary
	lines lines
	line  []byte
}

func newBodyfile(w *bufio.Writer) *bodyfile {
	e := &bodyfile{w: w}
	e.lines = lines{row: e.row, odd: func() { e.sum.Rows++; e.sum.Odd++ }}
	return e
}

// Want implements packager.Taker.
func (e *bodyfile) Want(path string) bool { return path == timelineTable }

// Bytes implements packager.Taker.
func (e *bodyfile) Bytes(_ string, b []byte) error { return e.lines.write(b) }

// Record implements packager.Taker.
func (e *bodyfile) Record(r packager.RecordLine) error {
	if r.Path == timelineTable && r.Part == nil {
		e.sum.Items++
	}
	return nil
}

// Close implements Exporter.
func (e *bodyfile) Close() (Summary, error) {
	e.lines.end()
	return e.sum, e.w.Flush()
}

// fileRow is what is used of a row of disk/timeline.jsonl.
type fileRow struct {
	Path   json.RawMessage `json:"path"`
	Kind   string          `json:"kind"`
	Mode   uint32          `json:"mode"`
	UID    uint32          `json:"uid"`
	GID    uint32          `json:"gid"`
	Size   int64           `json:"size"`
	Inode  uint64          `json:"inode"`
	Link   json.RawMessage `json:"link_target"`
	Atime  string          `json:"atime"`
	Mtime  string          `json:"mtime"`
	Ctime  string          `json:"ctime"`
	Btime  string          `json:"btime"`
	Hidden bool            `json:"hidden"`
}

func (e *bodyfile) row(line []byte) error {
	e.sum.Rows++
	var r fileRow
	if json.Unmarshal(line, &r) != nil {
		e.sum.Odd++
		return nil
	}
	name, ok := text(r.Path)
	switch {
	case !ok:
		e.sum.Odd++
		return nil
	case r.Kind == "" || r.Kind == "unknown": // it could not be looked at
		e.sum.NoTime++
		return nil
	}
	e.line = e.append(e.line[:0], &r, name)
	e.sum.Written++
	_, err := e.w.Write(e.line)
	return err
}

func (e *bodyfile) append(b []byte, r *fileRow, name string) []byte {
	// The end of a field; that of an arrow, so that a name has none; and what mactime takes
	// %HH for a byte by: it drops a name with %0a without a word.
	const also = "|>%"
	b = appendSafe(append(b, "0|"...), name, also)
	if link, ok := text(r.Link); ok && link != "" {
		b = appendSafe(append(b, " -> "...), link, also)
	}
	if r.Hidden {
		b = append(b, " (hidden)"...)
	}
	b = append(strconv.AppendUint(append(b, '|'), r.Inode, 10), '|')
	b = append(append(b, modeText(r.Mode)...), '|')
	b = append(strconv.AppendUint(b, uint64(r.UID), 10), '|')
	b = append(strconv.AppendUint(b, uint64(r.GID), 10), '|')
	b = strconv.AppendInt(b, max(r.Size, 0), 10)
	for _, s := range []string{r.Atime, r.Mtime, r.Ctime, r.Btime} {
		var seconds int64
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			seconds = max(t.Unix(), 0) // mactime reads none before 1970
		}
		b = strconv.AppendInt(append(b, '|'), seconds, 10)
	}
	return append(b, '\n')
}

// modeText writes st_mode (inode(7)) as fls does: the type by the name and by the inode,
// then nine letters.
func modeText(mode uint32) string {
	kind := "-pc-d-b-r-l-s---"[mode>>12&15]
	t := []byte{kind, '/', kind}
	for i := range 9 {
		c := byte('-')
		if mode&(0o400>>i) != 0 {
			c = "rwx"[i%3]
		}
		t = append(t, c)
	}
	for i, bit := range []uint32{0o4000, 0o2000, 0o1000} {
		if at := 5 + 3*i; mode&bit != 0 && t[at] == 'x' {
			t[at] = "sst"[i]
		} else if mode&bit != 0 {
			t[at] = "SST"[i]
		}
	}
	return string(t)
}
