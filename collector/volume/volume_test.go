package volume

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"pgregory.net/rapid"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// sectors is a device as Windows' raw volumes are: it reads nothing but whole sectors.
type sectors struct {
	b      []byte
	sector int64
	closed bool
	bad    int64 // a sector that cannot be read; 0 for none
}

func (s *sectors) ReadAt(b []byte, off int64) (int, error) {
	if off%s.sector != 0 || int64(len(b))%s.sector != 0 || len(b) == 0 {
		return 0, fmt.Errorf("the parameter is incorrect: %d bytes at %d", len(b), off)
	}
	if s.bad > 0 && off <= s.bad*s.sector && off+int64(len(b)) > s.bad*s.sector {
		return 0, errBad
	}
	return bytes.NewReader(s.b).ReadAt(b, off)
}

var errBad = errors.New("data error (cyclic redundancy check)")

func (s *sectors) Close() error { s.closed = true; return nil }

func TestAligned(t *testing.T) {
	for _, sector := range []int64{512, 4096} {
		data := make([]byte, 3*maxAtOnce/sector*sector+sector)
		for i := range data {
			data[i] = byte(i>>9 ^ i)
		}
		a := NewAligned(&sectors{b: data, sector: sector}, leastUnit, int64(len(data)))
		rapid.Check(t, func(r *rapid.T) {
			off := rapid.Int64Range(0, int64(len(data))+2*sector).Draw(r, "off")
			n := rapid.OneOf(rapid.IntRange(0, 20000), rapid.IntRange(0, len(data)+100)).Draw(r, "n")
			got, want := make([]byte, n), make([]byte, n)
			k, err := a.ReadAt(got, off)
			wantK, wantErr := bytes.NewReader(data).ReadAt(want, off)
			if n == 0 {
				wantErr = nil
			}
			if k != wantK || !bytes.Equal(got, want) || (err == io.EOF) != (wantErr == io.EOF) {
				r.Fatalf("%d bytes at %d: %d, %v; want %d, %v", n, off, k, err, wantK, wantErr)
			}
		})
	}
}

func TestBadSector(t *testing.T) {
	a := NewAligned(&sectors{b: make([]byte, 1<<16), sector: 512, bad: 60}, leastUnit, 1<<16)
	if n, err := a.ReadAt(make([]byte, 4096), 100); n != 4096 || err != nil {
		t.Errorf("before it: %d, %v", n, err)
	}
	if _, err := a.ReadAt(make([]byte, 10), 60*512+3); !errors.Is(err, errBad) {
		t.Errorf("in it: %v", err)
	}
	short := NewAligned(&sectors{b: make([]byte, 8192), sector: 512}, leastUnit, 1<<16)
	if n, err := short.ReadAt(make([]byte, 10000), 0); n != 8192 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a device that is shorter than it says: %d, %v", n, err)
	}
}

// testdata of package ntfs: a volume that Windows made.
func volumeImage(t testing.TB) []byte {
	return hosttest.Unzip(t, "../disk/image/ntfs/testdata/test.ntfs.dd.gz")
}

func deviceOn(b []byte) (*device, *sectors) {
	s := &sectors{b: b, sector: 512}
	return &device{Aligned: NewAligned(s, leastUnit, int64(len(b))), sector: 512, closer: s}, s
}

func TestFilesOfAVolume(t *testing.T) {
	d, s := deviceOn(volumeImage(t))
	v, err := open("C:", d)
	if err != nil {
		t.Fatal(err)
	}
	f, err := v.file("/folder a/folder b/hello world text document.txt:goodbye.txt")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if string(b) != "Goodbye cruel world." || err != nil || f.Size() != 20 {
		t.Errorf("%q, %v, %d bytes", b, err, f.Size())
	}
	var _ collector.HoleReader = f
	if err := f.Close(); err != nil || !s.closed {
		t.Errorf("the volume stays open: %v", err)
	}
	if _, err := v.file("/hiberfil.sys"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	var kind *collector.NotRegularError
	if _, err := v.file("/Folder A"); !errors.As(err, &kind) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoNTFS(t *testing.T) {
	for _, c := range []struct {
		at      int
		magic   string
		what    string
		outcome evidence.Outcome
	}{
		{3, "-FVE-FS-", "bitlocker", evidence.Failed},
		{3, "ReFS\x00\x00\x00\x00", "refs", evidence.Skipped},
		{82, "FAT32   ", "fat32", evidence.Skipped},
		{0, "", "", evidence.Skipped},
	} {
		b := make([]byte, 1<<17)
		copy(b[c.at:], c.magic)
		d, _ := deviceOn(b)
		_, err := open("D:", d)
		var not *NotReadError
		if !errors.As(err, &not) || not.Contents != c.what {
			t.Errorf("%s: %v", c.what, err)
		}
		if o, note, _ := evidence.Classify(err, 0); o != c.outcome || note == "" {
			t.Errorf("%s: %s, %s", c.what, o, note)
		}
	}
}

func TestNamesOfDevices(t *testing.T) {
	for name, want := range map[string]string{
		"C:":  `\\.\C:`,
		`d:\`: `\\.\d:`,
		`\\?\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}\`: `\\?\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}`,
		`\\?\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e696}..`: "",
		`\\?\Volume{../../../pipe/x}\`:                      "",
		`\\.\PhysicalDrive0`:                                "",
		`\\server\C:`:                                       "",
		"":                                                  "",
		"é:":                                                "",
		"/C:":                                               "",
	} {
		if got, err := deviceOf(name); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string][2]string{
		"/C:/Windows/a": {"C:", "/Windows/a"}, "/d:": {"d:", "/"}, "/C:/../x": {"C:", "/x"},
		"/Windows": {}, "/C:Windows": {}, "C:/Windows": {}, "/1:/x": {}, "": {},
	} {
		drive, rest, ok := SplitName(name)
		if drive != want[0] || rest != want[1] || ok != (want[0] != "") {
			t.Errorf("%q: %q, %q, %v", name, drive, rest, ok)
		}
	}
}

func TestHostsThatAreNotLive(t *testing.T) {
	if _, err := Open(&collector.Host{Root: t.TempDir()}, "C:"); !errors.Is(err, collector.ErrNotLive) {
		t.Errorf("%v", err)
	}
	if _, err := OpenFile(&collector.Host{Root: t.TempDir()}, "/C:/pagefile.sys"); !errors.Is(err, collector.ErrNotLive) {
		t.Errorf("%v", err)
	}
}
