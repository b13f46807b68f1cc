package memory_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hozen/testdata/fixtures/planted"
)

// What tests of this module plant is held here to what /proc says of it, read
// by other means than the plants' own.

// seen reads a file of the process that shows the sign.
func seen(t *testing.T, pid int, name string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// mapOf gives the line of maps that begins where the plant said, or that holds it.
func mapOf(t *testing.T, truth planted.Truth) string {
	t.Helper()
	for line := range strings.Lines(seen(t, truth.PID, "maps")) {
		from, rest, _ := strings.Cut(line, "-")
		to, _, _ := strings.Cut(rest, " ")
		start, err := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err == nil && err2 == nil && start <= truth.Start && truth.End <= end {
			return strings.TrimSpace(line)
		}
	}
	t.Fatalf("no mapping holds %#x-%#x", truth.Start, truth.End)
	return ""
}

// region says that a mapping has these permissions and ends in this name.
func region(perms, name string) func(*testing.T, planted.Truth) {
	return func(t *testing.T, truth planted.Truth) {
		line := mapOf(t, truth)
		f := strings.Fields(line)
		if f[1] != perms || name == "" && len(f) != 5 || !strings.HasSuffix(line, name) {
			t.Errorf("%q, want %s %s", line, perms, name)
		}
		wrote(t, truth)
	}
}

// wrote says that the bytes of the plant are there.
func wrote(t *testing.T, truth planted.Truth) {
	t.Helper()
	if len(truth.Bytes) == 0 {
		return
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", truth.PID))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	got := make([]byte, len(truth.Bytes))
	if _, err := mem.ReadAt(got, int64(truth.Start)); err != nil || !bytes.Equal(got, truth.Bytes) {
		t.Errorf("at %#x: %q, want %q: %v", truth.Start, got, truth.Bytes, err)
	}
	if bytes.Equal(truth.Bytes, truth.Was) {
		t.Error("nothing was changed")
	}
}

// patched says that file and memory differ where the plant wrote, and only there.
func patched(t *testing.T, truth planted.Truth) {
	line := mapOf(t, truth)
	f := strings.Fields(line)
	if f[1] != "r-xp" || f[5] != string(truth.Path) {
		t.Fatalf("%q, want r-xp %s", line, truth.Path)
	}
	from, _, _ := strings.Cut(f[0], "-")
	start, _ := strconv.ParseUint(from, 16, 64)
	offset, _ := strconv.ParseUint(f[2], 16, 64)
	file, err := os.Open(string(truth.Path))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got := make([]byte, len(truth.Was))
	if _, err := file.ReadAt(got, int64(truth.Start-start+offset)); err != nil || !bytes.Equal(got, truth.Was) {
		t.Errorf("the file has %x, the plant saw %x: %v", got, truth.Was, err)
	}
	wrote(t, truth)
}

// link says what a link of the process points at.
func link(name string, want func(planted.Truth) string) func(*testing.T, planted.Truth) {
	return func(t *testing.T, truth planted.Truth) {
		got, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", truth.PID, name))
		if w := want(truth); err != nil || !strings.HasPrefix(got, w) {
			t.Errorf("%s is %q, want %q: %v", name, got, w, err)
		}
	}
}

// file says that a file of the process contains a text.
func file(name string, want func(planted.Truth) string) func(*testing.T, planted.Truth) {
	return func(t *testing.T, truth planted.Truth) {
		if got, w := seen(t, truth.PID, name), want(truth); !strings.Contains(got, w) {
			t.Errorf("%s has no %q:\n%.2000q", name, w, got)
		}
	}
}

func text(s string) func(planted.Truth) string { return func(planted.Truth) string { return s } }

func inode(truth planted.Truth) string { return fmt.Sprintf(" %d", truth.Inode) }

func socketLink(truth planted.Truth) string { return fmt.Sprintf("socket:[%d]", truth.Inode) }

func all(checks ...func(*testing.T, planted.Truth)) func(*testing.T, planted.Truth) {
	return func(t *testing.T, truth planted.Truth) {
		for _, c := range checks {
			c(t, truth)
		}
	}
}

// gone says that there is no file at the path of the plant.
func gone(t *testing.T, truth planted.Truth) {
	if _, err := os.Lstat(string(truth.Path)); !os.IsNotExist(err) {
		t.Errorf("%s: %v", truth.Path, err)
	}
}

// count says that a folder or a file of the process has as many entries or lines.
func count(name string) func(*testing.T, planted.Truth) {
	return func(t *testing.T, truth planted.Truth) {
		n := 0
		if entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/%s", truth.PID, name)); err == nil {
			n = len(entries)
		} else {
			n = strings.Count(seen(t, truth.PID, name), "\n")
		}
		if n < truth.Count || truth.Count < 500 {
			t.Errorf("%d in %s, want %d", n, name, truth.Count)
		}
	}
}

// sparse says that a deleted file has its size, its text, and hardly a block.
func sparse(t *testing.T, truth planted.Truth) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/fd/%d", truth.PID, truth.FD))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() != truth.Size {
		t.Fatalf("%v bytes, want %d: %v", st, truth.Size, err)
	}
	for _, at := range []int64{0, truth.Size / 2, truth.Size - int64(len(truth.Bytes))} {
		got := make([]byte, len(truth.Bytes))
		if _, err := f.ReadAt(got, at); err != nil || !bytes.Equal(got, truth.Bytes) {
			t.Errorf("at %d: %q: %v", at, got, err)
		}
	}
}

