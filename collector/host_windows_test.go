package collector

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"hozen/collector/filetime"
	"hozen/collector/utf16"
	"hozen/collector/winfile"
	"hozen/packager/evidence"
)

// place gives a directory for a test as a Host's name.
func place(t *testing.T) (h *Host, dir string) {
	t.Helper()
	h = ThisHost()
	made, err := os.MkdirTemp("", "hozen")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, `\\?\`+made) })
	return h, h.Name(made)
}

// remove is os.RemoveAll with calls that Wine has.
func remove(t *testing.T, name string) {
	entries, _ := os.ReadDir(name)
	for _, e := range entries {
		remove(t, name+`\`+e.Name())
	}
	if err := os.Remove(name); err != nil {
		t.Error(err)
	}
}

// wine says that this is no Windows.
func wine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}

// plant makes a file of any name, through the kernel's own names.
func plant(t *testing.T, name, text string, share uint32) windows.Handle {
	t.Helper()
	units, err := winfile.Native(name)
	if err != nil {
		t.Fatal(err)
	}
	units[1] = '\\' // \\?\ is \??\ for CreateFile
	units = append(units, 0)
	f, err := windows.CreateFile(&units[0], windows.GENERIC_WRITE, share, nil, windows.CREATE_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	var n uint32
	if err := windows.WriteFile(f, []byte(text), &n, nil); err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, name, text string) {
	t.Helper()
	windows.CloseHandle(plant(t, name, text, 0))
}

func TestThisHost(t *testing.T) {
	h := ThisHost()
	if len(h.Drives) == 0 || h.Drives[0] != "/C:" {
		t.Fatalf("drives: %q", h.Drives)
	}
	names, err := h.Names("/")
	if err != nil || !slices.Contains(names, "C:") {
		t.Errorf("%q, %v", names, err)
	}
	names, err = h.Names("/C:")
	if err != nil || !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, "windows") }) {
		t.Errorf("%q, %v", names, err)
	}
	for _, name := range []string{"/", "/C:", "/c:/WINDOWS", `C:\windows`} {
		if m, err := h.Lstat(name); err != nil || evidence.KindOf(m.Mode) != "directory" {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	for _, name := range []string{"/etc/passwd", "/proc/self/stat", "/C:/no such", "/Q:/x"} {
		if _, err := h.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := h.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h.Shown("/C:/x/y") != `C:\x\y` || h.Name(`c:\x`) != "/C:/x" {
		t.Error("names are not shown as on Windows")
	}
}

func TestOddNames(t *testing.T) {
	h, dir := place(t)
	long := strings.Repeat("長", 80) // 255 bytes are the most that wine can make a name of
	half := utf16.WTF8([]uint16{'h', 0xd800, 'x'})
	names := []string{"NUL", "CON.txt", "dot.", "space ", "a;b=c,d", long}
	if !wine() { // which cannot make half a pair a name
		names = append(names, half)
	}
	slices.Sort(names)
	for _, name := range names {
		write(t, path.Join(dir, name), "in "+name)
	}
	got, err := h.Names(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, names) {
		t.Errorf("listed %q, made %q", got, names)
	}
	for _, name := range names {
		b, err := h.ReadFile(path.Join(dir, name), 1<<10)
		if err != nil || string(b) != "in "+name {
			t.Errorf("%q: %q, %v", name, b, err)
		}
	}
}

func TestLongPath(t *testing.T) {
	h, dir := place(t)
	for range 12 {
		dir = path.Join(dir, strings.Repeat("d", 50))
		units, err := winfile.Native(dir)
		if err != nil {
			t.Fatal(err)
		}
		units[1] = '\\'
		units = append(units, 0)
		if err := windows.CreateDirectory(&units[0], nil); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir+"/deep", "deep")
	if b, err := h.ReadFile(dir+"/deep", 10); err != nil || string(b) != "deep" {
		t.Errorf("%q, %v", b, err)
	}
	h.NoLinks = true
	if b, err := h.ReadFile(dir+"/DEEP", 10); err != nil || string(b) != "deep" {
		t.Errorf("through no link: %q, %v", b, err)
	}
}

func TestLstat(t *testing.T) {
	h, dir := place(t)
	name := dir + "/file"
	f := plant(t, name, "12345", windows.FILE_SHARE_READ)
	want := time.Date(2024, 2, 3, 4, 5, 6, 700, time.UTC)
	stamp := func(hours int) *windows.Filetime {
		v := filetime.Of(want.Add(time.Duration(hours) * time.Hour))
		return &windows.Filetime{LowDateTime: uint32(v), HighDateTime: uint32(v >> 32)}
	}
	if err := windows.SetFileTime(f, stamp(0), stamp(1), stamp(2)); err != nil {
		t.Fatal(err)
	}
	windows.CloseHandle(f)
	m, err := h.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Regular() || m.Size != 5 || m.Nlink != 1 || m.Inode == 0 || m.Ctime.IsZero() || m.Attributes == 0 || !strings.HasPrefix(m.Owner, "S-1-") {
		t.Errorf("%+v", m)
	}
	if !m.Mtime.Equal(want.Add(2*time.Hour)) || !m.Atime.Equal(want.Add(time.Hour)) {
		t.Errorf("times: %v %v %v %v", m.Btime, m.Atime, m.Mtime, m.Ctime)
	}
	if !m.Btime.Equal(want) && !wine() { // which keeps none
		t.Errorf("born %v", m.Btime)
	}
	g, err := h.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if id, ok := Identity(g); !ok || id != (FileID{m.Dev, m.Inode}) {
		t.Errorf("%v is not %v", id, m)
	}
	if !KeepsTimes(g) {
		t.Error("a file of our own is opened so that its times may move")
	}
}

func TestTimesStay(t *testing.T) {
	h, dir := place(t)
	name := dir + "/file"
	write(t, name, "x")
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(winfile.Shown(name), old, old); err != nil {
		t.Fatal(err)
	}
	before, err := h.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ReadFile(name, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Names(dir); err != nil {
		t.Fatal(err)
	}
	after, err := h.Lstat(name)
	if wine() { // which does not know that a handle may move no time
		after.Atime = before.Atime
	}
	if err != nil || *after != *before {
		t.Errorf("%+v became %+v (%v)", before, after, err)
	}
}

func TestLocked(t *testing.T) {
	h, dir := place(t)
	f := plant(t, dir+"/hive", "x", 0)
	defer windows.CloseHandle(f)
	_, err := h.Open(dir + "/hive")
	if !errors.Is(err, ErrLocked) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that nobody may open: %v", err)
	}
	if o, note, shortfall := evidence.Classify(err, 0); o != evidence.Denied || !shortfall || !strings.Contains(note, "shares it with nobody") {
		t.Errorf("%v, %q", o, note)
	}
	if m, err := h.Lstat(dir + "/hive"); err != nil || !m.Regular() {
		t.Errorf("its row: %+v, %v", m, err)
	}
}

func TestDirectories(t *testing.T) {
	h, dir := place(t)
	const many = 3000
	for i := range many {
		write(t, fmt.Sprintf("%s/%06d", dir, i), "")
	}
	names, err := h.Names(dir)
	if err != nil || len(names) != many || !slices.IsSorted(names) {
		t.Errorf("%d names, %v", len(names), err)
	}
	if _, err := h.Names(dir + "/000000"); err == nil {
		t.Error("a file is listed")
	}
	f, err := h.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestLinks(t *testing.T) {
	if wine() {
		t.Skip("wine has no links")
	}
	h, dir := place(t)
	for _, d := range []string{"/real", "/other"} {
		if err := os.Mkdir(winfile.Shown(dir+d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir+"/real/file", "x")
	if err := os.Symlink(winfile.Shown(dir+"/real"), winfile.Shown(dir+"/link")); err != nil {
		t.Skipf("needs an ordinary user who may make links: %v", err)
	}
	m, err := h.Lstat(dir + "/link")
	if err != nil || evidence.KindOf(m.Mode) != "symlink" || h.Name(m.LinkTarget) != dir+"/real" {
		t.Fatalf("%+v, %v", m, err)
	}
	var other *NotRegularError
	if _, err := h.Open(dir + "/link"); !errors.As(err, &other) {
		t.Errorf("a link is opened: %v", err)
	}
	if _, err := h.ReadFile(dir+"/link/file", 10); err != nil {
		t.Errorf("through a link: %v", err)
	}
	for _, c := range []struct {
		name   string
		follow bool
		want   string
	}{{dir + "/link/file", false, dir + "/real/file"}, {dir + "/link", true, dir + "/real"}, {dir + "/link", false, ""}, {dir + "/real/file", true, ""}} {
		if got, err := led(c.name, c.follow); got != c.want || c.want == "" && !errors.Is(err, ErrLink) {
			t.Errorf("%s leads to %q, %v", c.name, got, err)
		}
	}
	strict := *h
	strict.NoLinks = true
	if _, err := strict.ReadFile(dir+"/link/file", 10); !errors.Is(err, ErrLink) {
		t.Errorf("through a link that is not to be followed: %v", err)
	}
	if _, err := strict.ReadFile(dir+"/real/file", 10); err != nil {
		t.Error(err)
	}
}

func TestStreams(t *testing.T) {
	if wine() {
		t.Skip("wine has no streams")
	}
	h, dir := place(t)
	write(t, dir+"/file", "contents")
	f, err := os.Create(winfile.Shown(dir+"/file") + ":Zone.Identifier")
	if err == nil {
		_, err = f.WriteString("[ZoneTransfer]")
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, all, serr := h.LstatStreams(dir + "/file")
	if serr != nil || len(all) != 1 || all[0].Name != "Zone.Identifier" || all[0].Size != 14 {
		t.Errorf("%+v, %v", all, serr)
	}
	m, err := h.Lstat(dir + "/file:Zone.Identifier")
	if err != nil || m.Size != 14 || m.Inode != 0 || !m.Regular() {
		t.Errorf("%+v, %v", m, err)
	}
	if b, err := h.ReadFile(dir+"/file:Zone.Identifier", 100); err != nil || string(b) != "[ZoneTransfer]" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestRooted(t *testing.T) {
	_, dir := place(t)
	write(t, dir+"/file", "x")
	h := &Host{Root: winfile.Shown(dir)}
	b, err := h.ReadFile("/file", 10)
	if err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	if names, err := h.Names("/"); err != nil || !slices.Equal(names, []string{"file"}) {
		t.Errorf("%q, %v", names, err)
	}
	if _, err := h.ReadFile("/../../file", 10); err != nil {
		t.Errorf("the root has no parent: %v", err)
	}
}

func TestReadPast(t *testing.T) {
	h, dir := place(t)
	write(t, dir+"/file", strings.Repeat("x", 100))
	if b, err := h.ReadFile(dir+"/file", 10); !errors.Is(err, ErrTooLong) || len(b) != 10 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	f, err := h.Open(dir + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 7)
	if n, err := f.ReadAt(b, 96); n != 4 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
}
