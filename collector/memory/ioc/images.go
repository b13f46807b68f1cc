package ioc

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A FileRow is a row of memory/ioc/files.jsonl: one file that processes run or
// have mapped, with the hashes that the lists ask for.
type FileRow struct {
	Path    jsonl.Text     `json:"path"` // as the first process that has it names it
	Deleted bool           `json:"deleted,omitempty"`
	Dev     string         `json:"dev"` // major:minor, hex, as in maps
	Inode   uint64         `json:"inode"`
	Size    int64          `json:"size"`
	Process memory.Subject `json:"process"` // the first that has it
	MD5     string         `json:"md5,omitempty"`
	SHA1    string         `json:"sha1,omitempty"`
	SHA256  string         `json:"sha256,omitempty"`
	Error   jsonl.Text     `json:"error,omitempty"` // why there is no hash
}

const (
	maxFiles    = 1 << 16
	maxFileSize = 1 << 30
	// patience is how long a file or a process may give nothing; then the reading is
	// left behind, at most maxHung times.
	patience = 15 * time.Second
	maxHung  = 4
)

// An imageSearch hashes the files that processes run or have mapped, each once.
type imageSearch struct {
	search *Search
	host   *collector.Host
	seen   map[string]bool // by device and inode
	hung   int
	tally  evidence.Tally
}

// process hashes the files of one process and calls row for each that is new.
func (s *imageSearch) process(ctx context.Context, pid int, row func(*FileRow) error) error {
	dir := "/proc/" + strconv.Itoa(pid)
	if s.hung >= maxHung {
		s.tally.Add(dir, evidence.Cut("%d gave no answer: no more are looked at", s.hung))
		return nil
	}
	var p pulse
	text, err := patiently(ctx, &p, patience, func() ([]byte, error) { return s.host.ReadFile(dir+"/maps", 64<<20) })
	if p.abandoned.Load() {
		s.hung++
	}
	if len(text) == 0 {
		if o, _, _ := evidence.Classify(err, 0); o != evidence.Absent {
			s.tally.Add(dir+"/maps", err)
		}
		return nil
	}
	exe, _ := s.host.Readlink(dir + "/exe")
	exe, _ = strings.CutSuffix(exe, proc.DeletedMark)
	subject := s.subject(dir, pid, exe)
	mappings, _, _ := proc.ParseMappings(string(text))
	for i := range mappings {
		m := &mappings[i]
		key := m.Dev + ":" + strconv.FormatUint(m.Inode, 10)
		r := region{Mapping: *m}
		if m.Inode == 0 || s.seen[key] || m.Readable() && !r.readable() || ctx.Err() != nil {
			continue
		}
		if len(s.seen) >= maxFiles {
			s.tally.Add("files", evidence.Cut("more than %d files", maxFiles))
			return nil
		}
		s.seen[key] = true
		out := &FileRow{Path: jsonl.Text(m.Path), Deleted: m.Deleted, Dev: m.Dev, Inode: m.Inode, Process: subject}
		s.file(ctx, dir, m, exe, out)
		if err := row(out); err != nil {
			return err
		}
	}
	return nil
}

func (s *imageSearch) subject(dir string, pid int, exe string) memory.Subject {
	out := memory.Subject{PID: pid, Exe: jsonl.Text(exe)}
	if stat, err := proc.ReadStat(s.host, dir); err == nil {
		out.StartTicks, out.Comm = stat.Start(), jsonl.Text(stat.Comm)
	}
	return out
}

// file opens and hashes one file. The image is opened as the kernel holds it; a
// library by its mapping, which needs privilege, or by its name.
func (s *imageSearch) file(ctx context.Context, dir string, m *proc.Mapping, exe string, out *FileRow) {
	names := []string{dir + "/map_files/" + strconv.FormatUint(m.Start, 16) + "-" + strconv.FormatUint(m.End, 16)}
	if m.Path == exe {
		names = append([]string{dir + "/exe"}, names...)
	} else if !m.Deleted {
		names = append(names, m.Path)
	}
	if s.avoided(m.Path) {
		s.failed(out, evidence.Cut("not looked at: what is mounted there may never answer"))
		return
	}
	if s.hung >= maxHung {
		s.failed(out, evidence.Cut("%d files gave no answer: no more are opened", maxHung))
		return
	}
	var p pulse
	read, err := patiently(ctx, &p, patience, func() (hashed, error) { return s.hash(ctx, &p, names, m.Inode) })
	if p.abandoned.Load() {
		s.hung++
	}
	s.take(out, read, err)
}

func (s *imageSearch) avoided(path string) bool {
	for _, point := range s.host.Avoid {
		if proc.Under(path, point) {
			return true
		}
	}
	return false
}

func (s *imageSearch) failed(out *FileRow, err error) {
	s.tally.Add(string(out.Path), err)
	out.Error = jsonl.Text(err.Error())
}

// hashed is what came of reading a file.
type hashed struct {
	size int64
	sums digests
}

var errAnotherFile = errors.New("its name belongs to another file by now")

// hash reads the first of the names that is the file.
func (s *imageSearch) hash(ctx context.Context, p *pulse, names []string, inode uint64) (out hashed, err error) {
	for _, name := range names {
		var st *evidence.FileMeta
		if st, err = s.host.Stat(name); err != nil {
			continue
		}
		if !st.Regular() || st.Inode != inode && s.host.Live {
			err = errAnotherFile
			continue
		}
		f, openErr := s.host.OpenFollow(name)
		if err = openErr; err != nil {
			continue
		}
		defer f.Close()
		out.sums = newDigests(s.search.hashKinds)
		out.size, err = out.sums.read(ctx, p, f)
		return out, err
	}
	return out, err
}

func (d digests) read(ctx context.Context, p *pulse, f io.Reader) (n int64, err error) {
	buf := make([]byte, 128<<10)
	for {
		if ctx.Err() != nil || p.abandoned.Load() {
			return n, context.Canceled
		}
		p.beat()
		k, err := f.Read(buf)
		d.write(buf[:k])
		n += int64(k)
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		case n > maxFileSize:
			return n, evidence.Cut("larger than the limit of %d bytes", maxFileSize)
		}
	}
}

// take puts what was read into the row, and keeps a hit.
func (s *imageSearch) take(out *FileRow, read hashed, err error) {
	if out.Size = read.size; err != nil {
		if o, _, _ := evidence.Classify(err, 0); o == evidence.Absent || errors.Is(err, errAnotherFile) {
			out.Error = jsonl.Text(err.Error())
			return
		}
		s.failed(out, err)
		return
	}
	hexes := read.sums.hex()
	for _, sum := range hexes {
		switch len(sum) {
		case 32:
			out.MD5 = sum
		case 40:
			out.SHA1 = sum
		case 64:
			out.SHA256 = sum
		}
	}
	for _, of := range s.search.known(hexes) {
		s.search.hits.add(&s.search.indicators[of], int(of), "file "+out.Dev+" "+strconv.FormatUint(out.Inode, 10), func(h *Hit) {
			h.In, h.File, h.Process = "file", out.Path, &out.Process
		})
	}
}
