package artifact

import (
	"runtime"
	"strings"

	"hozen/collector"
	"hozen/packager/evidence"
)

// isNTFS says whether the host is an NTFS volume in an image, which lists its own files.
func isNTFS(h *collector.Host) bool {
	if h.Image == nil {
		return false
	}
	_, mft := h.Lstat("/$MFT")
	_, boot := h.Lstat("/$Boot")
	return mft == nil && boot == nil
}

// SystemOf says what system a host is: by the kernel if it is live, else by what
// lies in its root; "" if that tells nothing. A mounted disk or an image may be of
// another system than the one that we run on.
func SystemOf(h *collector.Host) System {
	if h.Live {
		return map[string]System{"linux": Linux, "windows": Windows, "darwin": Darwin, "android": Android, "ios": IOS}[runtime.GOOS]
	}
	count := func(folded bool, dirs ...string) (n int) {
		for _, dir := range dirs {
			if hasDir(h, strings.Split(dir, "/"), folded) {
				n++
			}
		}
		return n
	}
	// Somebody may have made a folder of the other's name, so Windows is counted against Unix.
	unix := count(false, "etc", "usr", "bin", "sbin", "var", "dev", "tmp")
	windows := count(true, "windows/system32", "winnt/system32", "windows/system32/config", "winnt/system32/config",
		"program files", "users", "documents and settings")
	switch {
	case windows > unix:
		return Windows
	case count(false, "private/var/mobile", "System/Library/CoreServices/SpringBoard.app") > 0:
		return IOS
	case count(false, "System/Library/CoreServices", "private/var/db") > 0:
		return Darwin
	case count(false, "vmfs/volumes", "etc/vmware/hostd") == 2:
		return ESXi
	case count(false, "system/app", "system/bin", "data/data", "data/dalvik-cache") > 1:
		return Android
	case unix+count(false, "home", "proc", "root", "boot") > 0:
		return Linux
	case isNTFS(h):
		return Windows // a data volume: its change journal and table of files tell of it
	}
	return ""
}

// hasDir says whether directories lie within each other below the root.
func hasDir(h *collector.Host, names []string, folded bool) bool {
	at := ""
	for _, want := range names {
		found := false
		options := []string{want}
		if folded {
			options, _ = h.Names(at + "/")
		}
		for _, name := range options {
			if folded && !strings.EqualFold(name, want) {
				continue
			}
			m, err := h.Lstat(at + "/" + name)
			if err == nil && m.Mode&evidence.ModeType == evidence.ModeDir {
				at, found = at+"/"+name, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}
