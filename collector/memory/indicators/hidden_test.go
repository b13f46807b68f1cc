package indicators

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hozen/collector/memory"
	"hozen/collector/proc"
)

// A fakePID is a process or thread of a fake kernel.
type fakePID struct {
	pid, tgid  int
	start      uint64
	born, dies int      // ticks of the fake clock; dies 0: never
	hide       pidViews // asking views that deny it
	unlisted   bool     // readdir of /proc, or its thread list, does not show it
	cgroup     bool
}

// A fakeKernel is a machine whose clock ticks at every call.
type fakeKernel struct {
	all   []fakePID
	clock int
}

func (k *fakeKernel) alive() (out []*fakePID) {
	k.clock++
	for i := range k.all {
		if p := &k.all[i]; p.born <= k.clock && (p.dies == 0 || k.clock < p.dies) {
			out = append(out, p)
		}
	}
	return out
}

func (k *fakeKernel) system() pidSystem {
	ask := func(pid int, whose bool) (a pidAnswer) {
		for _, p := range k.alive() {
			if p.pid != pid {
				continue
			}
			a.exists = byAsking &^ p.hide
			a.thread = p.pid != p.tgid && a.exists&byPidfd != 0
			if whose && a.exists&byLookup != 0 {
				a.tgid, a.start = p.tgid, p.start
			}
		}
		return a
	}
	return pidSystem{
		views: byAsking, ask: ask, wait: func(context.Context, time.Duration) { k.clock += 10 },
		list: func() (out []int, err error) {
			for _, p := range k.alive() {
				if p.pid == p.tgid && !p.unlisted {
					out = append(out, p.pid)
				}
			}
			return out, nil
		},
		tasks: func(pid int) (out []int, err error) {
			for _, p := range k.alive() {
				if p.tgid == pid && (!p.unlisted || p.pid == p.tgid) {
					out = append(out, p.pid)
				}
			}
			return out, nil
		},
		hold: func(pid int) (func() bool, func()) {
			for _, p := range k.alive() {
				if p.pid == pid && p.pid == p.tgid && p.hide&byPidfd == 0 {
					return func() bool { return !slices.Contains(k.alive(), p) }, func() {}
				}
			}
			return nil, nil
		},
		names: func(context.Context, []int) map[int]pidViews {
			out := map[int]pidViews{77777: byNetlink} // a port that is no pid
			for _, p := range k.alive() {
				if p.cgroup {
					out[p.pid] |= byCgroup
				}
			}
			return out
		},
		sweep: func(_ context.Context, known pidSet) (map[int]pidViews, string) {
			out := map[int]pidViews{}
			for pid := 1; pid < 400; pid++ {
				if a := ask(pid, false); !known.has(pid) && a.exists != 0 {
					out[pid] = a.exists & (byKill | byGetpgid | byLookup)
				}
			}
			return out, ""
		},
	}
}

func (k *fakeKernel) search() *pidSearch {
	f := &pidSearch{sys: k.system()}
	f.search(context.Background())
	return f
}

