package main

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// usageOfUs asks GetProcessTimes, K32GetProcessMemoryInfo (PROCESS_MEMORY_COUNTERS) and
// GetProcessIoCounters (IO_COUNTERS), whose bytes are of files, pipes and devices alike.
func usageOfUs() (u ownUsage) {
	self := windows.CurrentProcess()
	var created, ended, kernel, user windows.Filetime
	if windows.GetProcessTimes(self, &created, &ended, &kernel, &user) == nil {
		u.UserMS, u.SystemMS = ticks(user)/1e4, ticks(kernel)/1e4
	}
	kernel32 := windows.NewLazySystemDLL("kernel32.dll")
	var mem struct {
		size, faults        uint32
		peak, now           uintptr
		peakPaged, paged    uintptr
		peakNonpaged, other uintptr
		pagefile, peakPages uintptr
	}
	mem.size = uint32(unsafe.Sizeof(mem))
	if f := kernel32.NewProc("K32GetProcessMemoryInfo"); f.Find() == nil {
		if ok, _, _ := f.Call(uintptr(self), uintptr(unsafe.Pointer(&mem)), uintptr(mem.size)); ok != 0 {
			u.Peak = int64(mem.peak)
		}
	}
	var io struct{ reads, writes, others, read, written, other uint64 }
	if f := kernel32.NewProc("GetProcessIoCounters"); f.Find() == nil {
		if ok, _, _ := f.Call(uintptr(self), uintptr(unsafe.Pointer(&io))); ok != 0 {
			u.Read, u.Write = int64(io.read), int64(io.written)
		}
	}
	return u
}

// ticks counts 100 ns.
func ticks(t windows.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
