package volatile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A fakeProc is a process made for a test: files by name, links after "->".
type fakeProc struct {
	files  map[string]string
	errs   map[string]error
	dies   int // the read after which it is gone; 0 never
	reads  int
	second string        // what stat says when it is read again
	hang   chan struct{} // environ does not answer until it is closed
}

func (f *fakeProc) Get(dst []byte, name string, link bool, limit int) ([]byte, error) {
	f.reads++
	if f.dies > 0 && f.reads > f.dies {
		return dst, syscall.ESRCH
	}
	if f.hang != nil && name == "environ" {
		<-f.hang
	}
	if err := f.errs[name]; err != nil {
		return dst, err
	}
	if name == "stat" && f.reads > 1 && f.second != "" {
		return append(dst, f.second...), nil
	}
	data, ok := f.files[name]
	if !ok {
		return dst, syscall.ENOENT
	}
	if len(data) > limit {
		return append(dst, data[:limit]...), collector.ErrTooLong
	}
	return append(dst, data...), nil
}

func (f *fakeProc) List(dst []int, name string, _ int) ([]int, error) {
	f.reads++
	if f.dies > 0 && f.reads > f.dies {
		return dst, syscall.ESRCH
	}
	return append(dst, 0, 3), f.errs[name]
}

func (f *fakeProc) Close() error { return nil }

const fakeStat = "7 (fake) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 1234 4096 1 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"

func newFake() *fakeProc {
	return &fakeProc{errs: map[string]error{}, files: map[string]string{
		"stat": fakeStat, "status": "Uid:\t0\t0\t0\t0\nvoluntary_ctxt_switches:\t0\n", "cmdline": "a\x00b\x00", "environ": "A=1\x00",
		"cwd": "/", "root": "/", "ns/net": "net:[1]", "maps": "7f0-7f1 rw-p 00000000 00:00 0 \n",
		"fd/0": "/dev/null", "fd/3": "/tmp/x (deleted)", "fdinfo/0": "pos:\t0\n", "fdinfo/3": "pos:\t5\nflags:\t02\n",
	}}
}

// readFakes runs the collector's own way from the pool to the sink over fakes.
func readFakes(t *testing.T, fakes map[int]*fakeProc, pids ...int) *hosttest.Sink {
	t.Helper()
	b := &basis{ticks: 100, lastCap: 40, pageSize: 4096, caps: map[string]Cap{}}
	h := &collector.Host{Root: t.TempDir()}
	ended := make(chan struct{})
	p := proc.NewPool(t.Context(), func() func(context.Context, int, *procRead) {
		return (&procReader{host: h, basis: b.forWorker(), images: newProcImages(b), open: func(pid int) (proc.Dir, error) {
			if f := fakes[pid]; f != nil {
				return f, nil
			}
			return nil, fs.ErrNotExist
		}}).process
	}, func() { close(ended) })
	for _, f := range fakes {
		if f.hang != nil {
			p.Patience = time.Second
		}
	}
	var s hosttest.Sink
	g := &procGathering{to: &s, pool: p, pids: pids}
	if err := g.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.Close()
	for _, f := range fakes {
		if f.hang != nil {
			close(f.hang)
		}
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("a worker did not end")
	}
	return &s
}

func TestProcessEndsAtEveryRead(t *testing.T) {
	whole := newFake()
	readFakes(t, map[int]*fakeProc{7: whole}, 7)
	for dies := 1; dies < whole.reads; dies++ {
		f := newFake()
		f.dies = dies
		s := readFakes(t, map[int]*fakeProc{7: f}, 7)
		rows := strictRows[Process](t, s.Body(processTable))
		raw, _ := s.Record("volatile/processes/7-1234.txt")
		if len(rows) != 1 || !rows[0].Gone || rows[0].Comm == nil || *rows[0].Comm != "fake" {
			t.Errorf("dies after read %d: rows %+v", dies, rows)
		}
		row := string(s.Body(processTable))
		for what, after := range map[string]int{`"session":7`: 1, `"kernel_thread":false`: 1, `"voluntary_switches":0`: 2, `"uid":`: 2, `"argv":`: 3, `"environ":`: 4} {
			if strings.Contains(row, what) != (dies >= after) {
				t.Errorf("dies after read %d: %s is written %v: %s", dies, what, dies < after, row)
			}
		}
		if raw.Outcome != evidence.Partial || raw.Shortfall {
			t.Errorf("dies after read %d: %s, shortfall %v: %s", dies, raw.Outcome, raw.Shortfall, raw.Note)
		}
		if table, _ := s.Record(processTable); table.Outcome != evidence.Collected {
			t.Errorf("dies after read %d: a process that ends makes the table %s: %s", dies, table.Outcome, table.Note)
		}
	}
}

func TestProcessGoneBeforeItIsRead(t *testing.T) {
	s := readFakes(t, map[int]*fakeProc{7: newFake()}, 6, 7)
	rows := strictRows[Process](t, s.Body(processTable))
	if line, _, _ := strings.Cut(string(s.Body(processTable)), "\n"); line != `{"pid":6,"gone":true,"unread":"`+string(rows[0].Unread)+`"}` {
		t.Errorf("more is told of the process that had ended than was read: %s", line)
	}
	if len(rows) != 2 || rows[0].PID != 6 || !rows[0].Gone || rows[0].Unread == "" || rows[1].Gone {
		t.Errorf("rows %+v", rows)
	}
	if r, ok := s.Record("volatile/processes/6-unread.txt"); !ok || r.Outcome != evidence.Absent || r.Shortfall {
		t.Errorf("raw item %+v", r)
	}
}

