package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector"
	"hozen/collector/packet"
	"hozen/collector/persistence/scm"
	"hozen/packager/evidence"
	"hozen/packager/private"
	"hozen/packager/secret"
	"hozen/service/isolate"
)

// Probes of what is started by itself, of packets, of the service and its isolation, and of
// the console.

func persistenceProbes() []probe {
	return []probe{
		asking("persistence", "EnumServicesStatusExW", "over 200 services, drivers and those of users among them", serviceList),
		asking("persistence", "QueryServiceConfig2W", "every level of EventLog, its start and its account", serviceConfig),
		asking("persistence", "WMI repository", "it opens (administrators)", hostFile(`wbem\Repository\OBJECTS.DATA`)),
		asking("persistence", "task files", "the folder of tasks (administrators)", hostFile(`Tasks\Microsoft`)),
		asking("packets", "SIO_RCVALL", "each IPv4 address gives it (administrators)", rawSockets),
		asking("packets", "Npcap", "its version; absent, where it is not installed", npcapThere),
	}
}

func serviceList(context.Context, *collector.Host) (string, error) {
	m, err := scm.Open()
	if err != nil {
		return "", err
	}
	defer m.Close()
	answers, counts, err := m.List()
	if err != nil {
		return "", err
	}
	var n, drivers, users, running int
	for i, a := range answers {
		all, err := scm.Services(a, counts[i])
		if err != nil {
			return "", err
		}
		for _, s := range all {
			n++
			if scm.IsDriver(s.Type) {
				drivers++
			}
			if s.Type&0x40 != 0 { // SERVICE_USER_SERVICE
				users++
			}
			if s.PID != 0 {
				running++
			}
		}
	}
	seen := fmt.Sprintf("%d services in %d answers, %d drivers, %d of users, %d with a process", n, len(answers), drivers, users, running)
	if n < 200 || drivers < 50 || users == 0 || running < 20 {
		return seen, errors.New("that is not the list of a running Windows")
	}
	return seen, nil
}

func serviceConfig(context.Context, *collector.Host) (string, error) {
	m, err := scm.Open()
	if err != nil {
		return "", err
	}
	defer m.Close()
	answers, errs, opened := m.Query("EventLog", scm.Levels(false))
	if opened != nil {
		return "", opened
	}
	var bytes int
	for _, a := range answers {
		bytes += len(a.Data)
	}
	for level, err := range errs {
		if err != nil {
			return "", fmt.Errorf("level %d: %w", level, err)
		}
	}
	seen := fmt.Sprintf("%d levels, %d bytes", len(answers), bytes)
	if len(answers) != len(scm.Levels(false)) {
		return seen, errors.New("not every level was answered")
	}
	return seen, nil
}

// hostFile opens a file or folder of the system directory as the collectors do.
func hostFile(name string) func(context.Context, *collector.Host) (string, error) {
	return func(_ context.Context, h *collector.Host) (string, error) {
		n, err := readSome(h, h.Name(systemFile(name)))
		return fmt.Sprintf("%d bytes", n), err
	}
}

func rawSockets(context.Context, *collector.Host) (string, error) {
	n, err := packet.TryRaw()
	return fmt.Sprintf("%d addresses", n), err
}

func npcapThere(context.Context, *collector.Host) (string, error) {
	source, n, err := packet.TryNpcap()
	return fmt.Sprintf("%s %d adapters", source, n), err
}

func serviceProbes() []probe {
	return []probe{
		asking("service", "filtering platform", "the sublayers with their filters (administrators)", platformFilters),
		asking("service", "DPAPI", "what is sealed in memory opens again, and not when it was changed", func(context.Context, *collector.Host) (string, error) {
			return "", secret.TryMachine()
		}),
		asking("service", "%ProgramData%", "its owner and access list: users may make folders, not change those of others", programData),
		asking("service", "owner of ntdll.dll", "TrustedInstaller, and nobody else may change it", systemOwner),
		asking("service", "event log", "records of the log Application", eventRecords),
		asking("service", "QueryInterruptTime", "later on a second call", interruptTime),
	}
}

func platformFilters(ctx context.Context, _ *collector.Host) (string, error) {
	r, err := isolate.System().Read(ctx)
	if err != nil {
		return "", err
	}
	var ours int
	var broken string
	for _, t := range r.Tables {
		if t.Ours {
			ours++
			broken = t.Broken
		}
	}
	seen := fmt.Sprintf("%d sublayers, %d of ours %s", len(r.Tables), ours, broken)
	if len(r.Tables) == 0 {
		return seen, errors.New("no filter there, where Windows' own firewall has some")
	}
	return seen, nil
}

func programData(context.Context, *collector.Host) (string, error) {
	d, err := private.Of(os.Getenv("ProgramData"))
	if err != nil {
		return "", err
	}
	seen := fmt.Sprintf("owner %s, %d entries, protected %v, may change %v, may replace %v", d.Owner, len(d.Entries), d.Protected, d.Changers(), d.Replacers())
	if d.Everybody || d.Owner == "" || len(d.Entries) < 3 {
		return seen, errors.New("no owner, or no access list")
	}
	return seen, nil
}

