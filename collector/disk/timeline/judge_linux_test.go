package timeline

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/jsonl"
)

func program(t testing.TB, name string) string {
	t.Helper()
	at, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s here", name)
	}
	return at
}

// judged makes a tree whose every object has four times that can be told apart.
func judged(t testing.TB) (dir string) {
	dir = t.TempDir()
	plant(t, dir, odd()...)
	must(t, os.Symlink("../a|b", filepath.Join(dir, "link")))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o620))
	must(t, os.Chmod(filepath.Join(dir, "a|b"), 0o4751))
	i := int64(0)
	must(t, filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		must(t, err)
		i++
		at := []unix.Timespec{{Sec: 1_000_000_000 + i*1000}, {Sec: 1_200_000_000 + i*1000, Nsec: 5}}
		return unix.UtimesNanoAt(unix.AT_FDCWD, p, at, unix.AT_SYMLINK_NOFOLLOW)
	}))
	return dir
}

// mactime(1) of The Sleuth Kit must find each time of each object at its second.
func TestMactimeReadsTheBodyFile(t *testing.T) {
	mactime := program(t, "mactime")
	dir := judged(t)
	s := take(t, Timeline(Options{}), &collector.Host{Root: dir})
	body := filepath.Join(t.TempDir(), "body")
	must(t, os.WriteFile(body, s.Body(bodyItem), 0o600))
	cmd := exec.Command(mactime, "-b", body, "-d", "-y", "-z", "UTC")
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	out, err := cmd.Output()
	must(t, err)
	lines, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	must(t, err)
	got := map[string]map[byte]string{} // by name: of m, a, c, b
	for _, f := range lines[1:] {
		name := f[7]
		if got[name] == nil {
			got[name] = map[byte]string{}
		}
		for _, letter := range []byte(strings.ReplaceAll(f[2], ".", "")) {
			got[name][letter] = f[0] + " " + f[1] + " " + f[3] + " " + f[4] + " " + f[6]
		}
	}
	rows := table[Row](t, s, rowsItem)
	for _, r := range rows {
		name := string(appendName(nil, []byte(r.Path)))
		if r.Kind == "symlink" {
			name += " -> " + string(appendName(nil, []byte(r.LinkTarget)))
		}
		times := got[name]
		for letter, want := range map[byte]string{'m': r.Mtime, 'a': r.Atime, 'c': r.Ctime, 'b': r.Btime} {
			if want == "" {
				continue
			}
			at, err := time.Parse(time.RFC3339Nano, want)
			must(t, err)
			full := fmt.Sprintf("%s %d %s %d %d", at.Format("2006-01-02T15:04:05Z"), r.Size, appendMode(nil, r.Mode), r.UID, r.Inode)
			if times[letter] != full {
				t.Errorf("%q, %c: mactime says %q, want %q", name, letter, times[letter], full)
			}
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("mactime has %q, which is no row", name)
	}
}

// find(1) must say the same of every field, and stat(1) of the birth.
func TestFindAndStatAgree(t *testing.T) {
	find, stat := program(t, "find"), program(t, "stat")
	dir := judged(t)
	s := take(t, Timeline(Options{}), &collector.Host{Root: dir})
	out, err := exec.Command(find, dir, "-printf", `%P\0%y %#m %U %G %s %i %D %n %b %A@ %T@ %C@ %l\0`).Output()
	must(t, err)
	parts := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	want := map[string]string{}
	for i := 0; i+1 < len(parts); i += 2 {
		want["/"+parts[i]] = parts[i+1]
	}
	rows := table[Row](t, s, rowsItem)
	if len(rows) != len(want) {
		t.Errorf("%d rows, find has %d", len(rows), len(want))
	}
	unixTime := func(text string) string {
		at, err := time.Parse(time.RFC3339Nano, text)
		must(t, err)
		return fmt.Sprintf("%d.%09d0", at.Unix(), at.Nanosecond())
	}
	private := mountsOf(t, s)["/"].Private
	for _, r := range rows {
		kind := map[string]string{"regular": "f", "directory": "d", "symlink": "l", "fifo": "p"}[r.Kind]
		got := fmt.Sprintf("%s %#o %d %d %d %d %d %d %d %s %s %s %s", kind, r.Mode&0o7777, r.UID, r.GID, r.Size, r.Inode, r.Dev, r.Nlink, r.Allocated/512,
			unixTime(r.Atime), unixTime(r.Mtime), unixTime(r.Ctime), r.LinkTarget)
		if f := strings.Fields(want[string(r.Path)]); r.Kind == "symlink" && !private && len(f) > 9 { // we have read it since
			got = strings.Replace(got, unixTime(r.Atime), f[9], 1)
		}
		if got != want[string(r.Path)] {
			t.Errorf("%q:\n%s; find says\n%s", r.Path, got, want[string(r.Path)])
		}
		b, err := exec.Command(stat, "-c", "%W", dir+string(r.Path)).Output()
		must(t, err)
		birth := int64(0)
		if r.Btime != "" {
			at, err := time.Parse(time.RFC3339Nano, r.Btime)
			must(t, err)
			birth = at.Unix()
		}
		if said := strings.TrimSpace(string(b)); said != strconv.FormatInt(birth, 10) {
			t.Errorf("%q: born at %d, stat says %s", r.Path, birth, said)
		}
	}
}

func TestDeviceNumbers(t *testing.T) {
	for _, r := range table[Row](t, take(t, Timeline(Options{}), &collector.Host{Root: "/dev"}), rowsItem) {
		if r.Path == jsonl.Text("/null") && (r.Kind != "char" || r.Rdev != unix.Mkdev(1, 3)) {
			t.Errorf("%+v", r)
		}
	}
}
