package volatile

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/filetime"
	"hozen/packager/evidence/fault"
)

// readClocks reads the system time as precisely as Windows has it, the interrupt time
// without and with what was spent asleep, and the performance counter, which nobody sets.
func readClocks() (c clockReading, err error) {
	began := time.Now()
	var ft windows.Filetime
	windows.GetSystemTimePreciseAsFileTime(&ft)
	c.wall = filetime.Time(uint64(ft.HighDateTime)<<32 | uint64(ft.LowDateTime)).UnixNano()
	var errs []error
	for _, one := range []struct {
		dll, name string
		to        *int64
	}{{"kernel32.dll", "QueryUnbiasedInterruptTime", &c.mono}, {"kernelbase.dll", "QueryInterruptTime", &c.boot}} {
		p := windows.NewLazySystemDLL(one.dll).NewProc(one.name)
		if err := p.Find(); err != nil {
			continue // kept as unknown: Windows 10 has both
		}
		var v uint64
		_, _, _ = p.Call(uintptr(unsafe.Pointer(&v)))
		*one.to = int64(filetime.Duration(v))
	}
	var count, frequency int64
	k := windows.NewLazySystemDLL("kernel32.dll")
	counter, rate := k.NewProc("QueryPerformanceCounter"), k.NewProc("QueryPerformanceFrequency")
	if e := fault.Join(counter.Find(), rate.Find()); e != nil {
		errs = append(errs, e)
	} else {
		_, _, _ = counter.Call(uintptr(unsafe.Pointer(&count)))
		_, _, _ = rate.Call(uintptr(unsafe.Pointer(&frequency)))
	}
	if frequency > 0 {
		c.raw = count/frequency*1e9 + count%frequency*1e9/frequency
	}
	c.spread = int64(time.Since(began))
	return c, fault.Join(errs...)
}
