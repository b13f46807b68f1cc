package packager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"hozen/packager/evidence"
)

// A memDisk is a Disk in memory whose call number failAt goes wrong, and none after
// it is better: a full medium stays full.
type memDisk struct {
	files  map[string][]byte
	calls  int
	failAt int    // 0: never
	failed string // what it was
	once   bool   // later calls work again
}

var errDisk = errors.New("the disk is broken")

func (d *memDisk) step(what string) error {
	d.calls++
	if d.failAt > 0 && (d.calls == d.failAt || d.calls > d.failAt && !d.once) {
		d.failed = or(d.failed, what)
		return fmt.Errorf("%s: %w", what, errDisk)
	}
	return nil
}

func (d *memDisk) Create(name string) (File, error) {
	if err := d.step("create " + name); err != nil {
		return nil, err
	}
	if _, ok := d.files[name]; ok {
		return nil, os.ErrExist
	}
	d.files[name] = []byte{}
	return &memFile{d, name}, nil
}

func (d *memDisk) Append(name string) (File, error) {
	return &memFile{d, name}, d.step("append " + name)
}

func (d *memDisk) Rename(from, to string) error {
	if err := d.step("rename"); err != nil {
		return err
	}
	d.files[to] = d.files[from]
	delete(d.files, from)
	return nil
}

type memFile struct {
	d    *memDisk
	name string
}

func (f *memFile) Write(b []byte) (int, error) {
	if err := f.d.step("write " + f.name); err != nil {
		// Half of it is there: as on a medium that became full.
		f.d.files[f.name] = append(f.d.files[f.name], b[:len(b)/2]...)
		return len(b) / 2, err
	}
	f.d.files[f.name] = append(f.d.files[f.name], b...)
	return len(b), nil
}

func (f *memFile) Sync() error  { return f.d.step("sync " + f.name) }
func (f *memFile) Close() error { return f.d.step("close " + f.name) }

// writeOn makes an archive of three segments, and gives the first error.
func writeOn(o Options) error {
	w, err := Create(o)
	if err != nil {
		return err
	}
	defer w.Abort()
	for i := range 2 {
		err := w.Put(context.Background(), evidence.Item{Path: fmt.Sprint("item", i), Collector: "test"},
			func(out io.Writer) error { _, err := fmt.Fprintln(out, "line", i); return err })
		if err != nil {
			return err
		}
		if _, err := w.Checkpoint(); err != nil {
			return err
		}
		if err := w.Event(Event{Event: "isolated", Detail: []EventDetail{{"after", strings.Repeat("drop\n", 2000)}}}); err != nil {
			return err
		}
	}
	_, err = w.Seal("")
	return err
}

// Whatever call of the disk fails, the writer says so, and what is left behind is
// never taken for a whole archive, but where its last byte had been written.
func TestEveryDiskCallFails(t *testing.T) {
	name := ArchiveName(forgedID)
	for _, once := range []bool{false, true} {
		for n := 1; ; n++ {
			o := testOptions(t, "")
			d := &memDisk{files: map[string][]byte{}, failAt: n, once: once}
			o.Disk = d
			err := writeOn(o)
			if d.failed == "" {
				if err != nil || n < 20 {
					t.Errorf("nothing failed in %d calls, yet: %v", n, err)
				}
				break
			}
			if !errors.Is(err, errDisk) {
				t.Errorf("call %d (%s) failed, and the writer said: %v", n, d.failed, err)
			}
			if b, ok := d.files[name]; ok {
				t.Errorf("call %d (%s) failed, and there is %s with %d bytes", n, d.failed, name, len(b))
			}
			left(t, d, trusting(t, o.Device), n)
		}
	}
}

// left looks at what a failure left behind.
func left(t *testing.T, d *memDisk, o VerifyOptions, n int) {
	t.Helper()
	b, ok := d.files[ArchiveName(forgedID)+partialSuffix]
	if !ok {
		return
	}
	r := verdict(t, b, o)
	// A seal that was written whole is the truth, whatever went wrong after it: its file
	// keeps the name .partial.
	if r.Verdict == Invalid || r.Verdict == Valid && r.AuthenticBytes < int64(len(b)) {
		t.Errorf("call %d (%s): left %s: %q", n, d.failed, r.Verdict, r.Findings)
	}
	if o.Log = d.files[LogName(forgedID)]; len(o.Log) > 0 && r.Checkpoint > 0 {
		if r := verdict(t, b, o); r.Verdict == Invalid {
			t.Errorf("call %d (%s): with its log %s: %q", n, d.failed, r.Verdict, r.Findings)
		}
	}
}

func TestDirNeverOverwrites(t *testing.T) {
	d := Dir(t.TempDir())
	for _, name := range []string{"a", "b"} {
		f, err := d.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Create("a"); !errors.Is(err, os.ErrExist) {
		t.Errorf("create: %v", err)
	}
	if err := d.Rename("a", "b"); !errors.Is(err, os.ErrExist) {
		t.Errorf("rename: %v", err)
	}
	if got := readFile(t, string(d)+"/b"); string(got) != "b" {
		t.Errorf("%q", got)
	}
}
