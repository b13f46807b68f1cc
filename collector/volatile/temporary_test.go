package volatile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

func needsLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux")
	}
}

func TestTemporaryConform(t *testing.T) {
	needsLinux(t)
	hosttest.Conform(t, Temporary(), hosttest.FromTxtar(t, "testdata/hosts/temporary.txtar"))
	hosttest.Conform(t, Temporary(), collector.ThisHost())
}

func collectTest(t *testing.T, c collector.Collector, h *collector.Host) *hosttest.Sink {
	t.Helper()
	var s hosttest.Sink
	if err := c.Collect(context.Background(), h, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

func table[T any](t *testing.T, s *hosttest.Sink, path string) []T {
	t.Helper()
	rows, err := jsonl.Read[T](s.Body(path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return rows
}

func TestTemporaryFixture(t *testing.T) {
	needsLinux(t)
	s := collectTest(t, Temporary(), hosttest.FromTxtar(t, "testdata/hosts/temporary.txtar"))
	var got []string
	for _, r := range s.Records() {
		got = append(got, strings.TrimPrefix(r.Path, "volatile/")+" "+r.Outcome.String())
	}
	want := []string{
		"temporary/@/mounts.jsonl collected", "temporary.jsonl collected",
		"temporary/dev/shm/.x/payload.sh collected", "temporary/ram/y collected", "temporary/run two/a b collected",
		"temporary/stack/top collected",
	}
	if !slices.Equal(got, want) {
		t.Errorf("items\n%q\nwant\n%q", got, want)
	}
	if b := s.Body("volatile/temporary/dev/shm/.x/payload.sh"); string(b) != "#!/bin/sh\necho hidden\n" {
		t.Errorf("payload %q", b)
	}
	why := map[string]string{}
	for _, m := range table[MemoryMount](t, s, "volatile/temporary/@/mounts.jsonl") {
		if under := m.MountID == 40; m.MountPoint == "/stack" && under != strings.Contains(string(m.NotWalked), "(mount 41)") {
			t.Errorf("of two on one directory: %+v", m)
		}
		why[string(m.MountPoint)] = string(m.NotWalked)
	}
	for point, part := range map[string]string{
		"/dev/shm": "", "/dev/shm/again": "same file system as /dev/shm", "/run two": "", "/covered": "covered by a ext4", "/covered/deep": "covered by a ext4 on /covered",
		"/net/ram": "may hang", "/ram": "", "/ram2": "same file system as /ram",
	} {
		if got, ok := why[point]; !ok || !strings.Contains(got, part) || (part == "") != (got == "") {
			t.Errorf("%s: not walked for %q, want %q", point, got, part)
		}
	}
	rows := map[string]TemporaryEntry{}
	for _, r := range table[TemporaryEntry](t, s, "volatile/temporary.jsonl") {
		rows[string(r.Path)] = r
	}
	if r := rows["/dev/shm/hung"]; r.MountPoint != "fuse.sshfs" || r.Error == "" {
		t.Errorf("hung mount: %+v", r)
	}
	if r := rows["/dev/shm/link"]; r.Kind != "symlink" || r.LinkTarget != "/etc/shadow" {
		t.Errorf("link: %+v", r)
	}
}

func TestQuota(t *testing.T) {
	sizes := []int64{100, 200, 300, 4000, 50_000, 50_001, 900_000}
	tests := []struct {
		limits TemporaryLimits
		taken  []int64
	}{
		{TemporaryLimits{PerFile: 1 << 20, Total: 1 << 20}, sizes},
		{TemporaryLimits{PerFile: 10_000, Total: 1 << 20}, sizes[:4]},
		{TemporaryLimits{PerFile: 1 << 20, Total: 60_000}, sizes[:5]},
		{TemporaryLimits{PerFile: 1 << 20, Total: 350}, sizes[:2]},
	}
	for _, tt := range tests {
		var c sizeClasses
		for _, n := range sizes {
			if n <= tt.limits.PerFile {
				c.add(n)
			}
		}
		q, taken := newQuota(tt.limits, &c), []int64(nil)
		for _, n := range sizes {
			if q.refuse(&evidence.FileMeta{Size: n, Blocks: n/512 + 1}) == "" {
				taken = append(taken, n)
			}
		}
		if !slices.Equal(taken, tt.taken) {
			t.Errorf("%+v: took %v, want %v", tt.limits, taken, tt.taken)
		}
	}
	for n, last := int64(0), 0; n < 1<<20; n += 1 + n/50 {
		if c := class(n); c < last {
			t.Fatalf("class(%d) = %d, below %d", n, c, last)
		} else {
			last = c
		}
	}
	if c := class(1<<63 - 1); c >= len(sizeClasses{}) {
		t.Errorf("the largest size has class %d", c)
	}
}

func TestVictimsAreRecorded(t *testing.T) {
	needsLinux(t)
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/self/mountinfo", "1 0 0:1 / /t rw - tmpfs t rw\n")
	for i := range 5 {
		write(fmt.Sprintf("t/big%d", i), strings.Repeat("x", 2000))
	}
	write("t/small", "s")
	s := collectTest(t, TemporaryWithin(TemporaryLimits{PerFile: 1000, Victims: 3}), &collector.Host{Root: root})
	cut := 0
	for _, r := range s.Records() {
		if strings.Contains(r.Path, "/big") && r.Outcome == evidence.Skipped && r.Shortfall && r.File.Size == 2000 {
			cut++
		}
	}
	last, _ := s.Record("volatile/temporary/@/contents")
	if cut != 3 || !strings.Contains(last.Note, "2 files over a limit") || !last.Shortfall {
		t.Errorf("%d victims have a record; the count says %q", cut, last.Note)
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add([]byte("22 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n25 22 0:23 / /dev/s\\040m rw - tmpfs t rw,x\n25 25 0:1 / /a rw - tmpfs\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		mounts, _, _ := proc.ParseMounts(string(b))
		tree := proc.NewMountTree(mounts)
		for i := range mounts {
			tree.Unreachable(i)
			tree.Below(i)
		}
	})
}
