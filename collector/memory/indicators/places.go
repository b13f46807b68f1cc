package indicators

import (
	"strings"
)

// Where programs lie. The words are those of the Filesystem Hierarchy Standard
// 3.0 and of hier(7).

// systemPlace says that only root installs there: the directories of the
// distribution's packages.
func systemPlace(name string) bool {
	for _, dir := range []string{"/usr/", "/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"} {
		if strings.HasPrefix(name, dir) {
			return !strings.HasPrefix(name, "/usr/local/") && !hidden(name)
		}
	}
	return false
}

// addedPlace says that software is installed there beside the packages.
func addedPlace(name string) bool {
	for _, dir := range []string{"/usr/local/", "/opt/", "/snap/", "/nix/store/", "/gnu/store/", "/var/lib/flatpak/", "/home/linuxbrew/", "/usr/games/", "/app/"} {
		if strings.HasPrefix(name, dir) {
			return !hidden(name)
		}
	}
	return false
}

// anyonesPlace says that every user may write there, or that it is memory.
// Not inlined, for the size of the program.
//
//go:noinline
func anyonesPlace(name string) bool {
	for _, dir := range []string{"/tmp/", "/var/tmp/", "/dev/", "/run/user/", "/run/lock/", "/run/shm/", "/var/lock/", "/proc/", "/var/spool/", "/var/crash/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// sharedMemory says that it lies in the POSIX shared memory (shm_overview(7)).
func sharedMemory(name string) bool {
	return strings.HasPrefix(name, "/dev/shm/") || strings.HasPrefix(name, "/run/shm/")
}

// hidden says that a component of the name begins with a dot or is made to be
// overlooked: of dots and blanks only.
func hidden(name string) bool {
	for part := range strings.SplitSeq(strings.TrimPrefix(name, "/"), "/") {
		if strings.HasPrefix(part, ".") || part != "" && strings.Trim(part, ". \t") == "" {
			return true
		}
	}
	return false
}

// merged gives a path as a system with merged /usr names it (file-hierarchy(7)).
func merged(name string) string {
	for _, dir := range []string{"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"} {
		if strings.HasPrefix(name, dir) {
			return "/usr" + name
		}
	}
	return name
}
