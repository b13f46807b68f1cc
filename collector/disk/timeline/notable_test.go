package timeline

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/disk/walk"
	"hozen/collector/hosttest"
	"hozen/collector/memory"
	"hozen/packager/evidence"
)

const elf = "\x7fELF\x02\x01\x01 not really"

// A planted is a file, and the rows that must come of it: kinds with their levels.
type planted struct {
	name, text string
	mode       uint32
	old        bool // its times are set to years ago; then its ctime is still new
	want       string
}

func suspicious() []planted {
	return []planted{
		{name: "usr/bin/odd", text: elf, mode: 0o4755, want: "changed_system medium, suid medium"},
		{name: "usr/bin/sudo", text: elf, mode: 0o4755, want: "changed_system medium, suid low"},
		{name: "usr/bin/old", text: elf, mode: 0o755, old: true, want: "changed_system medium, times medium"},
		{name: "tmp/.x/run", text: elf, mode: 0o2755, want: "executable_place medium, sgid medium"},
		{name: "tmp/.x", want: "hidden_name medium"},
		{name: "tmp/.X11-unix/X0", text: "", mode: 0o777, want: ""},
		{name: "dev/shm/.k", text: elf, mode: 0o755, want: "executable_place high"},
		{name: "dev/shm/data", text: "no program", mode: 0o755, want: ""},
		{name: "dev/.udev/x", text: "x", mode: 0o644, want: "file_in_dev medium"},
		{name: "dev/.udev", want: "hidden_name high"},
		{name: "var/log/x.sh", text: "#!/bin/sh\n", mode: 0o755, want: "executable_place low"},
		{name: "etc/tool", text: elf, mode: 0o755, want: "changed_system low, executable_place medium"},
		{name: "etc/init.d/tool", text: "#!/bin/sh\n", mode: 0o755, want: "changed_system medium"},
		{name: "etc/open", text: "x", mode: 0o666, want: "changed_system low, world_writable high"},
		{name: "srv/data/...", want: "hidden_name high"},
		{name: "srv/data/.. ", want: "hidden_name high"},
		{name: "srv/data/  ", want: "hidden_name high"},
		{name: "srv/data/photo\u202egpj.exe", text: "MZ", mode: 0o644, want: "text_direction high"},
		{name: "srv/data/report.pdf.exe", text: "MZ", mode: 0o644, want: "double_extension high"},
		{name: "srv/data/report.pdf     .exe", text: "MZ", mode: 0o644, want: "double_extension high"},
		{name: "srv/data/v1.2.exe", text: "MZ", mode: 0o644, want: ""},
		{name: "var/www/site/uploads/a.php", text: "<?php", mode: 0o644, want: "web_script high"},
		{name: "var/www/site/index.php", text: "<?php", mode: 0o644, want: "web_script medium"},
		{name: "tmp/c.jsp", text: "<%", mode: 0o644, want: "web_script medium"},
		{name: "home/u/Downloads/get", text: elf, mode: 0o755, want: "executable_place medium"},
		{name: "home/u/.hide/get", text: elf, mode: 0o755, want: "executable_place low"},
		{name: "home/u/.cargo/bin/tool", text: elf, mode: 0o755, want: "executable_place low"},
		{name: "opt/x/.prog", text: elf, mode: 0o755, want: "hidden_executable medium"},
		{name: "home/u/Winny.EXE", text: "MZ", mode: 0o644, want: "file_sharing medium"},
		{name: "home/u/anydesk", text: elf, mode: 0o755, want: "remote_access medium"},
		{name: "usr/bin/x11vnc", text: elf, mode: 0o755, want: "changed_system medium, remote_access low"},
		{name: "home/u/plain.txt", text: "x", mode: 0o644, want: ""},
		{name: "var/lib/docker/overlay2/ab/diff/usr/bin/odd", text: elf, mode: 0o755, want: ""},
	}
}

