package indicators

import (
	"fmt"
	"strings"
	"sync"

	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// An areaKind says where executable memory came from.
type areaKind uint8

const (
	areaNone      areaKind = iota // not of interest
	areaFile                      // a named file, writable as well
	areaAnonymous                 // no file: private or shared
	areaMemfd                     // memfd_create(2), /dev/shm
	areaTmpfs                     // a named file on another tmpfs
	areaDeleted                   // a file without a name
	areaHeap
	areaStack
)

// A mapArea is executable memory of interest: mappings of one kind, one file and
// one set of permissions that follow one another without a gap.
type mapArea struct {
	kind       areaKind
	first      proc.Mapping
	start, end uint64
	resident   uint64 // pages in RAM, of those that were looked at
	swapped    uint64
	headAt     uint64 // address of head
	head       []byte // the first resident page
	heads      []uint64
	explained  string
}

func (a *mapArea) size() uint64 { return a.end - a.start }

// areasOf finds the areas, in order of address. exe is where /proc/PID/exe
// leads: what is mapped of the image is left to the checks of images. inMemory
// names devices whose files are in memory, as maps writes them.
func areasOf(maps []proc.Mapping, exe string, inMemory map[string]bool) (out []*mapArea) {
	for _, m := range maps {
		kind := areaKindOf(&m, exe, inMemory)
		if kind == areaNone {
			continue
		}
		if n := len(out); n > 0 {
			last := out[n-1]
			if last.end == m.Start && last.kind == kind && last.first.Perms == m.Perms && last.first.Path == m.Path && last.first.Inode == m.Inode {
				last.end = m.End
				continue
			}
		}
		out = append(out, &mapArea{kind: kind, first: m, start: m.Start, end: m.End})
	}
	return out
}

func areaKindOf(m *proc.Mapping, exe string, inMemory map[string]bool) areaKind {
	if !m.Executable() {
		return areaNone
	}
	kernelOwn := strings.HasPrefix(m.Dev, "00:") // no disk's: tmpfs, memfd, shared memory
	switch {
	case m.Inode == 0:
		return specialKind(m.Path)
	case kernelOwn && m.Deleted && sharedAnonymous(m.Path):
		return areaAnonymous
	case isImage(m, exe):
		if m.Writable() {
			return areaFile
		}
		return areaNone
	case kernelOwn && (m.Deleted && strings.HasPrefix(m.Path, "/memfd:") || sharedMemory(m.Path)):
		return areaMemfd
	case m.Deleted:
		return areaDeleted
	case inMemory[m.Dev]:
		return areaTmpfs
	case m.Writable():
		return areaFile
	}
	return areaNone
}

// specialKind is the kind of a mapping without an inode. What the kernel itself
// puts there ([vdso], [vsyscall], [uprobes], [sigpage]) is none.
func specialKind(path string) areaKind {
	switch {
	case path == "[heap]":
		return areaHeap
	case path == "[stack]" || strings.HasPrefix(path, "[stack:"):
		return areaStack
	case path == "", strings.HasPrefix(path, "[anon"), !strings.HasPrefix(path, "["):
		return areaAnonymous
	}
	return areaNone
}

// sharedAnonymous says whether it is the name that the kernel gives to shared
// memory that nobody named: mmap(2) with MAP_SHARED|MAP_ANONYMOUS, shmget(2).
func sharedAnonymous(path string) bool {
	return path == "/dev/zero" || strings.HasPrefix(path, "/SYSV") || path == "/anon_hugepage"
}

func isImage(m *proc.Mapping, exe string) bool {
	path := unescaped(m.Path)
	return exe != "" && (path == exe || m.Deleted && path+proc.DeletedMark == exe)
}

// unescaped gives a path of maps as it is: the kernel writes a newline as \012, and
// nothing else so.
func unescaped(path string) string { return strings.ReplaceAll(path, `\012`, "\n") }

func cutAreas(n int) error {
	return evidence.Cut("%d executable areas of no file were not looked into, for there are more than %d", n, mapAreas)
}

// mapShared is what the looks at all processes share.
type mapShared struct {
	once    sync.Once
	devices map[string]bool
	vdso    vdsoTable
}

// memoryDevices gives the devices of file systems that are in memory, but for one
// that is the root itself (a system that runs from RAM).
func (m *mapShared) memoryDevices(mounts func() []proc.Mount) map[string]bool {
	m.once.Do(func() { m.devices = memoryDevicesOf(mounts()) })
	return m.devices
}

func memoryDevicesOf(mounts []proc.Mount) map[string]bool {
	out := map[string]bool{}
	root := ""
	for _, at := range mounts {
		var major, minor uint32
		if _, err := fmt.Sscanf(at.Device, "%d:%d", &major, &minor); err != nil {
			continue
		}
		dev := fmt.Sprintf("%02x:%02x", major, minor)
		if at.Type == "tmpfs" || at.Type == "ramfs" {
			out[dev] = true
		}
		if at.Point == "/" {
			root = dev
		}
	}
	delete(out, root)
	return out
}
