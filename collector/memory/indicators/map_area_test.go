package indicators

import (
	"slices"
	"strings"
	"testing"

	"hozen/collector/proc"
)

// A mapCase is a process made up from the text of maps; rows are its areas:
// "kind start", and behind it the engine that explains it.
type mapCase struct {
	name, exe, maps string
	head            string // what every area begins with
	want            []string
}

func mapCases() []mapCase {
	const (
		node = "00400000-02f00000 r-xp 00000000 fe:00 11 /usr/bin/node\n"
		java = "55d000000000-55d000001000 r-xp 00000000 fe:00 12 /usr/lib/jvm/java-17-openjdk-amd64/bin/java\n" +
			"7f7d45000000-7f7d46000000 r-xp 00300000 fe:00 13 /usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so\n"
		python = "55d000000000-55d000300000 r-xp 0001f000 fe:00 14 /usr/bin/python3.11\n" +
			"7f0d96431000-7f0d96437000 r-xp 00002000 fe:00 15 /usr/lib/x86_64-linux-gnu/libffi.so.8.1.2\n" +
			"7f0d96500000-7f0d96580000 r-xp 00002000 fe:00 16 /usr/lib/x86_64-linux-gnu/libpcre2-8.so.0.11.2\n"
		trampoline = "\x43\x00\x00\x00\x00\x00\x00\x00\xf3\x0f\x1e\xfa\x4c\x8d\x15\xf5\xff\xff\xff\x25\x07"
		anonymous  = "7f0d972a2000-7f0d972a3000 "
	)
	return []mapCase{
		{name: "what every process has", exe: "/usr/bin/cat", maps: "5593d14fe000-5593d1503000 r-xp 00002000 fe:00 247026 /usr/bin/cat\n" +
			"5593fcb82000-5593fcba3000 rw-p 00000000 00:00 0 [heap]\n7ff119ed2000-7ff119ed4000 r-xp 00000000 00:00 0 [vdso]\n" +
			"7fffddd69000-7fffddd8a000 rw-p 00000000 00:00 0 [stack]\n7fffddde0000-7fffddde1000 --xp 00000000 00:00 0 [uprobes]\nffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n"},
		{name: "injected", exe: "/usr/bin/cat", maps: anonymous + "r-xp 00000000 00:00 0 \n7f0d97300000-7f0d97301000 --xp 00000000 00:00 0\n" +
			"7f0d97400000-7f0d97401000 r-xp 00000000 00:00 0 [anon:libc_malloc]\n7f0d97500000-7f0d97501000 rwxs 00000000 00:01 3 /dev/zero (deleted)\n7f0d97600000-7f0d97601000 rwxs 00000000 00:01 4 /SYSV00000000 (deleted)\n",
			want: []string{"anonymous 7f0d972a2000", "anonymous 7f0d97300000", "anonymous 7f0d97400000", "anonymous 7f0d97500000", "anonymous 7f0d97600000"}},
		{name: "mappings without a gap are one", exe: "/usr/bin/cat", maps: anonymous + "rwxp 00000000 00:00 0 \n7f0d972a3000-7f0d972a4000 rwxp 00000000 00:00 0 \n7f0d972a4000-7f0d972a5000 r-xp 00000000 00:00 0 \n",
			want: []string{"anonymous 7f0d972a2000", "anonymous 7f0d972a4000"}},
		{name: "files in memory", exe: "/memfd:self (deleted)", maps: "00400000-00401000 r-xp 00000000 00:01 5 /memfd:self (deleted)\n" +
			"7f0000000000-7f0000001000 r-xp 00000000 00:01 6 /memfd:libx.so (deleted)\n7f0000002000-7f0000003000 r-xp 00000000 00:1a 7 /dev/shm/x\n" +
			"7f0000004000-7f0000005000 r-xp 00000000 00:2b 8 /tmp/x.so\n7f0000006000-7f0000007000 r-xp 00000000 fe:00 9 /memfd:a\\040file (deleted)\n",
			want: []string{"memfd 7f0000000000", "memfd 7f0000002000", "tmpfs 7f0000004000", "deleted 7f0000006000"}},
		{name: "heap and stack", exe: "/usr/bin/cat", maps: "5593fcb82000-5593fcba3000 rwxp 00000000 00:00 0 [heap]\n7fffddd69000-7fffddd8a000 rwxp 00000000 00:00 0 [stack]\n",
			want: []string{"heap 5593fcb82000", "stack 7fffddd69000"}},
		{name: "deleted, not the image", exe: "/usr/bin/cat (deleted)", maps: "00400000-00401000 r-xp 00000000 fe:00 5 /usr/bin/cat (deleted)\n7f0000000000-7f0000001000 r-xp 00000000 fe:00 6 /usr/lib/libx.so (deleted)\n",
			want: []string{"deleted 7f0000000000"}},
		{name: "a writable image", exe: "/opt/old", maps: "00400000-00401000 rwxp 00000000 fe:00 5 /opt/old\n", want: []string{"file 400000"}},
		{name: "node", exe: "/usr/bin/node", maps: node + "3ac5aad78000-3ac5aad79000 rwxp 00000000 00:00 0\n7fe9e27c3000-7fe9e27ff000 rwxp 00000000 00:00 0 \n7f0000000000-7f0000001000 r-xp 00000000 00:01 6 /memfd:x (deleted)\n",
			want: []string{"anonymous 3ac5aad78000 V8", "anonymous 7fe9e27c3000 V8", "memfd 7f0000000000"}},
		{name: "node with a program in memory", exe: "/usr/bin/node", maps: node + "3ac5aad78000-3ac5aad79000 rwxp 00000000 00:00 0\n", head: elfMagic, want: []string{"anonymous 3ac5aad78000"}},
		{name: "called node, of a user", exe: "/home/u/node", maps: "00400000-02f00000 r-xp 00000000 fe:00 11 /home/u/node\n" + anonymous + "rwxp 00000000 00:00 0\n", want: []string{"anonymous 7f0d972a2000"}},
		{name: "called node, in a hidden place", exe: "/home/u/.x/node", maps: "00400000-02f00000 r-xp 00000000 fe:00 11 /home/u/.x/node\n" + anonymous + "rwxp 00000000 00:00 0\n", want: []string{"anonymous 7f0d972a2000"}},
		{name: "called node, removed", exe: "/usr/bin/node (deleted)", maps: "00400000-02f00000 r-xp 00000000 fe:00 11 /usr/bin/node (deleted)\n" + anonymous + "rwxp 00000000 00:00 0\n", want: []string{"anonymous 7f0d972a2000"}},
		{name: "chromium, whose reservation is called heap", exe: "/usr/lib/chromium/chromium", maps: "55e7d0000000-55e7df000000 r-xp 00000000 fe:00 11 /usr/lib/chromium/chromium\n55e7e0000000-55e800000000 rwxp 00000000 00:00 0 [heap]\n",
			want: []string{"heap 55e7e0000000 V8"}},
		{name: "chromium with a heap", exe: "/usr/lib/chromium/chromium", maps: "55e7d0000000-55e7df000000 r-xp 00000000 fe:00 11 /usr/lib/chromium/chromium\n55e7e0003000-55e7e0024000 rwxp 00000000 00:00 0 [heap]\n",
			want: []string{"heap 55e7e0003000"}},
		{name: "an application of Electron", exe: "/opt/Chat/chat", maps: "00400000-02f00000 r-xp 00000000 fe:00 11 /opt/Chat/chat\n05000000-05100000 r--p 00000000 fe:00 12 /opt/Chat/v8_context_snapshot.bin\n" + anonymous + "r-xp 00000000 00:00 0\n",
			want: []string{"anonymous 7f0d972a2000 V8"}},
		{name: "java", exe: "/usr/lib/jvm/java-17-openjdk-amd64/bin/java", maps: java + "7f7d35400000-7f7d35670000 rwxp 00000000 00:00 0\n7f7d36400000-7f7d36401000 r-xp 00000000 00:00 0\n",
			want: []string{"anonymous 7f7d35400000 HotSpot (Java)", "anonymous 7f7d36400000"}},
		{name: "java without libjvm", exe: "/usr/bin/java", maps: "00400000-02f00000 r-xp 00000000 fe:00 11 /usr/bin/java\n" + anonymous + "rwxp 00000000 00:00 0\n", want: []string{"anonymous 7f0d972a2000"}},
		{name: ".NET", exe: "/usr/lib/dotnet/dotnet", maps: "00400000-02f00000 r-xp 00000000 fe:00 11 /usr/lib/dotnet/dotnet\n7f0000000000-7f0000700000 r-xp 00000000 fe:00 12 /usr/lib/dotnet/shared/Microsoft.NETCore.App/8.0.0/libcoreclr.so\n" +
			"7f1000000000-7f1000001000 r-xs 00000000 00:01 2048 /memfd:doublemapper (deleted)\n7f1000002000-7f1000003000 r-xs 00000000 00:01 2049 /memfd:doubled (deleted)\n",
			want: []string{"memfd 7f1000000000 .NET", "memfd 7f1000002000"}},
		{name: "firefox", exe: "/usr/lib/firefox-esr/firefox-esr", maps: "00400000-00500000 r-xp 00000000 fe:00 11 /usr/lib/firefox-esr/firefox-esr\n7f0000000000-7f0006000000 r-xp 00000000 fe:00 12 /usr/lib/firefox-esr/libxul.so\n" +
			"2f3900000000-2f3900010000 r-xp 00000000 00:00 0 [anon:js-executable-memory]\n", want: []string{"anonymous 2f3900000000 SpiderMonkey"}},
		{name: "closures of libffi", exe: "/usr/bin/python3.11", maps: python + anonymous + "rwxp 00000000 00:00 0\n", head: trampoline, want: []string{"anonymous 7f0d972a2000 closures of libffi"}},
		{name: "libffi in a python of a user", exe: "/home/u/.pyenv/versions/3.11.7/bin/python3.11", maps: python + anonymous + "rwxp 00000000 00:00 0\n", head: trampoline, want: []string{"anonymous 7f0d972a2000"}},
		{name: "libffi in an image in a hidden place", exe: "/home/u/.x/python", maps: python + anonymous + "rwxp 00000000 00:00 0\n", head: trampoline, want: []string{"anonymous 7f0d972a2000"}},
		{name: "libffi in an image in tmp", exe: "/tmp/.pyenv/python", maps: python + anonymous + "rwxp 00000000 00:00 0\n", head: trampoline, want: []string{"anonymous 7f0d972a2000"}},
		{name: "libffi, but no closure", exe: "/usr/bin/python3.11", maps: python + anonymous + "rwxp 00000000 00:00 0\n", head: "\x90\x90\x31\xc0", want: []string{"anonymous 7f0d972a2000"}},
		{name: "PCRE", exe: "/usr/bin/python3.11", maps: python + "7f0d97300000-7f0d97310000 rwxp 00000000 00:00 0\n", want: []string{"anonymous 7f0d97300000 PCRE"}},
		{name: "php", exe: "/usr/bin/php8.2", maps: "00400000-00900000 r-xp 00000000 fe:00 11 /usr/bin/php8.2\n56016d800000-56016e800000 r-xs 00000000 00:01 1041 /dev/zero (deleted)\n", want: []string{"anonymous 56016d800000 PHP"}},
		{name: "qemu", exe: "/usr/bin/qemu-system-x86_64", maps: "00400000-00900000 r-xp 00000000 fe:00 11 /usr/bin/qemu-system-x86_64\n7f705c000000-7f705ffff000 rwxp 00000000 00:00 0 \n", want: []string{"anonymous 7f705c000000 QEMU"}},
		{name: "a stack is of no engine", exe: "/usr/bin/node", maps: node + "7fffddd69000-7fffddd8a000 rwxp 00000000 00:00 0 [stack]\n", want: []string{"stack 7fffddd69000"}},
	}
}