func status(field string, value func(planted.Truth) int) func(*testing.T, planted.Truth) {
	return file("status", func(truth planted.Truth) string { return fmt.Sprintf("\n%s:\t%d\n", field, value(truth)) })
}

func other(truth planted.Truth) int { return truth.Other }

func plants() map[string]func(*testing.T, planted.Truth) {
	alive := file("stat", text("("))
	return map[string]func(*testing.T, planted.Truth){
		"image-deleted": link("exe", func(p planted.Truth) string { return string(p.Exe) }),
		"image-memfd":   link("exe", text("/memfd:plant (deleted)")),
		"image-shm":     link("exe", text("/dev/shm/")),
		"image-replaced": all(link("exe", func(p planted.Truth) string { return string(p.Path) + " (deleted)" }),
			func(t *testing.T, p planted.Truth) {
				if _, err := os.Stat(string(p.Path)); err != nil {
					t.Error(err)
				}
			}),
		"image-strange-place": func(t *testing.T, p planted.Truth) {
			if b := filepath.Base(string(p.Exe)); b != "sshd" || strings.HasPrefix(string(p.Exe), "/usr") {
				t.Errorf("%s", p.Exe)
			}
		},
		"script-deleted":        all(gone, file("cmdline", func(p planted.Truth) string { return string(p.Path) })),
		"script-deleted-python": all(gone, file("cmdline", func(p planted.Truth) string { return string(p.Path) })),

		"map-anonymous-exec": region("r-xp", ""),
		"map-rwx":            region("rwxp", ""),
		"map-elf-anonymous": all(region("rwxp", ""), func(t *testing.T, p planted.Truth) {
			if !bytes.HasPrefix(p.Bytes, []byte("\x7fELF")) {
				t.Errorf("%x", p.Bytes)
			}
		}),
		"map-heap-exec":    region("rwxp", "[heap]"),
		"map-stack-exec":   region("rwxp", "[stack]"),
		"map-deleted-file": region("r-xp", "/libgone.so (deleted)"),
		"map-memfd-exec":   region("r-xp", "/memfd:libplant.so (deleted)"),
		"map-text-patched": patched,
		"map-libc-patched": patched,
		"map-vdso-patched": region("r-xp", "[vdso]"),
		"ptrace-injected":  all(region("r-xp", ""), status("TracerPid", func(planted.Truth) int { return 0 })),
		"ptrace-hijacked": all(region("r-xp", ""), file("syscall", func(p planted.Truth) string {
			return fmt.Sprintf(" %#x\n", p.Start+uint64(len(p.Bytes))-2)
		})),

		"identity-kernel-thread-lookalike":       all(file("comm", text("kworker/0:1\n")), file("cmdline", text("[kworker/0:1]"))),
		"identity-kernel-thread-lookalike-empty": all(file("comm", text("kworker/0:1\n")), file("cmdline", text("\x00"))),
		"identity-argv-mismatch":                 file("cmdline", text("/usr/sbin/nginx\x00")),
		"identity-argv-overwritten":              file("cmdline", text("[kworker/u8:2]\x00")),
		"identity-environ-overwritten":           file("environ", text("PATH=/usr/sbin:/usr/bin:/sbin:/bin\x00")),
		"identity-parent-broken":                 status("PPid", other),

		"hook-ld-preload-environment": file("environ", text("LD_PRELOAD=/tmp/libplant-absent.so\x00")),
		"hook-ld-audit":               file("environ", text("LD_AUDIT=/tmp/libplant-absent.so\x00")),
		"hook-tracer":                 status("TracerPid", other),
		"hook-memory-held": func(t *testing.T, p planted.Truth) {
			link(fmt.Sprintf("fd/%d", p.FD), func(p planted.Truth) string { return fmt.Sprintf("/proc/%d/mem", p.Other) })(t, p)
		},

		"net-shell-socket": all(link("fd/0", socketLink), link("fd/1", socketLink), file("net/tcp", inode)),
		"net-packet-socket": all(file("net/packet", inode), func(t *testing.T, p planted.Truth) {
			link(fmt.Sprintf("fd/%d", p.FD), socketLink)(t, p)
		}),
		"net-raw-socket":               file("net/raw", inode),
		"net-promiscuous":              file("net/dev", text("plant0")),
		"net-listener-without-process": all(file("net/tcp", inode), nobodyHolds),
		"net-socket-filter":            file("net/udp", inode),
		"net-xdp":                      file("net/dev", text("plant0")),
		"net-tc":                       file("net/dev", text("plant0")),
		"kernel-bpf-program": func(t *testing.T, p planted.Truth) {
			file(fmt.Sprintf("fdinfo/%d", p.FD), func(p planted.Truth) string { return fmt.Sprintf("prog_id:\t%d\n", p.Object) })(t, p)
		},

		"deleted-open": all(gone, sparse),
		"memfd-data":   sparse,

		"hostile-mappings":        count("maps"),
		"hostile-descriptors":     count("fd"),
		"hostile-memfd":           sparse,
		"hostile-remapping":       alive,
		"hostile-names":           file("comm", text("\x1b[2J\n) R 1 1\xff\n")),
		"hostile-uninterruptible": file("status", text("\nState:\tD (disk sleep)\n")),
		"hostile-churn":           alive,
		"benign-node":             file("maps", text("r-xp 00000000 00:00 0")),
		"benign-shell":            link("exe", text("/usr/bin/")),
		"benign-java":             file("maps", text("rwxp 00000000 00:00 0")),

		// Those that are tested below, with what they need.
		"hook-ld-preload": nil, "hook-ld-so-preload": nil, "hidden-by-mount": nil, "hostile-dead-mount": nil,
	}
}

