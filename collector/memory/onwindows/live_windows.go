package onwindows

import (
	"context"
	"fmt"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/ntapi"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// live is the running Windows.
type live struct{}

func thisSystem() (system, error) { return live{}, nil }

// Bounds of answers, in bytes.
const (
	limitProcesses = 256 << 20
	limitHandles   = 1 << 30
	limitDrivers   = 16 << 20
	limitRegions   = 1 << 20 // of one process, as their number
	// luidDebug is SeDebugPrivilege (wdm.h): with it the memory of other users' processes
	// may be read.
	luidDebug = 20
)

func (live) snapshot(ctx context.Context, s *survey) (out snapshot) {
	out.errs, out.pids = map[string]error{}, map[string][]uint32{}
	note := func(what string, err error) {
		if err != nil {
			out.errs[what] = err
		}
	}
	if on, err := ntapi.EnablePrivilege(luidDebug); err != nil {
		note("SeDebugPrivilege", err)
	} else if !on {
		note("SeDebugPrivilege", fmt.Errorf("not held: other users' processes cannot be read: %w", windows.ERROR_ACCESS_DENIED))
	}
	out.drives, out.places = ntapi.ReadDrives(), livePlaces()
	var err error
	out.processes, out.raw, err = processList()
	note("list of processes", err)
	var handles []ntapi.Handle
	out.held, handles, err = heldProcesses(ctx, out.processes)
	note("handles", err)
	answer, err := ntapi.QuerySystem(ntapi.SystemModule, limitDrivers)
	if err == nil {
		out.drivers, err = ntapi.Drivers(answer, ntapi.SystemModule)
	}
	note("list of drivers", err)
	note("other views of processes", out.otherViews(ctx, handles))
	return out
}

func processList() ([]ntapi.Process, []byte, error) {
	for _, class := range []ntapi.SystemClass{ntapi.SystemExtendedProcess, ntapi.SystemProcess} {
		answer, err := ntapi.QuerySystem(class, limitProcesses)
		if err != nil && class != ntapi.SystemProcess {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		all, err := ntapi.Processes(answer, class)
		return all, answer.Data, err
	}
	return nil, nil, nil
}

func livePlaces() (p places) {
	p.windows, _ = windows.GetSystemWindowsDirectory()
	for _, id := range []*windows.KNOWNFOLDERID{windows.FOLDERID_ProgramFiles, windows.FOLDERID_ProgramFilesX86} {
		if dir, err := windows.KnownFolderPath(id, windows.KF_FLAG_DONT_VERIFY); err == nil {
			p.programs = append(p.programs, dir)
		}
	}
	// What the engine of Defender runs and loads lies here, where Windows lets nobody else write.
	if dir, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DONT_VERIFY); err == nil {
		p.programs = append(p.programs, dir+`\Microsoft\Windows Defender`)
	}
	return p
}

// read opens a process and reads what the checks want.
func (live) read(p *process) (done func()) {
	done = func() {}
	if p.info.PID == 0 {
		return done
	}
	o, err := ntapi.Open(p.info.PID, p.info.Created)
	if err != nil {
		var outcome evidence.Outcome
		outcome, _, _ = evidence.Classify(err, 0)
		p.gone = outcome == evidence.Absent
		p.section("open", nil, err)
		return done
	}
	p.kernelPath = p.name(o, ntapi.ProcessImageFile)
	p.path = firstOf(p.name(o, ntapi.ProcessImageFileWin32), p.kernelPath)
	if token, err := o.Token(); err == nil {
		p.sid, p.user = token.User, wellKnown(token.User)
	}
	if a, err := o.Query(ntapi.ProcessProtectionInfo); err == nil {
		protection, _ := ntapi.ParseProtection(a)
		p.protected = protection.Protected()
	}
	if o.Denied != nil {
		err := o.Denied
		if p.protected {
			err = evidence.Skip("process %d is protected: its memory cannot be read without a driver", p.info.PID)
		}
		p.section("memory", nil, err)
		return o.Close
	}
	p.readMemory(o)
	return o.Close
}

// name asks for one of the names of the image.
func (p *process) name(o *ntapi.Opened, class ntapi.ProcessClass) string {
	a, err := o.Query(class)
	name := ""
	if err == nil {
		name, err = ntapi.UnicodeString(a)
	}
	p.section(fmt.Sprintf("NtQueryInformationProcess class %d", class), []byte(name), err)
	return p.s.win32(name)
}

// readMemory reads what lies in the memory of the process.
func (p *process) readMemory(o *ntapi.Opened) {
	p.mem = o
	if _, err := o.WorkingSet([]uint64{0x10000}); err == nil {
		p.pages = o.WorkingSet
	}
	var err error
	if p.regions, err = o.Regions(p.ctx, limitRegions); err != nil {
		p.section("regions", nil, err)
	}
	basic, err := o.Basic()
	if err != nil || basic.PEB == 0 {
		p.section("basic information", nil, err)
		return
	}
	if p.peb, err = ntapi.ReadPEB(o, basic.PEB, true); err != nil {
		p.section("PEB", nil, err)
		return
	}
	p.pebRead = true
	raw, _ := p.read(basic.PEB, 0x7d0)
	p.section("PEB", raw, nil)
	if p.params, err = ntapi.ReadParameters(o, p.peb); err != nil {
		p.section("parameters", nil, err)
	}
	if p.peb.Ldr != 0 {
		p.modules, p.modulesErr = ntapi.ReadModules(o, p.peb)
	}
	if a, err := o.Query(ntapi.ProcessWow64); err == nil && len(a.Data) >= 8 {
		p.readNarrow(o, uint64(a.Data[0])|uint64(a.Data[1])<<8|uint64(a.Data[2])<<16|uint64(a.Data[3])<<24)
	}
	p.askThreads()
}

// readNarrow reads the lists of a 32-bit program.
func (p *process) readNarrow(o *ntapi.Opened, at uint64) {
	if at == 0 {
		return
	}
	peb, err := ntapi.ReadPEB(o, at, false)
	if err != nil {
		p.section("PEB32", nil, err)
		return
	}
	if peb.Ldr == 0 {
		return
	}
	more, err := ntapi.ReadModules(o, peb)
	p.modules = append(p.modules, more...)
	p.modulesErr = fault.Join(p.modulesErr, err)
}

// askThreads asks each thread where it is now, and where it began if the list does not
// tell (ThreadQuerySetWin32StartAddress, 9, of NtQueryInformationThread).
func (p *process) askThreads() {
	query := windows.NewLazySystemDLL("ntdll.dll").NewProc("NtQueryInformationThread")
	get := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetThreadContext")
	if query.Find() != nil || get.Find() != nil {
		return
	}
	p.info.Threads = slices.Clone(p.info.Threads)
	p.instructions = map[uint32]uint64{}
	for i := range p.info.Threads {
		t := &p.info.Threads[i]
		h, err := windows.OpenThread(windows.THREAD_QUERY_INFORMATION|windows.THREAD_GET_CONTEXT, false, t.TID)
		if err != nil {
			continue // it has ended, or may not be asked
		}
		var start uintptr
		if t.Win32Start == 0 {
			if r, _, _ := query.Call(uintptr(h), 9, uintptr(unsafe.Pointer(&start)), unsafe.Sizeof(start), 0); r == 0 {
				t.Win32Start = uint64(start)
			}
		}
		if int(p.info.PID) != os.Getpid() {
			_, _, p.instructions[t.TID] = registers(get, h)
		}
		windows.CloseHandle(h)
	}
}

// wellKnown names users that every Windows has.
func wellKnown(sid string) string {
	switch sid {
	case "S-1-5-18":
		return "SYSTEM"
	case "S-1-5-19":
		return "LOCAL SERVICE"
	case "S-1-5-20":
		return "NETWORK SERVICE"
	}
	return ""
}
