package volatile

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

// LoginRow is one record of utmp, wtmp or btmp (utmp(5)). A record that cannot
// be right is kept with what it says; damaged tells why.
type LoginRow struct {
	Kind     string     `json:"kind"` // utmp, wtmp, btmp
	Source   jsonl.Text `json:"source"`
	Offset   int64      `json:"offset"` // of the record in the file, after decompression
	Type     int16      `json:"type"`
	TypeName string     `json:"type_name,omitempty"`
	PID      int32      `json:"pid"`
	Line     jsonl.Text `json:"line"`
	ID       jsonl.Text `json:"id"`
	User     jsonl.Text `json:"user"`
	Host     jsonl.Text `json:"host"` // of a BOOT_TIME record, the kernel's release
	ExitTerm int16      `json:"exit_term,omitempty"`
	ExitCode int16      `json:"exit_code,omitempty"`
	Session  int64      `json:"session,omitempty"`
	Time     string     `json:"time"`
	Address  string     `json:"address,omitempty"`
	Zeroed   bool       `json:"zeroed,omitempty"` // every byte is zero: never used, or wiped
	Layout   string     `json:"layout"`           // how the file was understood
	Damaged  string     `json:"damaged,omitempty"`
}

// LastlogRow is one record of lastlog: the last login of a user.
type LastlogRow struct {
	Kind   string     `json:"kind"` // lastlog
	Source jsonl.Text `json:"source"`
	UID    int64      `json:"uid"`
	Owner  jsonl.Text `json:"owner,omitempty"`
	Time   string     `json:"time"`
	Line   jsonl.Text `json:"line"`
	Host   jsonl.Text `json:"host"`
}

// FaillockRow is one failed authentication that pam_faillock keeps.
type FaillockRow struct {
	Kind    string     `json:"kind"` // faillock
	Source  jsonl.Text `json:"source"`
	User    jsonl.Text `json:"user"`
	From    jsonl.Text `json:"from"`   // host, tty or service
	Status  uint16     `json:"status"` // 1 valid, 2 from is a host, 4 from is a tty
	Time    string     `json:"time"`
	Damaged string     `json:"damaged,omitempty"`
}

// sessionTable writes volatile/sessions.jsonl.
type sessionTable struct {
	ctx    context.Context
	h      *collector.Host
	out    *jsonl.Writer
	names  owners
	tally  evidence.Tally
	broken error // of the writer below
}

// row writes one row and says whether to go on.
func (t *sessionTable) row(v any) bool {
	if t.broken == nil {
		t.broken = t.out.Row(v)
	}
	if t.broken == nil && t.ctx.Err() != nil {
		t.broken = context.Cause(t.ctx)
	}
	return t.broken == nil
}

func (t *sessionTable) fill(files []loginFile) {
	for _, f := range files {
		if t.broken != nil {
			return
		}
		if f.same == "" {
			t.note(f.name, t.file(f))
		}
	}
	t.live()
}

// note counts an error, but not that a thing is not there.
func (t *sessionTable) note(what string, err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		t.tally.Add(what, err)
	}
}

func (t *sessionTable) file(f loginFile) error {
	switch f.kind {
	case "utmp", "wtmp", "btmp":
		return t.login(f)
	case "lastlog":
		return t.lastlog(f)
	case "faillock":
		return t.faillock(f)
	case "logind":
		return t.logind(f)
	case "database":
		return t.database(f)
	}
	return nil
}

// open opens a login file, and decompresses one that logrotate compressed with gzip.
func (t *sessionTable) open(f loginFile) (r io.Reader, size, at int64, done func(), err error) {
	file, err := t.h.OpenFollow(f.name)
	if err != nil {
		return nil, 0, 0, nil, err
	}
	done = func() { file.Close() }
	st, err := file.Stat()
	if err == nil && st.IsDir() {
		err = evidence.Skip("%s: a directory", f.name)
	}
	if err != nil {
		done()
		return nil, 0, 0, nil, err
	}
	if strings.HasSuffix(f.name, ".gz") {
		z, err := gzip.NewReader(bufio.NewReader(file))
		if err != nil {
			done()
			return nil, 0, 0, nil, err
		}
		return io.LimitReader(z, maxLoginFile), 0, 0, done, nil
	}
	at = newestPart(st.Size(), f.kind)
	return io.NewSectionReader(file, at, st.Size()-at), st.Size(), at, done, nil
}

func (t *sessionTable) login(f loginFile) error {
	if compressed(f.name, ".xz", ".zst", ".bz2", ".lz4") {
		return nil // the raw file is taken
	}
	r, size, at, done, err := t.open(f)
	if err != nil {
		return err
	}
	defer done()
	return t.records(f, bufio.NewReaderSize(r, 64*400), size, at)
}

