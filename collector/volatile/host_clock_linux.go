package volatile

import "golang.org/x/sys/unix"

// errNotLink is what readlink(2) says of what is no symbolic link.
const errNotLink = unix.EINVAL

// readClocks reads all clocks between two readings of the monotonic one, a few
// times, and keeps the tightest, so that an interrupt in between does not matter.
func readClocks() (best clockReading, err error) {
	for range 5 {
		c, err := readClocksOnce()
		if err != nil {
			return best, err
		}
		if best.wall == 0 || c.spread < best.spread {
			best = c
		}
	}
	return best, nil
}

func readClocksOnce() (c clockReading, err error) {
	var t [6]unix.Timespec
	for i, id := range [6]int32{
		unix.CLOCK_MONOTONIC, unix.CLOCK_REALTIME, unix.CLOCK_BOOTTIME,
		unix.CLOCK_MONOTONIC_RAW, unix.CLOCK_TAI, unix.CLOCK_MONOTONIC,
	} {
		if err := unix.ClockGettime(id, &t[i]); err != nil {
			return c, err
		}
	}
	return clockReading{
		mono: t[0].Nano(), wall: t[1].Nano(), boot: t[2].Nano(), raw: t[3].Nano(), tai: t[4].Nano(),
		spread: t[5].Nano() - t[0].Nano(),
	}, nil
}

// readNTP asks without setting anything: modes is 0.
func readNTP() (ntpReading, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return ntpReading{
		state: state, status: int64(t.Status), offset: int64(t.Offset), freq: int64(t.Freq),
		maxError: int64(t.Maxerror), estError: int64(t.Esterror),
		tick: int64(t.Tick), tai: int64(t.Tai),
	}, err
}

// kernelNames is uname(2): system, node, release, version, machine, domain.
func kernelNames() (out [6]string, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return out, err
	}
	for i, b := range [6][]byte{u.Sysname[:], u.Nodename[:], u.Release[:], u.Version[:], u.Machine[:], u.Domainname[:]} {
		out[i] = unix.ByteSliceToString(b)
	}
	return out, nil
}
