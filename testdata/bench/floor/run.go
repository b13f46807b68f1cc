//go:build linux

package main

import (
	"bytes"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The operations of a list. An entry is the letter, the path and a NUL.
const (
	opFile  = 'r' // open, read to the end, close
	opDir   = 'd' // open, getdents64 to the end, close
	opLink  = 'l' // readlink
	opStat  = 's' // statx
	opSpace = 'n' // enter the network namespace and dump its tables through netlink
	opLog   = 'k' // syslog(2): the whole ring buffer
)

type tally struct{ files, links, stats, dirs, spaces, missing, bytes int }

func (t *tally) add(o tally) {
	t.files += o.files
	t.links += o.links
	t.stats += o.stats
	t.dirs += o.dirs
	t.spaces += o.spaces
	t.missing += o.missing
	t.bytes += o.bytes
}

// run maps the list and lets each worker replay an equal stretch of its bytes.
func run(name string, workers int) (tally, error) {
	f, err := os.Open(name)
	if err != nil {
		return tally{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() == 0 {
		return tally{}, err
	}
	list, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		return tally{}, err
	}
	var all tally
	var mu sync.Mutex
	var group sync.WaitGroup
	for n := workers; n > 0; n-- {
		cut := len(list) / n
		if end := bytes.IndexByte(list[cut:], 0); end >= 0 && n > 1 {
			cut += end + 1
		} else {
			cut = len(list)
		}
		part := list[:cut]
		list = list[cut:]
		group.Go(func() {
			runtime.LockOSThread() // setns changes this thread; it ends with the goroutine
			t := replay(part)
			mu.Lock()
			all.add(t)
			mu.Unlock()
		})
	}
	group.Wait()
	return all, nil
}

func replay(list []byte) tally {
	var t tally
	buf := make([]byte, 256<<10)
	for len(list) > 0 {
		end := bytes.IndexByte(list, 0)
		if end < 1 {
			return t
		}
		path := &list[1] // NUL-terminated in place: handed to the kernel as it is
		switch list[0] {
		case opFile:
			t.count(readAll(path, buf), &t.files)
		case opDir:
			t.count(readDir(path, buf), &t.dirs)
		case opLink:
			n, _, _ := syscall.RawSyscall6(unix.SYS_READLINKAT, atFDCWD, ptr(path), ptr(&buf[0]), 4096, 0, 0)
			t.count(int(n), &t.links)
		case opStat:
			n, _, _ := syscall.RawSyscall6(unix.SYS_STATX, atFDCWD, ptr(path), unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS|unix.STATX_BTIME, ptr(&buf[0]), 0)
			t.count(int(n), &t.stats)
		case opSpace:
			t.count(dumpNetns(string(list[1:end]), buf), &t.spaces)
		case opLog:
			n, _ := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, buf)
			t.count(n, &t.files)
		}
		list = list[end+1:]
	}
	return t
}

const atFDCWD = ^uintptr(99) // AT_FDCWD, -100

func ptr(b *byte) uintptr { return uintptr(unsafe.Pointer(b)) }

func (t *tally) count(n int, kind *int) {
	*kind++
	if n < 0 {
		t.missing++
		return
	}
	t.bytes += n
}

// readAll gives how much was read, or -1 if the file cannot be opened. The
// read of an ordinary file may block on a disk, so it tells the scheduler;
// kernel files answer at once.
func readAll(path *byte, buf []byte) int {
	fd, _, errno := syscall.RawSyscall6(unix.SYS_OPENAT, atFDCWD, ptr(path), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOATIME, 0, 0, 0)
	if errno == unix.EPERM {
		fd, _, errno = syscall.RawSyscall6(unix.SYS_OPENAT, atFDCWD, ptr(path), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0, 0, 0)
	}
	if errno != 0 {
		return -1
	}
	total := 0
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_READ, fd, ptr(&buf[0]), uintptr(len(buf)))
		if errno != 0 || n == 0 {
			break
		}
		total += int(n)
	}
	syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
	return total
}

func readDir(path *byte, buf []byte) int {
	fd, _, errno := syscall.RawSyscall6(unix.SYS_OPENAT, atFDCWD, ptr(path), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0, 0, 0)
	if errno != 0 {
		return -1
	}
	total := 0
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_GETDENTS64, fd, ptr(&buf[0]), uintptr(len(buf)))
		if errno != 0 || n == 0 {
			break
		}
		total += int(n)
	}
	syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
	return total
}
