package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/windows"

	"hozen/collector"
	"hozen/collector/ntapi"
	"hozen/packager/evidence/fault"
)

// Probes of what processes asks: of this process itself, of which
// we know what must be answered.

// selfTestAnswer bounds one answer of the kernel.
const selfTestAnswer = 64 << 20

func processProbes() []probe {
	return []probe{
		asking("processes", "SystemProcessInformation", "this process, with its time of creation and threads", ownProcess(ntapi.SystemProcess)),
		asking("processes", "SystemExtendedProcessInformation", "this process, with its time of creation and threads", ownProcess(ntapi.SystemExtendedProcess)),
		asking("processes", "SystemFullProcessInformation", "this process, with its user (administrators)", ownProcess(ntapi.SystemFullProcess)),
		asking("processes", "SystemExtendedHandleInformation", "a handle of this process, of a type that has a name", ownHandles),
		asking("processes", "SystemModuleInformation", "ntoskrnl.exe first, and over 50 drivers", driverList(ntapi.SystemModule)),
		asking("processes", "SystemModuleInformationEx", "ntoskrnl.exe first, and over 50 drivers", driverList(ntapi.SystemModuleEx)),
		asking("processes", "ProcessProtectionInformation", "System is ProtectedSystem", systemProtection),
		asking("processes", "ProcessMitigationPolicy", "that this process may be asked for each policy", mitigations),
		asking("processes", "ProcessCommandLineInformation", "the command line of this process", onSelf(func(o *ntapi.Opened) (string, error) {
			return sameText(o, ntapi.ProcessCommandLine, commandLine())
		})),
		asking("processes", "PEB", "the command line, image and ntdll.dll of this process", onSelf(ownPEB)),
		asking("processes", "token", "the user, integrity and logon session of this process", onSelf(ownToken)),
		asking("processes", "memory of lsass.exe", "denied where it is protected (RunAsPPL), or regions with lsass.exe itself", lsassRegions),
	}
}

func onSelf(try func(*ntapi.Opened) (string, error)) func(context.Context, *collector.Host) (string, error) {
	return func(context.Context, *collector.Host) (string, error) {
		o, err := ntapi.Open(uint32(os.Getpid()), 0)
		if err != nil {
			return "", err
		}
		defer o.Close()
		return try(o)
	}
}

// ownProcess compares the list with what GetProcessTimes says.
func ownProcess(class ntapi.SystemClass) func(context.Context, *collector.Host) (string, error) {
	return onSelf(func(o *ntapi.Opened) (string, error) {
		a, err := ntapi.QuerySystem(class, selfTestAnswer)
		if err != nil {
			return "", err
		}
		all, err := ntapi.Processes(a, class)
		i := slices.IndexFunc(all, func(p ntapi.Process) bool { return p.PID == o.PID })
		if err != nil || i < 0 {
			return fmt.Sprintf("%d processes", len(all)), fault.Join(err, fmt.Errorf("process %d is not in the list", o.PID))
		}
		p := all[i]
		seen := fmt.Sprintf("%d processes; %s, %d threads, session %d, user %s", len(all), p.Name, len(p.Threads), p.Session, p.SID)
		switch {
		case p.Created != o.Created:
			return seen, fmt.Errorf("created %d, but GetProcessTimes says %d", p.Created, o.Created)
		case len(p.Threads) == 0 || p.Threads[0].PID != o.PID || int(p.ThreadsSaid) != len(p.Threads):
			return seen, fmt.Errorf("%d threads of the %d that it has", len(p.Threads), p.ThreadsSaid)
		case class == ntapi.SystemFullProcess && p.SID == "":
			return seen, errors.New("no user")
		case class != ntapi.SystemProcess && p.Threads[0].Win32Start == 0:
			return seen, errors.New("no start address of its first thread")
		}
		return seen, nil
	})
}

func ownHandles(context.Context, *collector.Host) (string, error) {
	a, err := ntapi.QuerySystem(ntapi.SystemExtendedHandle, 4*selfTestAnswer)
	if err != nil {
		return "", err
	}
	all, err := ntapi.Handles(a)
	if err != nil {
		return "", err
	}
	if a, err = ntapi.QueryObjectTypes(); err != nil {
		return "", err
	}
	types, err := ntapi.ObjectTypes(a)
	if err != nil {
		return "", err
	}
	names := map[uint16]string{}
	for _, t := range types {
		names[t.Index] = t.Name
	}
	count := map[string]int{}
	hidden := true
	for _, h := range all {
		if int(h.PID) == os.Getpid() {
			count[names[h.Type]]++
		}
		hidden = hidden && h.Object == 0
	}
	seen := fmt.Sprintf("%d handles, %d types; ours: %v; addresses hidden: %v", len(all), len(types), count, hidden)
	if count["File"]+count["Event"] == 0 || count[""] > 0 {
		return seen, errors.New("the types of our own handles are not those that Windows names")
	}
	return seen, nil
}

