package indicators

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

func TestPreloadsAreRanked(t *testing.T) {
	for _, c := range []struct {
		environ, mapped string
		inode           uint64 // of what is mapped; 7 is installed
		level           memory.Level
	}{
		{"LD_PRELOAD=/usr/lib/libjemalloc.so.2", "/usr/lib/libjemalloc.so.2", 7, memory.Low},
		{"LD_PRELOAD=libfakeroot.so", "/usr/lib/x86_64-linux-gnu/libfakeroot.so", 7, memory.Low},
		{"LD_PRELOAD=/tmp/libjemalloc.so.2", "", 7, memory.High},
		{"LD_PRELOAD=/usr/lib/libselinux-x.so", "/usr/lib/libselinux-x.so", 7, memory.Medium},
		{"LD_PRELOAD=/usr/lib/.x/libjemalloc.so", "", 7, memory.High},
		{"LD_AUDIT=/usr/lib/libjemalloc.so.2", "", 7, memory.High},
		{"LD_PRELOAD=libjemalloc.so", "/dev/shm/libjemalloc.so", 7, memory.High},
		{"LD_PRELOAD=/usr/lib/libjemalloc.so.2", "/usr/lib/libjemalloc.so.2", 8, memory.Medium}, // in a mount namespace of its own
	} {
		p := withInstalled(&process{environ: []byte("A=1\x00" + c.environ + "\x00"), maps: []proc.Mapping{{Path: c.mapped, Perms: "r-xp", Inode: c.inode, Dev: "fe:00"}}}, c.mapped)
		l := p.preloads()
		if len(l) != 1 || l[0].mapped != (c.mapped != "") {
			t.Fatalf("%s: %+v", c.environ, l)
		}
		id := "hook-ld-preload"
		if l[0].variable == "LD_AUDIT" {
			id = "hook-ld-audit"
		}
		f := preloadFinding(id, p, l[0])
		if got := f.row(kindsByID(), nil, nil).Level; got != c.level {
			t.Errorf("%s: %v, want %v", c.environ, got, c.level)
		}
	}
}

func TestPreloadFile(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		"/lib/a.so:/lib/b.so c.so # x.so\n#y.so\n\t/d.so\n": {"/lib/a.so", "/lib/b.so", "c.so", "/d.so"},
		"# nothing\n\n": nil,
	} {
		if got := preloadLibraries(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q", text, got)
		}
		if err := os.WriteFile(filepath.Join(root, preloadFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		sink := &hosttest.Sink{}
		s := &survey{ctx: context.Background(), host: &collector.Host{Root: root}, to: sink, kinds: kindsByID(), suspects: &memory.Suspects{}}
		hookPreloadFile(s)
		if len(s.rows) != min(len(want), 1) || string(sink.Body("memory/indicators/host/ld.so.preload")) != text {
			t.Errorf("%q: %+v", text, s.rows)
		}
	}
}

func TestPackagesAreLookedUp(t *testing.T) {
	for kind, files := range map[string]map[string]string{
		"dpkg":   {"var/lib/dpkg/info/base.list": "/.\n/bin\n/bin/ls\n/usr/sbin/cron\n/usr/share/doc/cron\n"},
		"apk":    {"lib/apk/db/installed": "P:base\nF:bin\nR:ls\nZ:x\nF:usr/sbin\nR:cron\n"},
		"pacman": {"var/lib/pacman/local/base-1/files": "%FILES%\nusr/\nusr/bin/ls\nusr/sbin/cron\n"},
	} {
		root := t.TempDir()
		for name, text := range files {
			full := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var tally evidence.Tally
		o := packagesOf(&collector.Host{Root: root}, []string{"/usr/bin/ls", "/tmp/cron"}, &tally)
		if o.kind != kind || !o.files["/usr/bin/ls"] || o.files["/tmp/cron"] || o.names["cron"] != "/usr/sbin/cron" || tally.Err() != nil {
			t.Errorf("%s: %+v, %v", kind, o, tally.Err())
		}
	}
}

func TestUnpackagedNames(t *testing.T) {
	db := &owned{kind: "dpkg", names: map[string]string{"ls": "/usr/bin/ls"}}
	for name, want := range map[string]memory.Level{"/tmp/ls": memory.High, "/usr/bin/sshd": memory.Medium, "/usr/local/bin/ls": memory.Low, "/home/a/.cargo/bin/ls": memory.Medium, "/home/a/tool": 0} {
		f, ok := unpackaged(name, db, true)
		got := memory.Level(0)
		if ok {
			got = f.row(kindsByID(), nil, nil).Level
		}
		if got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
