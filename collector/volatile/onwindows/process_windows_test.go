package onwindows

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/pe/authenticode"
)

// sceneChild is the variable that makes this test's program the child of a scene.
const sceneChild = "HOZEN_SCENE_CHILD"

// TestSceneChild is no test: the scene starts it as another process.
func TestSceneChild(t *testing.T) {
	at := os.Getenv(sceneChild)
	if at == "" {
		return
	}
	if _, err := windows.LoadLibraryEx("winmm.dll", 0, windows.LOAD_LIBRARY_SEARCH_SYSTEM32); err != nil {
		t.Fatal(err)
	}
	name, _ := windows.UTF16PtrFromString("hozen-scene-event")
	if _, err := windows.CreateEvent(nil, 0, 0, name); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(at, "held 証拠.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(os.Getppid())); err != nil {
		t.Fatal(err)
	}
	tids := make(chan uint32)
	for range 4 {
		go func() {
			runtime.LockOSThread()
			tids <- windows.GetCurrentThreadId()
			select {}
		}()
	}
	ready := ""
	for range 4 {
		ready += fmt.Sprint(<-tids, "\n")
	}
	if err := os.WriteFile(filepath.Join(at, "writing"), []byte(ready), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(at, "writing"), filepath.Join(at, "ready")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // the scene ends it before
	f.Close()
}

// A scene is a child that says what it is.
type scene struct {
	dir  string
	pid  uint32
	tids []string
}

// startScene starts a child; parent is a process handle that is to be its parent, or 0. The
// child tells through a file that it is ready, because pipes would come from that parent.
func startScene(t *testing.T, parent syscall.Handle) scene {
	t.Helper()
	dir, err := os.MkdirTemp("", "scene")
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "-test.run=^TestSceneChild$", "--", "証拠 with blanks", `quoted "x"`)
	c.Dir = dir
	c.Env = append(os.Environ(), sceneChild+"="+dir, "SCENE_WORD=証拠=1")
	c.SysProcAttr = &syscall.SysProcAttr{ParentProcess: parent}
	if err := c.Start(); err != nil {
		if parent != 0 {
			t.Skipf("wine has no child of a chosen parent: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		for _, name := range []string{"ready", "held 証拠.txt", "."} {
			os.Remove(filepath.Join(dir, name))
		}
	})
	patience := 20 * time.Second
	if parent != 0 {
		patience = 5 * time.Second
	}
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if b, err := os.ReadFile(filepath.Join(dir, "ready")); err == nil {
			return scene{dir, uint32(c.Process.Pid), strings.Fields(string(b))}
		}
	}
	if parent != 0 {
		t.Skip("wine has no child of a chosen parent that runs")
	}
	t.Fatal("the child said nothing")
	return scene{}
}

// TestProcessScene finds every known thing of a child that this test started.
func TestProcessScene(t *testing.T) {
	sc := startScene(t, 0)
	var s hosttest.Sink
	if err := Processes().Collect(t.Context(), collector.ThisHost(), &s); err != nil {
		t.Fatal(err)
	}
	checkTables(t, &s)
	rows := rowsOf[ProcessRow](t, &s, processTable)
	i := slices.IndexFunc(rows, func(r ProcessRow) bool { return r.PID == sc.pid })
	if i < 0 {
		t.Fatalf("no row of process %d", sc.pid)
	}
	checkChild(t, rows[i], sc)
	checkParts(t, &s, rows[i], sc)
	raw := fmt.Sprintf("%s%d-%d.bin", processFiles, sc.pid, rows[i].StartedAt)
	if r, err := newReplay(string(s.Body(raw))); err != nil || len(r.answers) < 5 || len(r.memory) < 20 {
		t.Errorf("%s: %v", raw, err)
	}
}

