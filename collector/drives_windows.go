package collector

import (
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// drives gives the fixed volumes with a letter, the system's first, and those letters
// that are never looked at unless they are asked for: another machine answers for them,
// or perhaps nobody. No drive is touched.
func drives() (fixed, avoid []string) {
	mask, err := windows.GetLogicalDrives()
	if err != nil {
		mask = 1 << 2 // C
	}
	system := "C"
	if dir, err := windows.GetSystemWindowsDirectory(); err == nil && len(dir) > 1 && dir[1] == ':' {
		system = strings.ToUpper(dir[:1])
	}
	for i := range 26 {
		letter := string(rune('A' + i))
		if mask&(1<<i) == 0 {
			continue
		}
		root, _ := windows.UTF16PtrFromString(letter + `:\`)
		switch kind := windows.GetDriveType(root); {
		case letter == system:
			fixed = append([]string{"/" + letter + ":"}, fixed...)
		case kind == windows.DRIVE_FIXED, kind == windows.DRIVE_RAMDISK:
			fixed = append(fixed, "/"+letter+":")
		case kind == windows.DRIVE_REMOTE:
			avoid = append(avoid, "/"+letter+":")
		}
	}
	return fixed, avoid
}

// enablePrivilege switches a privilege on that this process holds, and says whether it
// is on.
func enablePrivilege(name string) bool {
	var luid windows.LUID
	text, err := windows.UTF16PtrFromString(name)
	if err != nil || windows.LookupPrivilegeValue(nil, text, &luid) != nil {
		return false
	}
	var token windows.Token
	if windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_ADJUST_PRIVILEGES|windows.TOKEN_QUERY, &token) != nil {
		return false
	}
	defer token.Close()
	want := windows.Tokenprivileges{PrivilegeCount: 1}
	want.Privileges[0] = windows.LUIDAndAttributes{Luid: luid, Attributes: windows.SE_PRIVILEGE_ENABLED}
	_ = windows.AdjustTokenPrivileges(token, false, &want, 0, nil, nil) // succeeds for privileges that are not held, too
	return holds(token, luid)
}

// holds says whether a token has a privilege that is on.
func holds(token windows.Token, luid windows.LUID) bool {
	b := aligned(4 << 10)
	var n uint32
	if windows.GetTokenInformation(token, windows.TokenPrivileges, &b[0], uint32(len(b)), &n) != nil || n > uint32(len(b)) {
		return false
	}
	all := (*windows.Tokenprivileges)(unsafe.Pointer(&b[0]))
	for _, p := range all.AllPrivileges() {
		if p.Luid == luid {
			return p.Attributes&windows.SE_PRIVILEGE_ENABLED != 0
		}
	}
	return false
}

// exposePlaceholders makes the system show this process placeholders of cloud files as
// such: where it thinks a program too old for them it disguises them as plain files
// (RtlSetProcessPlaceholderCompatibilityMode, ntifs.h, since Windows 10 1803).
func exposePlaceholders() {
	const expose = 2 // PHCM_EXPOSE_PLACEHOLDERS
	if call := windows.NewLazySystemDLL("ntdll.dll").NewProc("RtlSetProcessPlaceholderCompatibilityMode"); call.Find() == nil {
		_, _, _ = call.Call(expose)
	}
}