func TestAreas(t *testing.T) {
	for _, c := range mapCases() {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			maps, bad, err := proc.ParseMappings(c.maps)
			if bad > 0 {
				t.Fatal(err)
			}
			engines := enginesIn(c.exe, maps, func(m *proc.Mapping) bool { return everyFile(m) && (systemPlace(m.Path) || addedPlace(m.Path)) })
			var got []string
			for _, a := range areasOf(maps, c.exe, map[string]bool{"00:2b": true}) {
				a.head = []byte(c.head)
				if programHead(a.head) != "" {
					a.heads = []uint64{a.start}
				}
				row := areaWords()[a.kind] + " " + strings.Split(span(a.start, a.end), "-")[0]
				if why := explainByEngine(engines, a); why != "" {
					row += " " + strings.TrimSuffix(strings.TrimPrefix(why, "code that "), " makes while it runs")
				}
				got = append(got, row)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func areaWords() map[areaKind]string {
	return map[areaKind]string{areaFile: "file", areaAnonymous: "anonymous", areaMemfd: "memfd", areaTmpfs: "tmpfs", areaDeleted: "deleted", areaHeap: "heap", areaStack: "stack"}
}

func TestMemoryDevices(t *testing.T) {
	got := memoryDevicesOf([]proc.Mount{{Device: "0:43", Type: "tmpfs", Point: "/tmp"}, {Device: "254:0", Type: "ext4", Point: "/"}, {Device: "0:300", Type: "tmpfs", Point: "/run"}, {Device: "x", Type: "tmpfs"}})
	if len(got) != 2 || !got["00:2b"] || !got["00:12c"] {
		t.Error(got)
	}
	if got := memoryDevicesOf([]proc.Mount{{Device: "0:2", Type: "tmpfs", Point: "/"}, {Device: "0:2", Type: "tmpfs", Point: "/srv"}}); len(got) != 0 {
		t.Errorf("a system that runs from RAM: %v", got)
	}
}

// FuzzAreas: any text of maps gives areas that are in order and executable.
func FuzzAreas(f *testing.F) {
	for _, c := range mapCases() {
		f.Add(c.maps, c.exe)
	}
	f.Fuzz(func(t *testing.T, text, exe string) {
		maps, _, _ := proc.ParseMappings(text)
		engines := enginesIn(exe, maps, everyFile)
		for _, a := range areasOf(maps, exe, nil) {
			if !a.first.Executable() || a.end < a.start || areaWords()[a.kind] == "" {
				t.Errorf("%+v", a)
			}
			if explainByEngine(engines, a) != "" && a.kind == areaStack {
				t.Errorf("a stack is explained: %+v", a)
			}
		}
	})
}