func compressed(name string, endings ...string) bool {
	return slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(name, e) })
}

func (t *sessionTable) records(f loginFile, r *bufio.Reader, size, at int64) error {
	head, err := r.Peek(64 * 400)
	if err != nil && err != io.EOF {
		return err
	}
	l := utmpLayoutOf(head, size)
	buf := make([]byte, l.size)
	for {
		n, err := io.ReadFull(r, buf)
		if err == io.EOF {
			return nil
		}
		clear(buf[n:])
		row := loginRow(f, l, buf, at)
		if err == io.ErrUnexpectedEOF {
			row.Damaged = "truncated: " + strconv.Itoa(n) + " of " + strconv.Itoa(l.size) + " bytes"
		} else if err != nil {
			return err
		}
		if !t.row(&row) || n < l.size {
			return nil
		}
		at += int64(n)
	}
}

func loginRow(f loginFile, l utmpLayout, b []byte, at int64) LoginRow {
	r := l.decode(b)
	row := LoginRow{
		Kind: f.kind, Source: jsonl.Text(f.name), Offset: at, Type: r.Type, PID: r.PID, Line: jsonl.Text(r.Line),
		ID: jsonl.Text(r.ID), User: jsonl.Text(r.User), Host: jsonl.Text(r.Host), ExitTerm: r.ExitTerm, ExitCode: r.ExitCode,
		Session: r.Session, Zeroed: r.Zeroed, Layout: l.name, Damaged: r.damage(),
	}
	if r.Type >= 0 && int(r.Type) < len(utmpTypes) {
		row.TypeName = utmpTypes[r.Type]
	}
	if r.Addr.IsValid() {
		row.Address = r.Addr.String()
	}
	if row.Damaged == "" {
		row.Time = stamp(r.time())
	}
	return row
}

// lastlog reads the data of the file, never its holes.
func (t *sessionTable) lastlog(f loginFile) error {
	if compressed(f.name, ".gz", ".xz", ".zst", ".bz2", ".lz4") {
		return nil // the raw file is taken
	}
	file, err := t.h.OpenFollow(f.name)
	if err != nil {
		return err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil || st.IsDir() {
		return err
	}
	size, left := st.Size(), int64(maxLoginFile)
	var layout lastlogLayout
	for at := int64(0); at < size && left > 0; {
		from, to, ok := sparse.Next(file, at, size)
		if !ok {
			return nil
		}
		if layout.size == 0 {
			head := make([]byte, min(to-from, 64<<10))
			n, _ := file.ReadAt(head, from)
			layout = lastlogLayoutOf(size, head[:n])
		}
		from = max(at, from-from%int64(layout.size)) // records do not care for pages
		next, err := t.lastlogPart(f, layout, file, from, min(to, from+left))
		if err != nil || t.broken != nil {
			return err
		}
		left -= next - from
		at = next
	}
	if left <= 0 {
		return evidence.Cut("%s: more than %d bytes of data", f.name, maxLoginFile)
	}
	return nil
}

// lastlogPart reads the records that begin in [from,to), from being the start
// of one, and gives the end of the last one.
func (t *sessionTable) lastlogPart(f loginFile, l lastlogLayout, file *os.File, from, to int64) (int64, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(file, from, to-from+int64(l.size)), 64<<10)
	buf := make([]byte, l.size)
	for ; from < to; from += int64(l.size) {
		if _, err := io.ReadFull(r, buf); err != nil {
			return to, ignoreEOF(err)
		}
		if allZero(buf) {
			continue
		}
		at, line, host := l.decode(buf)
		uid := from / int64(l.size)
		if !t.row(&LastlogRow{"lastlog", jsonl.Text(f.name), uid, t.names.users[uint32(uid)], stamp(at), jsonl.Text(line), jsonl.Text(host)}) {
			break
		}
	}
	return max(from, to), nil
}

func ignoreEOF(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

func (t *sessionTable) faillock(f loginFile) error {
	b, err := t.h.ReadFile(f.name, 1<<20)
	for ; len(b) > 0 && t.broken == nil; b = b[min(tallySize, len(b)):] {
		row := FaillockRow{Kind: "faillock", Source: jsonl.Text(f.name), User: jsonl.Text(f.name[strings.LastIndexByte(f.name, '/')+1:])}
		if len(b) < tallySize {
			row.Damaged = "truncated: " + strconv.Itoa(len(b)) + " of " + strconv.Itoa(tallySize) + " bytes"
		} else {
			k := decodeTally(b)
			row.From, row.Status, row.Time = jsonl.Text(k.Source), k.Status, stamp(k.Time)
		}
		t.row(&row)
	}
	return err
}