// notableHost plants all of them.
func notableHost(t *testing.T) *collector.Host {
	dir := t.TempDir()
	for _, p := range suspicious() {
		at := filepath.Join(dir, p.name)
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		if p.mode == 0 {
			must(t, os.MkdirAll(at, 0o755))
			continue
		}
		must(t, os.WriteFile(at, []byte(p.text), 0o644))
		if p.old {
			must(t, os.Chtimes(at, time.Unix(1_400_000_000, 0), time.Unix(1_400_000_000, 0)))
		}
		mode := os.FileMode(p.mode & 0o777)
		if p.mode&0o4000 != 0 {
			mode |= os.ModeSetuid
		}
		if p.mode&0o2000 != 0 {
			mode |= os.ModeSetgid
		}
		must(t, os.Chmod(at, mode))
	}
	return &collector.Host{Root: dir}
}

func TestNotableKinds(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on linux: elsewhere the walk has no change times and modes")
	}
	h := notableHost(t)
	seen := &Seen{}
	take(t, Timeline(Options{Seen: seen}), h)
	s := take(t, Notable(NotableOptions{Seen: seen}), h)
	got := map[string][]string{}
	rows := table[NotableRow](t, s, notableItem)
	for i, r := range rows {
		got[string(r.Path)] = append(got[string(r.Path)], fmt.Sprintf("%s %s", r.Kind, r.Level))
		if i > 0 && rows[i-1].Level < r.Level {
			t.Errorf("%s of level %s comes after one of %s", r.Path, r.Level, rows[i-1].Level)
		}
		if r.Seen == "" || r.Technique == "" || r.Explained != "" && r.Level != memory.Low {
			t.Errorf("%+v", r)
		}
		if strings.HasPrefix(r.Contents, "disk/files/") {
			if rec, ok := s.Record(r.Contents); !ok || rec.Outcome != evidence.Collected || rec.Size != r.Size {
				t.Errorf("%s: its contents: %+v", r.Path, rec)
			}
		} else if r.Level > memory.Low && r.Mode&evidence.ModeType == evidence.ModeRegular {
			t.Errorf("%s: contents %q", r.Path, r.Contents)
		}
	}
	for _, p := range suspicious() {
		kinds := got["/"+p.name]
		slices.Sort(kinds)
		if text := strings.Join(kinds, ", "); text != p.want {
			t.Errorf("%q: %q, want %q", p.name, text, p.want)
		}
		delete(got, "/"+p.name)
	}
	for p, kinds := range got {
		t.Errorf("%q: %q, want nothing", p, kinds)
	}
	alone := take(t, Notable(NotableOptions{}), h) // walks itself
	if !bytes.Equal(alone.Body(notableItem), s.Body(notableItem)) {
		t.Error("without the timeline it saw other things")
	}
}

func TestNotableContentsAreBounded(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, "tmp/a.php", "tmp/b.php", "tmp/c.php", "tmp/d.php")
	must(t, os.WriteFile(filepath.Join(dir, "tmp/a.php"), bytes.Repeat([]byte("x"), 1000), 0o644))
	h := &collector.Host{Root: dir}
	taken := 0
	s := take(t, Notable(NotableOptions{PerFile: 100, Total: 40, Taken: func(_, inode uint64) bool {
		taken++
		return taken == 1 && inode != 0
	}}), h)
	var why []string
	for _, r := range table[NotableRow](t, s, notableItem) {
		why = append(why, r.Contents)
	}
	want := []string{"not taken: larger than 100 bytes", "taken already", "disk/files/tmp/c.php", "disk/files/tmp/d.php"}
	if runtime.GOOS == "linux" && !slices.Equal(why, want) {
		t.Errorf("%q, want %q", why, want)
	}
	if body := s.Body("disk/files/tmp/c.php"); runtime.GOOS == "linux" && string(body) != "text of tmp/c.php" {
		t.Errorf("%q", body)
	}
}

func TestNotableCountsWhatIsTooMuch(t *testing.T) {
	dir := t.TempDir()
	names := make([]string, maxFindings(memory.Medium)+20)
	for i := range names {
		names[i] = fmt.Sprintf("tmp/%04d.php", i)
	}
	plant(t, dir, names...)
	s := take(t, Notable(NotableOptions{Total: 1}), &collector.Host{Root: dir})
	r, _ := s.Record(notableItem)
	if n := len(table[NotableRow](t, s, notableItem)); n != maxFindings(memory.Medium) || !r.Shortfall || !strings.Contains(r.Note, "20 more of level medium") {
		t.Errorf("%d rows; %+v", n, r)
	}
}