func driverList(class ntapi.SystemClass) func(context.Context, *collector.Host) (string, error) {
	return func(context.Context, *collector.Host) (string, error) {
		a, err := ntapi.QuerySystem(class, selfTestAnswer)
		if err != nil {
			return "", err
		}
		all, err := ntapi.Drivers(a, class)
		if err != nil {
			return "", err
		}
		seen := fmt.Sprintf("%d drivers", len(all))
		if len(all) < 50 || !strings.Contains(strings.ToLower(all[0].Path), "ntoskrnl.exe") {
			return seen, errors.New("that is not the list of a running Windows")
		}
		return fmt.Sprintf("%s, %s at %#x", seen, all[0].Path, all[0].Base), nil
	}
}

func systemProtection(context.Context, *collector.Host) (string, error) {
	o, err := ntapi.Open(4, 0)
	if err != nil {
		return "", err
	}
	defer o.Close()
	a, err := o.Query(ntapi.ProcessProtectionInfo)
	if err != nil {
		return "", err
	}
	p, err := ntapi.ParseProtection(a)
	if err == nil && !p.Protected() {
		err = errors.New("the process System is not protected")
	}
	return p.String(), err
}

func mitigations(ctx context.Context, h *collector.Host) (string, error) {
	return onSelf(func(o *ntapi.Opened) (string, error) {
		var known int
		var first error
		for policy := range uint32(ntapi.MitigationPolicies) {
			a, err := o.QueryMitigation(policy)
			if err == nil {
				_, err = ntapi.ParseMitigation(a)
			}
			if err == nil {
				known++
			} else if first == nil {
				first = err
			}
		}
		seen := fmt.Sprintf("%d of %d policies; first refused: %v", known, ntapi.MitigationPolicies, first)
		if known < 8 {
			return seen, errors.New("less than Windows 10 has")
		}
		return seen, nil
	})(ctx, h)
}

// commandLine is how this process was called (GetCommandLineW), as it lies in memory.
func commandLine() string { return windows.UTF16PtrToString(windows.GetCommandLine()) }

func sameText(o *ntapi.Opened, class ntapi.ProcessClass, want string) (string, error) {
	a, err := o.Query(class)
	if err != nil {
		return "", err
	}
	got, err := ntapi.UnicodeString(a)
	if err == nil && strings.TrimRight(got, "\x00") != want {
		err = fmt.Errorf("but it is %q", want)
	}
	return got, err
}

func ownPEB(o *ntapi.Opened) (string, error) {
	basic, err := o.Basic()
	if err != nil {
		return "", err
	}
	peb, err := ntapi.ReadPEB(o, basic.PEB, true)
	if err != nil {
		return "", err
	}
	p, err := ntapi.ReadParameters(o, peb)
	if err != nil {
		return "", err
	}
	modules, err := ntapi.ReadModules(o, peb)
	seen := fmt.Sprintf("%s; %d variables, %d modules, build %d", p.CommandLine, len(p.Environment), len(modules), peb.OSBuild)
	if err != nil {
		return seen, err
	}
	exe, err := os.Executable()
	i := slices.IndexFunc(modules, func(m ntapi.Module) bool { return strings.EqualFold(m.BaseName, "ntdll.dll") })
	switch {
	case err != nil:
		return seen, err
	case p.CommandLine != commandLine():
		return seen, fmt.Errorf("but the command line is %q", commandLine())
	case !strings.EqualFold(p.ImagePath, exe):
		return seen, fmt.Errorf("image %q, but it is %q", p.ImagePath, exe)
	case len(p.Environment) == 0 || basic.PID != o.PID || int(basic.Parent) != os.Getppid():
		return seen, fmt.Errorf("pid %d, parent %d, or no environment", basic.PID, basic.Parent)
	case i < 0:
		return seen, errors.New("ntdll.dll is not among the modules")
	case modules[i].Base == 0 || modules[i].LoadTime == 0:
		return seen, fmt.Errorf("ntdll.dll: base %#x, loaded at %d", modules[i].Base, modules[i].LoadTime)
	}
	return seen, nil
}

func ownToken(o *ntapi.Opened) (string, error) {
	t, err := o.Token()
	if err != nil {
		return "", err
	}
	seen := fmt.Sprintf("%s, integrity %s, elevation %s, logon %#x, %d groups, %d privileges", t.User, ntapi.IntegrityName(t.Integrity), t.ElevationName(), t.Statistics.LogonID, len(t.Groups), len(t.Privileges))
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	switch {
	case err != nil:
		return seen, err
	case t.User != user.User.Sid.String():
		return seen, fmt.Errorf("but the user is %s", user.User.Sid)
	case t.Integrity == "" || t.Statistics.LogonID == 0 || len(t.Errors) > 0:
		return seen, fault.Join(append(t.Errors, errors.New("integrity or logon session, or another part"))...)
	}
	return seen, nil
}

func lsassRegions(ctx context.Context, _ *collector.Host) (string, error) {
	pid, err := pidOf("lsass.exe")
	if err != nil {
		return "", err
	}
	ntapi.EnablePrivilege(20) // SE_DEBUG_PRIVILEGE, for this process alone
	o, err := ntapi.Open(pid, 0)
	if err != nil {
		return "", err
	}
	defer o.Close()
	if o.Denied != nil {
		return "", o.Denied
	}
	return imageAmong(ctx, o, `\lsass.exe`)
}
