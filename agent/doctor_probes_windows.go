package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc/mgr"

	"hozen/collector"
	"hozen/packager/evidence"
)

// capabilitiesOf gives the privileges that a collection uses: those that our token holds,
// enabled or not.
func capabilitiesOf(*collector.Host) []capability {
	out := []capability{
		{"SeDebugPrivilege", "other users' processes: memory, handles, modules", false},
		{"SeBackupPrivilege", "files and keys of the registry whatever their access lists say", false},
		{"SeSecurityPrivilege", "the event log Security", false},
		{"SeSystemEnvironmentPrivilege", "the firmware's variables: Secure Boot", false},
		{"SeManageVolumePrivilege", "raw volumes", false},
	}
	var names []string
	for _, c := range out {
		names = append(names, c.Name)
	}
	held := heldPrivileges(names)
	for i := range out {
		out[i].Held = held[out[i].Name]
	}
	return out
}

// heldPrivileges asks GetTokenInformation(TokenPrivileges) for the names of ours.
func heldPrivileges(names []string) map[string]bool {
	held := map[string]bool{}
	token := windows.GetCurrentProcessToken()
	var n uint32
	windows.GetTokenInformation(token, windows.TokenPrivileges, nil, 0, &n)
	if n < 4 || n > 1<<16 {
		return held
	}
	b := make([]byte, n)
	if windows.GetTokenInformation(token, windows.TokenPrivileges, &b[0], n, &n) != nil {
		return held
	}
	all := (*windows.Tokenprivileges)(unsafe.Pointer(&b[0])).AllPrivileges()
	for _, name := range names {
		var id windows.LUID
		p, err := windows.UTF16PtrFromString(name)
		if err != nil || windows.LookupPrivilegeValue(nil, p, &id) != nil {
			continue
		}
		for _, a := range all {
			held[name] = held[name] || a.Luid == id
		}
	}
	return held
}

// doctorProbes stand for what each collector reads: one for each right that may be
// missing.
func doctorProbes() []probe {
	root := os.Getenv("SystemRoot")
	drive := filepath.VolumeName(root)
	return []probe{
		processProbe("processes", "OpenProcess(System, PROCESS_QUERY_LIMITED_INFORMATION)", 4, windows.PROCESS_QUERY_LIMITED_INFORMATION),
		imageProbe("processes", "lsass.exe", windows.PROCESS_QUERY_LIMITED_INFORMATION),
		imageProbe("indicators", "lsass.exe", windows.PROCESS_QUERY_INFORMATION|windows.PROCESS_VM_READ),
		imageProbe("contents", "services.exe", windows.PROCESS_QUERY_INFORMATION|windows.PROCESS_VM_READ),
		keyProbe("host", `SOFTWARE\Microsoft\Cryptography`),
		keyProbe("persistence", `SYSTEM\CurrentControlSet\Services`),
		keyProbe("persistence", `SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree`),
		keyProbe("host", `SECURITY\Policy`),
		{"persistence", "OpenSCManager", "how many services there are", openSCM},
		fileProbe("disk", filepath.Join(root, `System32\winevt\Logs\Security.evtx`)),
		fileProbe("disk", filepath.Join(root, `Prefetch`)),
		fileProbe("disk", filepath.Join(root, `System32\config\SAM`)),
		fileProbe("disk", `\\.\`+drive),
		fileProbe("ram", `\\.\pmem`),
	}
}

// processProbe opens a process.
func processProbe(name, call string, pid uint32, access uint32) probe {
	return probe{name, call, "it opens", func(context.Context, *collector.Host) (string, error) {
		h, err := windows.OpenProcess(access, false, pid)
		if err != nil {
			return "", &os.PathError{Op: "OpenProcess", Path: fmt.Sprint(pid), Err: err}
		}
		return fmt.Sprintf("pid %d", pid), windows.CloseHandle(h)
	}}
}

// imageProbe opens the first process of an image's name.
func imageProbe(name, image string, access uint32) probe {
	return probe{name, fmt.Sprintf("OpenProcess(%s, %#x)", image, access), "it opens", func(ctx context.Context, h *collector.Host) (string, error) {
		pid, err := pidOf(image)
		if err != nil {
			return "", err
		}
		return processProbe(name, image, pid, access).try(ctx, h)
	}}
}

// pidOf looks through CreateToolhelp32Snapshot.
func pidOf(image string) (uint32, error) {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return 0, err
	}
	defer windows.CloseHandle(snapshot)
	e := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(snapshot, &e); err == nil; err = windows.Process32Next(snapshot, &e) {
		if windows.UTF16ToString(e.ExeFile[:]) == image {
			return e.ProcessID, nil
		}
	}
	return 0, evidence.NotHere("%s: no such process", image)
}

// keyProbe opens a key below HKEY_LOCAL_MACHINE.
func keyProbe(name, key string) probe {
	return probe{name, `HKEY_LOCAL_MACHINE\` + key, "how many keys and values it has", func(context.Context, *collector.Host) (string, error) {
		k, err := registry.OpenKey(registry.LOCAL_MACHINE, key, registry.READ|registry.WOW64_64KEY)
		if err != nil {
			return "", &os.PathError{Op: "RegOpenKeyEx", Path: key, Err: err}
		}
		defer k.Close()
		st, err := k.Stat()
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d keys, %d values", st.SubKeyCount, st.ValueCount), nil
	}}
}

func openSCM(context.Context, *collector.Host) (string, error) {
	m, err := mgr.Connect()
	if err != nil {
		return "", &os.PathError{Op: "OpenSCManager", Path: "all", Err: err}
	}
	defer m.Disconnect()
	names, err := m.ListServices()
	return fmt.Sprintf("%d services", len(names)), err
}

// fileProbe opens a file, directory or device for reading, as nobody's owner, and closes
// it again.
func fileProbe(name, file string) probe {
	return probe{name, file, "it opens", func(context.Context, *collector.Host) (string, error) {
		p, err := windows.UTF16PtrFromString(file)
		if err != nil {
			return "", err
		}
		const all = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
		h, err := windows.CreateFile(p, windows.GENERIC_READ, all, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
		if err != nil {
			return "", &os.PathError{Op: "CreateFile", Path: file, Err: err}
		}
		return "opened", windows.CloseHandle(h)
	}}
}
