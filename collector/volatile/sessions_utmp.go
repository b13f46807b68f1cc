package volatile

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"
)

// A utmpLayout is one form of struct utmp (utmp(5); glibc bits/utmp.h). Where
// glibc keeps 32-bit fields for the sake of 32-bit programs
// (__WORDSIZE_TIME64_COMPAT32: x86-64, ppc64, s390x, mips64, sparc64), and on
// 32-bit systems, a record has 384 bytes; on arm64, riscv64 and others the session
// and the two times have eight bytes each, and it has 400.
type utmpLayout struct {
	name  string
	size  int
	wide  bool
	order binary.ByteOrder
}

func utmpLayouts() []utmpLayout {
	return []utmpLayout{
		{"384 bytes, little-endian", 384, false, binary.LittleEndian},
		{"400 bytes, little-endian", 400, true, binary.LittleEndian},
		{"384 bytes, big-endian", 384, false, binary.BigEndian},
		{"400 bytes, big-endian", 400, true, binary.BigEndian},
	}
}

// utmpRecord is one record. Strings end at their first NUL.
type utmpRecord struct {
	Type               int16
	PID                int32
	Line, ID           string
	User, Host         string
	ExitTerm, ExitCode int16
	Session            int64
	Sec, Usec          int64
	Addr               netip.Addr // the zero Addr if all bytes are zero
	Zeroed             bool       // every byte is zero
}

// utmpTypes are the values of ut_type in utmp(5).
var utmpTypes = [...]string{"EMPTY", "RUN_LVL", "BOOT_TIME", "NEW_TIME", "OLD_TIME", "INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS", "DEAD_PROCESS", "ACCOUNTING"}

// decode reads one record of at least l.size bytes.
func (l utmpLayout) decode(b []byte) utmpRecord {
	o := l.order
	r := utmpRecord{
		Type: int16(o.Uint16(b)), PID: int32(o.Uint32(b[4:])),
		Line: cString(b[8:40]), ID: cString(b[40:44]), User: cString(b[44:76]), Host: cString(b[76:332]),
		ExitTerm: int16(o.Uint16(b[332:])), ExitCode: int16(o.Uint16(b[334:])),
	}
	addr := b[348:364]
	if l.wide {
		r.Session, r.Sec, r.Usec = int64(o.Uint64(b[336:])), int64(o.Uint64(b[344:])), int64(o.Uint64(b[352:]))
		addr = b[360:376]
	} else {
		// Seconds are unsigned since glibc 2.40, and never were before 1970.
		r.Session, r.Sec, r.Usec = int64(int32(o.Uint32(b[336:]))), int64(o.Uint32(b[340:])), int64(int32(o.Uint32(b[344:])))
	}
	r.Addr = utmpAddr(addr)
	r.Zeroed = allZero(b[:l.size])
	return r
}

// utmpAddr reads ut_addr_v6: network byte order, IPv4 in the first four bytes.
func utmpAddr(b []byte) netip.Addr {
	switch {
	case allZero(b):
		return netip.Addr{}
	case allZero(b[4:]):
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16([16]byte(b))
}

func (r utmpRecord) time() time.Time { return time.Unix(r.Sec, r.Usec*1000).UTC() }

// damage says what about a record cannot be, "" if nothing.
func (r utmpRecord) damage() string {
	switch {
	case r.Type < 0 || int(r.Type) >= len(utmpTypes):
		return "type is not one of utmp(5)"
	case r.Usec < 0 || r.Usec > 999_999:
		return "microseconds out of range"
	case r.Sec < 0 || r.Sec > 1<<33:
		return "seconds out of range"
	case r.PID < 0:
		return "pid is negative"
	}
	return ""
}

// utmpLayoutOf finds the layout in which most of the first records make sense;
// size is that of the file, 0 if unknown.
func utmpLayoutOf(head []byte, size int64) utmpLayout {
	all := utmpLayouts()
	best, most := all[0], -1
	for _, l := range all {
		score := 0
		for b := head; len(b) >= l.size; b = b[l.size:] {
			if r := l.decode(b); !r.Zeroed && r.damage() == "" && r.Type > 0 {
				score += l.size
			}
		}
		if size > 0 && size%int64(l.size) == 0 {
			score += l.size / 2
		}
		if score > most {
			best, most = l, score
		}
	}
	return best
}

// A lastlogLayout is one form of struct lastlog, of which the file has one for
// each uid (lastlog(8), glibc bits/utmp.h): the time, 32 bytes of line and 256 of host.
type lastlogLayout struct {
	size  int // 292 with a 32-bit time, 296 with a 64-bit one
	order binary.ByteOrder
}

func (l lastlogLayout) decode(b []byte) (at time.Time, line, host string) {
	w := l.size - 288
	sec := int64(l.order.Uint32(b))
	if w == 8 {
		sec = int64(l.order.Uint64(b))
	}
	return time.Unix(sec, 0).UTC(), cString(b[w : w+32]), cString(b[w+32 : w+288])
}

// lastlogLayoutOf decides by the size of the file, then by the first time that
// is set: one before 1980 or after 2100 speaks against a byte order.
func lastlogLayoutOf(size int64, some []byte) lastlogLayout {
	l := lastlogLayout{292, binary.LittleEndian}
	if size%292 != 0 && size%296 == 0 {
		l.size = 296
	}
	for b := some; len(b) >= l.size; b = b[l.size:] {
		if allZero(b[:l.size]) {
			continue
		}
		if at, _, _ := l.decode(b); at.Year() < 1980 || at.Year() > 2100 {
			big := lastlogLayout{l.size, binary.BigEndian}
			if at, _, _ := big.decode(b); at.Year() >= 1980 && at.Year() <= 2100 {
				return big
			}
		}
		return l
	}
	return l
}

// tallySize is that of struct tally of pam_faillock (Linux-PAM
// modules/pam_faillock/faillock.h): source[52], reserved and status of 16 bits,
// time of 64 bits, in the byte order of the host.
const tallySize = 64

type failTally struct {
	Source string
	Status uint16 // 1 valid, 2 source is a remote host, 4 source is a tty
	Time   time.Time
}

func decodeTally(b []byte) failTally {
	o := binary.LittleEndian
	return failTally{cString(b[:52]), o.Uint16(b[54:]), time.Unix(int64(o.Uint64(b[56:])&(1<<40-1)), 0).UTC()}
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
