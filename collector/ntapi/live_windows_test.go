package ntapi

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// self opens this process.
func self(t *testing.T) *Opened {
	t.Helper()
	o, err := Open(uint32(os.Getpid()), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// TestLiveLists finds this process and this thread in the lists.
func TestLiveLists(t *testing.T) {
	for _, class := range []SystemClass{SystemProcess, SystemExtendedProcess} {
		a, err := QuerySystem(class, 1<<26)
		if err != nil {
			t.Fatal(err)
		}
		all, err := Processes(a, class)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(p Process) bool { return p.PID == uint32(os.Getpid()) })
		if i < 0 || all[i].Created == 0 || !strings.HasSuffix(all[i].Name, ".exe") {
			t.Fatalf("class %d: not there, or without a name: %+v", class, all)
		}
		if all[i].Created != self(t).Created {
			t.Errorf("class %d: created %d, the process itself says %d", class, all[i].Created, self(t).Created)
		}
		tid := windows.GetCurrentThreadId()
		if !slices.ContainsFunc(all[i].Threads, func(x Thread) bool { return x.TID == tid }) {
			t.Errorf("class %d: no thread %d", class, tid)
		}
	}
	if _, err := Open(uint32(os.Getpid()), 1); err == nil || !strings.Contains(err.Error(), "another has its number") {
		t.Errorf("opened with the time of another: %v", err)
	}
	if _, err := Open(0xfffffff0, 0); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("opened a number that nobody has: %v", err)
	}
}

// TestLiveMemory reads this process from outside, and compares with what it knows of itself.
func TestLiveMemory(t *testing.T) {
	o := self(t)
	basic, err := o.Basic()
	if err != nil || basic.PID != uint32(os.Getpid()) || basic.ExitStatus != 0x103 {
		t.Fatalf("%+v, %v", basic, err)
	}
	peb, err := ReadPEB(o, basic.PEB, true)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadParameters(o, peb)
	if err != nil || p.CommandLine != windows.UTF16PtrToString(windows.GetCommandLine()) {
		t.Errorf("command line %q, %v", p.CommandLine, err)
	}
	if want := os.Environ(); len(p.Environment) < len(want) {
		t.Errorf("%d variables, %d here", len(p.Environment), len(want))
	}
	var module windows.Handle
	if err := windows.GetModuleHandleEx(0, nil, &module); err != nil || uint64(module) != peb.ImageBase {
		t.Errorf("image base %#x, %#x here, %v", peb.ImageBase, module, err)
	}
	all, err := ReadModules(o, peb)
	if err != nil || len(all) < 3 || all[0].Base != peb.ImageBase {
		t.Fatalf("%d modules, %v", len(all), err)
	}
	regions, err := o.Regions(context.Background(), 1<<20)
	if err != nil || len(regions) < 20 {
		t.Fatalf("%d regions, %v", len(regions), err)
	}
	for _, m := range all {
		i := slices.IndexFunc(regions, func(r Region) bool { return r.AllocationBase == m.Base })
		if i < 0 || regions[i].Type != MemImage || !strings.HasSuffix(strings.ToLower(regions[i].File), strings.ToLower(m.BaseName)) {
			t.Errorf("%s: not mapped, or another file", m.FullName)
		}
	}
	if _, err := o.Regions(context.Background(), 5); err == nil {
		t.Error("no word of the regions that were cut")
	}
}