func checkChild(t *testing.T, p ProcessRow, sc scene) {
	t.Helper()
	exe, _ := os.Executable()
	if !strings.EqualFold(string(p.Image), exe) || p.PEBImage != p.Image || p.LoaderImage != p.Image || len(p.Differences) != 0 {
		t.Errorf("image %q, by the PEB %q, by the loader %q, differences %q", p.Image, p.PEBImage, p.LoaderImage, p.Differences)
	}
	if want := `"証拠 with blanks" "quoted \"x\""`; !strings.HasSuffix(string(p.PEBCommandLine), want) {
		t.Errorf("command line %q", p.PEBCommandLine)
	}
	if !strings.EqualFold(strings.TrimRight(string(p.Cwd), `\`), sc.dir) {
		t.Errorf("cwd %q, want %q", p.Cwd, sc.dir)
	}
	if !slices.Contains(p.Environ, "SCENE_WORD=証拠=1") {
		t.Errorf("environment %q", p.Environ)
	}
	if *p.PPID != uint32(os.Getpid()) || p.ParentGone || !slices.Contains(p.Holders, uint32(os.Getpid())) {
		t.Errorf("parent %d (gone %v), held by %d; we are %d", *p.PPID, p.ParentGone, p.Holders, os.Getpid())
	}
	if p.User == nil || p.Integrity == "" || len(p.Privileges) == 0 || p.Start == "" || p.Ended {
		t.Errorf("%+v", p)
	}
	if p.Exe == nil || len(p.Exe.SHA256) != 64 || p.Exe.Size == 0 || p.Exe.Machine != "0x8664" && p.Exe.Machine != "0xaa64" {
		t.Errorf("image file: %+v", p.Exe)
	}
	if s := p.Exe.Signature; s == nil || s.Status != authenticode.Unsigned || s.Verdict != "TRUST_E_NOSIGNATURE" {
		t.Errorf("a test that nobody signed: %+v", s)
	}
	if !slices.Equal(p.SeenIn, []string{"list", "number", "handles"}) {
		t.Errorf("seen in %q", p.SeenIn)
	}
}

func checkParts(t *testing.T, s *hosttest.Sink, p ProcessRow, sc scene) {
	t.Helper()
	for _, name := range []string{"ntdll.dll", "kernel32.dll", "winmm.dll"} {
		if !slices.ContainsFunc(rowsOf[ProcessModuleRow](t, s, processFiles+"modules.jsonl"), func(m ProcessModuleRow) bool {
			return m.PID == sc.pid && strings.EqualFold(string(m.Name), name) && m.InLoad > 0 && m.InMemory > 0 && m.MappedSize > 0 && len(m.Disagreements) == 0
		}) {
			t.Errorf("no module %s, in the lists and mapped", name)
		}
	}
	threads := map[string]ThreadRow{}
	for _, x := range rowsOf[ThreadRow](t, s, processFiles+"threads.jsonl") {
		if x.PID == sc.pid {
			threads[fmt.Sprint(x.TID)] = x
		}
	}
	for _, tid := range sc.tids {
		if x, ok := threads[tid]; !ok || x.StartType != "image" || !strings.HasSuffix(string(x.StartIn), ".exe") {
			t.Errorf("thread %s: %+v", tid, x)
		}
	}
	found := map[string]bool{}
	for _, h := range rowsOf[HandleRow](t, s, processFiles+"handles.jsonl") {
		if h.PID != sc.pid {
			continue
		}
		found["event"] = found["event"] || h.Type == "Event" && strings.HasSuffix(string(h.Name), "hozen-scene-event")
		found["file"] = found["file"] || h.Type == "File" && strings.HasSuffix(string(h.Path), `\held 証拠.txt`)
		found["parent"] = found["parent"] || h.Type == "Process" && h.TargetPID == uint32(os.Getpid())
	}
	exe := string(p.Image)
	if !slices.ContainsFunc(rowsOf[ImageFile](t, s, processFiles+"module_files.jsonl"), func(f ImageFile) bool {
		return strings.EqualFold(string(f.Path), exe) && f.SHA256 == p.Exe.SHA256 && f.Signature != nil
	}) {
		t.Errorf("%s is not among the files of modules", exe)
	}
	if !found["event"] || !found["file"] || !found["parent"] {
		t.Errorf("handles: found %v", found)
	}
	if p.Counts.Mappings < 20 || len(rowsOf[DriverRow](t, s, processFiles+"drivers.jsonl")) == 0 {
		t.Errorf("%d mappings", p.Counts.Mappings)
	}
}

// TestChosenParent starts a child whose parent is another than its creator, as malware does:
// the row has the chosen one, and its creator among those that hold it.
func TestChosenParent(t *testing.T) {
	first := startScene(t, 0)
	h, err := windows.OpenProcess(windows.PROCESS_CREATE_PROCESS|windows.PROCESS_DUP_HANDLE, false, first.pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { windows.CloseHandle(h) })
	second := startScene(t, syscall.Handle(h))
	var s hosttest.Sink
	if err := Processes().Collect(t.Context(), collector.ThisHost(), &s); err != nil {
		t.Fatal(err)
	}
	rows := rowsOf[ProcessRow](t, &s, processTable)
	i := slices.IndexFunc(rows, func(r ProcessRow) bool { return r.PID == second.pid })
	if i < 0 {
		t.Fatal("no row")
	}
	if p := rows[i]; *p.PPID != first.pid || !slices.Contains(p.Holders, uint32(os.Getpid())) || slices.Contains(p.Holders, first.pid) {
		t.Errorf("parent %d, chosen %d; held by %d, made by %d", *p.PPID, first.pid, p.Holders, os.Getpid())
	}
}