func TestProcessNumberIsUsedAgain(t *testing.T) {
	f := newFake()
	f.second = strings.Replace(fakeStat, " 1234 ", " 9999 ", 1)
	s := readFakes(t, map[int]*fakeProc{7: f}, 7)
	rows := strictRows[Process](t, s.Body(processTable))
	if len(rows) != 1 || !rows[0].Gone || *rows[0].StartTicks != 1234 || !strings.Contains(string(s.Body("volatile/processes/7-1234.txt")), "another process") {
		t.Errorf("rows %+v\n%s", rows, s.Body("volatile/processes/7-1234.txt"))
	}
}

func TestProcessUnderAMount(t *testing.T) {
	s := readFakes(t, map[int]*fakeProc{8: newFake()}, 8) // says that it is 7
	r, _ := s.Record("volatile/processes/8-unread.txt")
	table, _ := s.Record(processTable)
	if r.Outcome != evidence.Partial || !r.Shortfall || !strings.Contains(r.Note, proc.ErrMounted.Error()) || table.Outcome != evidence.Partial || !table.Shortfall {
		t.Errorf("raw %+v\ntable %+v", r, table)
	}
}

func TestProcessDenied(t *testing.T) {
	f := newFake()
	for _, name := range []string{"environ", "maps", "fd", "cwd", "ns/net"} {
		f.errs[name] = syscall.EACCES
	}
	f.errs["io"] = syscall.EIO
	f.files["cmdline"] = strings.Repeat("x", limitArgs+1)
	s := readFakes(t, map[int]*fakeProc{7: f}, 7)
	row := strictRows[Process](t, s.Body(processTable))[0]
	for _, name := range []string{"environ", "maps", "fd", "cwd", "ns", "io", "cmdline"} {
		if row.Errors[name] == "" {
			t.Errorf("%s: no error in %v", name, row.Errors)
		}
	}
	if len(row.Argv) != 1 || len(row.Argv[0]) != limitArgs || row.Mappings != nil || row.Gone {
		t.Errorf("row %.300v", row)
	}
	for _, path := range []string{processTable, "volatile/processes/7-1234.txt"} {
		if r, _ := s.Record(path); r.Outcome != evidence.Partial || !r.Shortfall {
			t.Errorf("%s: %s %q", path, r.Outcome, r.Note)
		}
	}
	if r, _ := s.Record(mapTable); r.Outcome != evidence.Denied || !r.Shortfall {
		t.Errorf("maps: %s %q", r.Outcome, r.Note)
	}
}

func TestProcessThatHangsIsLeftBehind(t *testing.T) {
	fakes := map[int]*fakeProc{}
	var pids []int
	for pid := 1; pid <= 40; pid++ {
		f := newFake()
		f.files["stat"] = fmt.Sprintf("%d%s", pid, fakeStat[1:])
		if pid == 2 || pid == 3 {
			f.hang = make(chan struct{})
		}
		fakes[pid] = f
		pids = append(pids, pid)
	}
	s := readFakes(t, fakes, pids...)
	rows := strictRows[Process](t, s.Body(processTable))
	if len(rows) != 40 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, r := range rows {
		hung := r.PID == 2 || r.PID == 3
		if r.PID != i+1 || hung != (r.Unread != "") {
			t.Errorf("row %d: pid %d, unread %q", i+1, r.PID, r.Unread)
		}
	}
	if r, _ := s.Record("volatile/processes/2-unread.txt"); r.Outcome != evidence.Failed || !r.Shortfall {
		t.Errorf("%+v", r)
	}
}

// TestImageUnreadable holds that an image that cannot be read whole has an
// error, never the hash of the part that could, or of nothing.
func TestImageUnreadable(t *testing.T) {
	h := &collector.Host{Root: t.TempDir()}
	for name, plant := range map[string]func(at string) error{
		"1": func(at string) error { return os.Mkdir(at, 0o755) },
		"2": func(at string) error { return os.Symlink("/nowhere", at) },
		"3": func(at string) error { return os.WriteFile(at, []byte("short"), 0o644) },
	} {
		dir := filepath.Join(h.Root, "proc", name)
		if err := errors.Join(os.MkdirAll(dir, 0o755), plant(filepath.Join(dir, "exe"))); err != nil {
			t.Fatal(err)
		}
		sum, err := hashImage(t.Context(), h, "/proc/"+name+"/exe", imageKey{size: 99})
		if sum != "" || err == nil {
			t.Errorf("%s: hash %q, error %v", name, sum, err)
		}
	}
	for _, pid := range []int{1, 2} {
		img := newProcImages(&basis{}).of(t.Context(), h, pid, "/bin/x")
		if img.SHA256 != "" || img.Error == "" || img.err == nil {
			t.Errorf("%d: %+v", pid, img)
		}
	}
}

func TestImageWithoutHash(t *testing.T) {
	b := &basis{}
	img := newProcImages(b).of(t.Context(), &collector.Host{Root: t.TempDir()}, 7, "/bin/x (deleted)")
	if img.SHA256 != "" || img.Error == "" || !img.Deleted || img.Path != "/bin/x" || !errors.Is(img.err, fs.ErrNotExist) {
		t.Errorf("%+v", img)
	}
}