// After an upgrade thousands of files are new and explained: that is health and no
// shortfall, and hides nothing that is not explained.
func TestNotableHealthyPlentyIsNoShortfall(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on linux: elsewhere there are no change times")
	}
	dir := t.TempDir()
	names := []string{"var/lib/dpkg/info/tool.list"}
	for i := range maxFindings(memory.Low) + 20 {
		names = append(names, fmt.Sprintf("usr/bin/%04d", i))
	}
	plant(t, dir, names...)
	s := take(t, Notable(NotableOptions{}), &collector.Host{Root: dir})
	r, _ := s.Record(notableItem)
	if r.Shortfall || r.Outcome != evidence.Partial || !strings.Contains(r.Note, "changed_system 20") {
		t.Errorf("%+v", r)
	}
	l := looker{}
	one := func(name, explained string) {
		l.add(0, memory.Low, &walk.Entry{Path: []byte(name)}, "", explained)
	}
	for range maxFindings(memory.Low) {
		one("/a", "a package")
	}
	one("/b", "")
	one("/c", "a package")
	list := l.found[0].list[memory.Low]
	if n := len(list); n != maxFindings(memory.Low) || list[n-1].path != "/b" || l.found[0].count[memory.Low] != n+2 {
		t.Errorf("%d; %+v", n, list[n-1])
	}
}

func TestPackagesExplainChanges(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on linux: elsewhere there are no change times")
	}
	dir := t.TempDir()
	plant(t, dir, "usr/bin/tool", "var/lib/dpkg/info/tool.list")
	s := take(t, Notable(NotableOptions{}), &collector.Host{Root: dir})
	for _, r := range table[NotableRow](t, s, notableItem) {
		if r.Path == "/usr/bin/tool" && (r.Level != memory.Low || r.Explained == "") {
			t.Errorf("%+v", r)
		}
	}
	s = take(t, Notable(NotableOptions{}), &collector.Host{Root: dir, Now: func() time.Time { return time.Now().Add(30 * 24 * time.Hour) }})
	if rows := table[NotableRow](t, s, notableItem); len(rows) != 0 {
		t.Errorf("a month later: %+v", rows)
	}
	s = take(t, Notable(NotableOptions{}), &collector.Host{Root: dir, Now: func() time.Time { return hosttest.Epoch.Add(-10 * 365 * 24 * time.Hour) }})
	for _, r := range table[NotableRow](t, s, notableItem) {
		if r.Kind != "future_time" {
			t.Errorf("before it was made: %+v", r)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for _, c := range []struct {
		value, want string
		root        uint32
	}{
		{"\x01\x00\x00\x01\x00\x20\x00\x00\x00\x00\x00\x00", "cap_net_raw=ep", 0},
		{"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "cap_net_raw=ep", 0},
		{"\x00\x00\x00\x02\x80\x00\x00\x00\x00\x10\x00\x00\x80\x00\x00\x00\x00\x00\x00\x80", "cap_setuid,cap_bpf=p cap_net_admin,63=i", 0},
		{"\x01\x00\x00\x03\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xe8\x03\x00\x00", "cap_chown=eip", 1000},
	} {
		got, err := parseCapability([]byte(c.value))
		if err != nil || got.String() != c.want || got.rootUID != c.root {
			t.Errorf("%x: %s of user %d, %v; want %s", c.value, got, got.rootUID, err, c.want)
		}
	}
	for _, bad := range []string{"", "\x00\x00\x00\x04", "\x00\x00\x00\x02\x00", "\x00\x00\x00\x01" + strings.Repeat("x", 16)} {
		if c, err := parseCapability([]byte(bad)); err == nil {
			t.Errorf("%x: %s", bad, c)
		}
	}
}

func FuzzCapability(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := parseCapability(b); err == nil && c.permitted|c.inheritable != 0 && c.String() == "" {
			t.Errorf("%x: %+v has no text", b, c)
		}
	})
}

func FuzzPlaces(f *testing.F) {
	f.Add("/var/www/html/uploads")
	f.Add("/var/lib/docker/overlay2/x/diff")
	f.Fuzz(func(t *testing.T, dir string) { placeOf(dir) })
}