func TestWhatIsHiddenIsFound(t *testing.T) {
	base := []fakePID{{pid: 1, tgid: 1, start: 1}, {pid: 50, tgid: 50, start: 9}, {pid: 51, tgid: 50, start: 10}}
	for _, c := range []struct {
		name   string
		hide   fakePID
		also   []fakePID
		id     string
		level  memory.Level
		denied bool
	}{
		{name: "from readdir", hide: fakePID{pid: 60, tgid: 60, start: 3, unlisted: true}, id: "hidden-process"},
		{name: "from readdir and kill", hide: fakePID{pid: 60, tgid: 60, start: 3, unlisted: true, hide: byKill}, id: "hidden-process"},
		{name: "from all but getpgid", hide: fakePID{pid: 60, tgid: 60, unlisted: true, hide: byAsking &^ byGetpgid}, id: "hidden-process"},
		{name: "from all but its control group", hide: fakePID{pid: 60, tgid: 60, unlisted: true, hide: byAsking, cgroup: true}, id: "hidden-process", level: memory.Medium},
		{name: "from lookup by name", hide: fakePID{pid: 60, tgid: 60, start: 3, hide: byLookup}, denied: true},
		{name: "from kill", hide: fakePID{pid: 60, tgid: 60, start: 3, hide: byKill}, denied: true},
		{name: "a thread", hide: fakePID{pid: 60, tgid: 50, start: 3, unlisted: true}, id: "hidden-thread"},
		{name: "a thread whose process is not told", hide: fakePID{pid: 60, tgid: 50, unlisted: true, hide: byLookup}, id: "hidden-thread"},
		{name: "with its threads", hide: fakePID{pid: 60, tgid: 60, start: 3, unlisted: true}, also: []fakePID{{pid: 61, tgid: 60, start: 4}}, id: "hidden-process"},
	} {
		k := &fakeKernel{all: append(append(slices.Clone(base), c.hide), c.also...)}
		f := k.search()
		if c.denied {
			if len(f.hidden) != 0 || len(f.denied) != 1 || f.denied[0].always != c.hide.hide {
				t.Errorf("%s: %s", c.name, f.summary())
			}
			continue
		}
		if len(f.hidden) != 1+len(c.also) || len(f.denied) != 0 {
			t.Errorf("%s: %s", c.name, f.summary())
			continue
		}
		if got := f.hidden[0].finding(); got.id != c.id || got.level != c.level || f.hidden[0].pid != 60 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// Whatever comes and goes, and whoever gets a number again: nothing that was not
// there all the time is called hidden, and what was is.
func TestHiddenIsOnlyWhatIsThereAllTheTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := &fakeKernel{all: []fakePID{{pid: 1, tgid: 1, start: 1}, {pid: 2, tgid: 2, start: 2}}}
		for pid := range rapid.IntRange(0, 60).Draw(t, "churned") {
			at := rapid.IntRange(0, 700).Draw(t, "born")
			for n := range rapid.IntRange(1, 4).Draw(t, "lives") { // one number, several processes after another
				born := at + rapid.IntRange(0, 50).Draw(t, "gap")
				at = born + rapid.IntRange(1, 300).Draw(t, "life")
				p := fakePID{pid: 100 + pid, tgid: 100 + pid, start: uint64(10 + n), born: born, dies: at, cgroup: rapid.Bool().Draw(t, "cgroup")}
				if rapid.Bool().Draw(t, "thread") {
					p.tgid = 2
				}
				k.all = append(k.all, p)
			}
		}
		want := rapid.Bool().Draw(t, "rootkit")
		if want {
			k.all = append(k.all, fakePID{pid: 99, tgid: 99, start: 5, unlisted: true, hide: rapid.SampledFrom([]pidViews{0, byKill, byLookup, byKill | byPidfd}).Draw(t, "hooked")})
		}
		f := k.search()
		if len(f.denied) != 0 || want != (len(f.hidden) == 1) || want && f.hidden[0].pid != 99 || !want && len(f.hidden) != 0 {
			t.Fatalf("rootkit %v:\n%s", want, f.summary())
		}
	})
}