// systemOwner: SID of NT SERVICE\TrustedInstaller.
func systemOwner(context.Context, *collector.Host) (string, error) {
	const trustedInstaller = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	d, err := private.Of(systemFile("ntdll.dll"))
	if err != nil {
		return "", err
	}
	seen := fmt.Sprintf("owner %s, %d entries", d.Owner, len(d.Entries))
	if others := d.Changers(trustedInstaller); d.Owner != trustedInstaller || len(others) > 0 {
		return seen, fmt.Errorf("another owner, or others may change it: %v", others)
	}
	return seen, nil
}

// eventRecords asks GetNumberOfEventLogRecords (winbase.h).
func eventRecords(context.Context, *collector.Host) (string, error) {
	dll := windows.NewLazySystemDLL("advapi32.dll")
	open, count, end := dll.NewProc("OpenEventLogW"), dll.NewProc("GetNumberOfEventLogRecords"), dll.NewProc("CloseEventLog")
	for _, p := range []*windows.LazyProc{open, count, end} {
		if err := p.Find(); err != nil {
			return "", err
		}
	}
	name, err := windows.UTF16PtrFromString("Application")
	if err != nil {
		return "", err
	}
	h, _, err := open.Call(0, uintptr(unsafe.Pointer(name)))
	if h == 0 {
		return "", fmt.Errorf("OpenEventLog: %w", err)
	}
	defer end.Call(h)
	var n uint32
	if r, _, err := count.Call(h, uintptr(unsafe.Pointer(&n))); r == 0 {
		return "", fmt.Errorf("GetNumberOfEventLogRecords: %w", err)
	}
	if n == 0 {
		return "0 records", errors.New("a running Windows has written some")
	}
	return fmt.Sprintf("%d records", n), nil
}

// interruptTime is what an uptime without sleep is taken from
// (https://learn.microsoft.com/windows/win32/api/realtimeapiset/nf-realtimeapiset-queryinterrupttime).
func interruptTime(context.Context, *collector.Host) (string, error) {
	p := windows.NewLazySystemDLL("kernelbase.dll").NewProc("QueryInterruptTime")
	if err := p.Find(); err != nil {
		return "", err
	}
	var first, second uint64
	p.Call(uintptr(unsafe.Pointer(&first)))
	windows.SleepEx(50, false)
	p.Call(uintptr(unsafe.Pointer(&second)))
	seen := fmt.Sprintf("%d s", first/1e7)
	if first == 0 || second <= first {
		return seen, fmt.Errorf("%d, then %d", first, second)
	}
	return seen, nil
}

func consoleProbes() []probe {
	return []probe{
		asking("console", "GetConsoleProcessList", "this process; absent without a console", consoleList),
		asking("console", "GetConsoleMode", "escape sequences understood; absent without a console", consoleMode),
		asking("console", "GetUserPreferredUILanguages", "the language of whoever runs it: ja-JP for Japanese", func(context.Context, *collector.Host) (string, error) {
			name := systemLanguage()
			if name == "" {
				return "", errors.New("no language")
			}
			return name, nil
		}),
		asking("console", "code pages", "932 both on a Japanese Windows, unless it is set to UTF-8 (65001)", codePages),
		asking("console", "processor", "the system's own: no emulation", nativeMachine),
	}
}

func consoleList(context.Context, *collector.Host) (string, error) {
	var list [16]uint32
	n, err := consoleProcesses(list[:])
	if err != nil {
		return "", noConsole(err)
	}
	seen := fmt.Sprintf("%d processes, alone: %v", n, ownConsole())
	if n <= len(list) && !slices.Contains(list[:n], windows.GetCurrentProcessId()) {
		return seen, errors.New("this process is not among them")
	}
	return seen, nil
}

func consoleMode(context.Context, *collector.Host) (string, error) {
	var mode uint32
	if err := windows.GetConsoleMode(windows.Handle(os.Stderr.Fd()), &mode); err != nil {
		return "", noConsole(err)
	}
	seen := fmt.Sprintf("%#x", mode)
	if mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING == 0 {
		return seen, errors.New("escape sequences are shown as they are")
	}
	return seen, nil
}

func codePages(context.Context, *collector.Host) (string, error) {
	out, err := windows.GetConsoleOutputCP()
	if err != nil {
		return fmt.Sprintf("ANSI %d", windows.GetACP()), noConsole(err)
	}
	return fmt.Sprintf("ANSI %d, console %d", windows.GetACP(), out), nil
}

// nativeMachine asks IsWow64Process2: IMAGE_FILE_MACHINE_ of winnt.h.
func nativeMachine(context.Context, *collector.Host) (string, error) {
	var process, native uint16
	if err := windows.IsWow64Process2(windows.CurrentProcess(), &process, &native); err != nil {
		return "", err
	}
	own := map[string]uint16{"amd64": 0x8664, "arm64": 0xaa64}[runtime.GOARCH]
	seen := fmt.Sprintf("%#x on %#x", own, native)
	if native != own {
		return seen, errors.New("this program is emulated: take the one for this processor")
	}
	return seen, nil
}

// noConsole: without one, its calls give ERROR_INVALID_HANDLE or nothing at all.
func noConsole(err error) error {
	const invalidAccess = windows.Errno(12) // ERROR_INVALID_ACCESS
	if errors.Is(err, windows.ERROR_INVALID_HANDLE) || errors.Is(err, invalidAccess) || errors.Is(err, windows.Errno(0)) {
		return evidence.NotHere("no console: %v", err)
	}
	return err
}