// nobodyHolds looks for a socket in all descriptors of all processes.
func nobodyHolds(t *testing.T, truth planted.Truth) {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil || len(links) < 3 {
		t.Fatalf("%d descriptors: %v", len(links), err)
	}
	for _, l := range links {
		if to, _ := os.Readlink(l); to == socketLink(truth) {
			t.Errorf("%s holds it", l)
		}
	}
}

// TestPlants starts each kind and holds what it says to what is there; when it
// has ended, its process is gone.
func TestPlants(t *testing.T) {
	p := planted.Build(t)
	kinds, err := exec.Command(p.Path()).Output()
	if err != nil {
		t.Fatal(err)
	}
	checks := plants()
	names := strings.Fields(string(kinds))
	for kind := range checks {
		if !slices.Contains(names, kind) {
			t.Errorf("%s: no such kind", kind)
		}
	}
	for _, kind := range names {
		check, known := checks[kind]
		if !known {
			t.Errorf("%s: a kind without a check", kind)
		}
		if check == nil {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			plant := p.Begin(t, kind)
			truth := plant.Truth
			if truth.Skip != "" {
				t.Skip(truth.Skip)
			}
			check(t, truth)
			stat := fmt.Sprintf("/proc/%d/stat", truth.PID)
			before, err := os.ReadFile(stat)
			if err != nil || startField(before) == "" {
				t.Fatalf("%s: %q: %v", stat, before, err)
			}
			plant.End()
			for late := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
				after, _ := os.ReadFile(stat)
				if startField(after) != startField(before) {
					break
				}
				if time.Now().After(late) {
					t.Fatalf("process %d has outlived its plant", truth.PID)
				}
			}
		})
	}
}

// startField tells a process from a later one of the same number.
func startField(stat []byte) string {
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 20 || f[0][0] == 'Z' {
		return "" // gone, or waiting for init to take notice
	}
	return string(f[19])
}

func TestPlantLibraryHidesAProcess(t *testing.T) {
	library := planted.HidingLibrary(t)
	truth := planted.Build(t).Start(t, "hook-ld-preload", library)
	region("r-xp", library)(t, truth)
	hidden := strconv.Itoa(truth.Other)
	for _, env := range [][]string{nil, {"LD_PRELOAD=" + library, "HIDE_PID=" + hidden}} {
		c := exec.Command("ls", "/proc")
		c.Env = append(os.Environ(), env...)
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		if shown := slices.Contains(strings.Fields(string(out)), hidden); shown != (env == nil) {
			t.Errorf("with %q, process %s is shown: %v", env, hidden, shown)
		}
	}
}

func TestPlantMounts(t *testing.T) {
	if !planted.Alone(t) {
		return
	}
	p := planted.Build(t)
	truth := p.Start(t, "hidden-by-mount")
	if entries, err := os.ReadDir(string(truth.Path)); err != nil || len(entries) != 0 {
		t.Errorf("%s shows %v: %v", truth.Path, entries, err)
	}
	truth = p.Start(t, "hostile-dead-mount")
	if b, err := os.ReadFile("/proc/self/mountinfo"); err != nil || !bytes.Contains(b, append(truth.Path, " rw"...)) {
		t.Errorf("nothing is mounted on %s: %v", truth.Path, err)
	}
	truth = p.Start(t, "hook-ld-so-preload")
	if b, err := os.ReadFile("/etc/ld.so.preload"); err != nil || !bytes.Equal(b, truth.Bytes) {
		t.Errorf("/etc/ld.so.preload is %q: %v", b, err)
	}
}