// TestLiveGaps reads over the end of an allocation of one page: nothing else begins within
// the next 60 KiB.
func TestLiveGaps(t *testing.T) {
	at, err := windows.VirtualAlloc(0, pageSize, windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { windows.VirtualFree(at, 0, windows.MEM_RELEASE) })
	o := self(t)
	b := make([]byte, 3*pageSize)
	if gaps := ReadTolerant(o, 0x1000, b); len(gaps) != 1 || gaps[0] != (Gap{0x1000, 3 * pageSize}) { // never mapped
		t.Errorf("gaps %x, at 0x1000", gaps)
	}
	gaps := ReadTolerant(o, uint64(at), b)
	if len(gaps) == 0 {
		t.Skip("wine has no unreadable pages behind an allocation: it reads what it has reserved itself")
	}
	if len(gaps) != 1 || gaps[0] != (Gap{uint64(at) + pageSize, 2 * pageSize}) {
		t.Errorf("gaps %x, memory at %#x", gaps, at)
	}
	if n, err := o.ReadAt(b[:2*pageSize], int64(at)+100); n != pageSize-100 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestLiveToken(t *testing.T) {
	token, err := self(t).Token()
	if err != nil {
		t.Fatal(err)
	}
	me, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil || token.User != me.User.Sid.String() {
		t.Errorf("user %s, %v", token.User, err)
	}
	if token.Elevated != windows.GetCurrentProcessToken().IsElevated() || len(token.Groups) == 0 || len(token.Privileges) == 0 {
		t.Errorf("%+v", token)
	}
}

// TestLiveNames makes an event with a name and finds it in the table of handles, with a type.
func TestLiveNames(t *testing.T) {
	name, _ := windows.UTF16PtrFromString("hozen-names-\xe8\xa8\xbc")
	event, err := windows.CreateEvent(nil, 0, 0, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { windows.CloseHandle(event) })
	a, err := QuerySystem(SystemExtendedHandle, 1<<27)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Handles(a)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(h Handle) bool { return h.PID == uint32(os.Getpid()) && h.Value == uint64(event) })
	if i < 0 {
		t.Fatal("the event is not in the table")
	}
	n := NewNamer()
	defer n.Close()
	if got, err := n.Name(all[i], "Event"); err != nil || !strings.HasSuffix(got, `\hozen-names-証`) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := n.Name(all[i], "Mutant"); err == nil {
		t.Error("no word of a handle that leads to something else")
	}
	types, err := QueryObjectTypes()
	if err != nil {
		t.Fatal(err)
	}
	list, err := ObjectTypes(types)
	if err != nil || !slices.ContainsFunc(list, func(o ObjectType) bool { return o.Name == "Event" }) {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestLiveHangingPipe asks for the name of a pipe on which somebody waits in a synchronous
// read: whether the system answers or not, we come back.
func TestLiveHangingPipe(t *testing.T) {
	var r, w windows.Handle
	if err := windows.CreatePipe(&r, &w, nil, 0); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b [1]byte
		var n uint32
		windows.ReadFile(r, b[:], &n, nil)
	}()
	n := NewNamer()
	defer n.Close()
	name, err := n.Name(Handle{PID: uint32(os.Getpid()), Value: uint64(r)}, "File")
	t.Logf("%q, %v", name, err)
	windows.CloseHandle(w)
	<-done
	windows.CloseHandle(r)
}

// TestLiveSystem asks every class about the system; what this Windows does not know is said so.
func TestLiveSystem(t *testing.T) {
	a, err := QuerySystem(SystemBasic, 0)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := ParseBasic(a); err != nil || b.PageSize != pageSize || b.Processors == 0 {
		t.Errorf("%+v, %v", b, err)
	}
	if a, err = QuerySystem(SystemTimeOfDay, 0); err != nil {
		t.Fatal(err)
	}
	if v, err := ParseTimeOfDay(a); err != nil || v.Boot == 0 || v.Current <= v.Boot {
		t.Errorf("%+v, %v", v, err)
	}
	for _, class := range []SystemClass{SystemModule, SystemModuleEx} {
		a, err := QuerySystem(class, 1<<24)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := Drivers(a, class); err != nil || len(all) == 0 || !strings.Contains(strings.ToLower(all[0].Path), "ntoskrnl") {
			t.Errorf("class %d: %+v, %v", class, all, err)
		}
	}
	for _, class := range []SystemClass{SystemKernelDebugger, SystemKernelDebuggerEx, SystemCodeIntegrity, SystemSecureBoot, SystemBootEnvironment, SystemHypervisor, SystemHypervisorDetail, SystemIsolatedUserMode, SystemFullProcess} {
		a, err := QuerySystem(class, 1<<26)
		t.Logf("class %d: %d bytes, %v", class, len(a.Data), err)
	}
	if len(ReadDrives()) == 0 || unsafe.Sizeof(uintptr(0)) != 8 {
		t.Error("no drives")
	}
}