func TestListsThatNameProcesses(t *testing.T) {
	read := func(each func([]byte, func(int)), text string) (out []int) {
		each([]byte(text), func(n int) { out = append(out, n) })
		return out
	}
	for _, c := range []struct {
		name string
		got  []int
		want []int
	}{
		{"children", read(eachNumber, "12 13 99999999999999999999 x 0 -4\n14"), []int{12, 13, 14}},
		{"locks", read(eachLockOwner, "1: OFDLCK ADVISORY  READ -1 fe:00:3366926 203 203\n2: POSIX  ADVISORY  WRITE 4711 fe:00:1 0 EOF\n2: -> POSIX  ADVISORY  WRITE 4712 fe:00:1 0 EOF\n"), []int{4711, 4712}},
		{"scheduler", read(eachScheduled, " S            task   PID       vruntime   eligible\n-----\n>R           a b c  4711      1234.567890   E  1\n Sksoftirqd/0    16         0.000000         4   120\n"), []int{4711, 16}},
		{"pidfd", read(pidfdTarget, "pos:\t0\nflags:\t02000002\nPid:\t4711\nNSpid:\t4711\n"), []int{4711}},
		{"pidfd of one that ended", read(pidfdTarget, "Pid:\t-1\n"), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestPIDSets(t *testing.T) {
	var s pidSet
	s.add(1, 64, 4194304, -1, 0, 1<<30)
	for pid, want := range map[int]bool{1: true, 64: true, 4194304: true, 0: false, 2: false, -1: false, 1 << 30: false} {
		if s.has(pid) != want {
			t.Errorf("%d: %v", pid, !want)
		}
	}
	if got := ranges([]int{5, 1, 2, 3, 9, 10}); got != "[1-3 5 9-10]" {
		t.Error(got)
	}
}

func TestMountsOnProc(t *testing.T) {
	const head = "22 26 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n"
	for _, c := range []struct {
		name, lines string
		level       memory.Level // 0: no row
		explained   bool
		pid         int
	}{
		{name: "binfmt", lines: "30 22 0:28 / /proc/sys/fs/binfmt_misc rw shared:13 - autofs systemd-1 rw\n31 30 0:29 / /proc/sys/fs/binfmt_misc rw - binfmt_misc binfmt_misc rw\n"},
		{name: "a process", lines: "40 22 0:50 / /proc/4711 rw - tmpfs tmpfs rw\n", level: memory.High, pid: 4711},
		{name: "a process beneath another", lines: "40 22 0:21 /1 /proc/4711 rw - proc proc rw\n", level: memory.High, pid: 4711},
		{name: "part of a process", lines: "40 22 8:1 /empty /proc/4711/maps rw - ext4 /dev/sda1 rw\n", level: memory.High, pid: 4711},
		{name: "another file system on /proc", lines: "40 22 0:50 / /proc rw - tmpfs tmpfs rw\n", level: memory.High},
		{name: "container, masked", lines: "40 22 0:5 /null /proc/kcore rw - devtmpfs udev rw\n", explained: true},
		{name: "container, read only", lines: "40 22 0:21 /sys /proc/sys ro - proc proc rw\n", explained: true},
		{name: "lxcfs", lines: "40 22 0:60 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n", explained: true},
		{name: "the list of modules", lines: "40 22 8:1 /modules /proc/modules rw - ext4 /dev/sda1 rw\n", level: memory.Medium},
		{name: "not /proc", lines: "40 22 0:50 / /process/1 rw - tmpfs tmpfs rw\n"},
	} {
		mounts, _, err := proc.ParseMounts(head + c.lines)
		if err != nil {
			t.Fatal(c.name, err)
		}
		got := mountsOnProc(mounts)
		if c.level == 0 && !c.explained {
			if len(got) != 0 {
				t.Errorf("%s: %+v", c.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].level != c.level || (got[0].explained != "") != c.explained || got[0].pid != c.pid {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestHidepid(t *testing.T) {
	for super, want := range map[string]string{"rw": "", "rw,hidepid=0": "", "rw,hidepid=2": "hidepid=2", "rw,gid=5,hidepid=invisible": "hidepid=invisible", "rw,hidepid=off": ""} {
		mounts, _, err := proc.ParseMounts("22 26 0:21 / /proc rw,nosuid shared:12 - proc proc " + super + "\n")
		if got := hidepidIn(mounts); err != nil || got != want {
			t.Errorf("%s: %q, %v", super, got, err)
		}
	}
}

func FuzzHiddenLists(f *testing.F) {
	f.Add([]byte("1: -> POSIX  ADVISORY  WRITE 4712 fe:00:1 0 EOF\nPid:\t4\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, each := range []func([]byte, func(int)){eachNumber, eachLockOwner, eachScheduled, pidfdTarget} {
			each(b, func(n int) {
				if n <= 0 || !strings.Contains(string(b), strings.TrimLeft(ranges([]int{n}), "[")[:1]) {
					t.Errorf("%d out of %q", n, b)
				}
			})
		}
	})
}
