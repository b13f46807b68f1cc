package volatile

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/section"
)

// A basis is what the rows of all processes rest on: it is read once, and its
// raw text is an item of its own (processes/basis.txt), in sections.
type basis struct {
	boot          time.Time // the moment of boot by the wall clock; zero if unknown
	bootFrom      string    // "clocks" or "btime", as Process.StartFrom
	ticks         uint64    // clock ticks a second
	lastCap       int
	pageSize      uint64
	users, groups idNames
	ttys          []ttyDriver
	userNS        string         // our own user namespace, "user:[…]"
	caps          map[string]Cap // parsed sets; processes share few of them
}

// defaultTicks is CLK_TCK where auxv cannot tell: 100 in every port of Linux
// that is alive (USER_HZ, include/asm-generic/param.h).
const defaultTicks = 100

// cap gives a set of capabilities. The sets of one host are few; the table of
// those seen is bounded, because a host may be made up.
func (b *basis) cap(hex string) Cap {
	c, ok := b.caps[hex]
	if !ok {
		c = parseCap(strings.Clone(hex), b.lastCap)
		if len(b.caps) < 1024 {
			b.caps[c.Hex] = c
		}
	}
	return c
}

// forWorker gives a basis that one goroutine may use alone.
func (b *basis) forWorker() *basis {
	own := *b
	own.caps = map[string]Cap{}
	return &own
}

// started gives the absolute time of a start in ticks; "" if that of boot is unknown.
func (b *basis) started(ticks uint64) string {
	if b.boot.IsZero() || ticks/b.ticks > 1<<33 {
		return ""
	}
	since := time.Duration(ticks/b.ticks)*time.Second + time.Duration(ticks%b.ticks)*time.Second/time.Duration(b.ticks)
	return stamp(b.boot.Add(since))
}

// readBasis reads the basis and gives the raw text of it. What is missing is
// said there; rows then have numbers without names.
func readBasis(h *collector.Host) (*basis, []byte) {
	b := &basis{ticks: defaultTicks, lastCap: 40, pageSize: 4096, caps: map[string]Cap{}}
	var raw []byte
	read := func(name string, limit int) string {
		text, err := h.ReadFile(name, limit)
		raw = section.Append(raw, name, false, text, err)
		return string(text)
	}
	b.boot, b.bootFrom = parseBtime(read("/proc/stat", 1<<20)), "btime"
	if h.Live {
		clocks, err := readClocks()
		raw = section.Append(raw, "clock_gettime", false, b.fromClocks(clocks, err), err)
	}
	b.fromAuxv(read("/proc/self/auxv", 1<<14))
	if v, err := strconv.Atoi(strings.TrimSpace(read("/proc/sys/kernel/cap_last_cap", 64))); err == nil && v >= 0 && v < 63 {
		b.lastCap = v
	}
	b.ttys = parseTTYDrivers(read("/proc/tty/drivers", 1<<20))
	b.users = parseNames(read("/etc/passwd", maxAccounts))
	b.groups = parseNames(read("/etc/group", maxAccounts))
	link, err := h.Readlink("/proc/self/ns/user")
	raw = section.Append(raw, "/proc/self/ns/user", true, []byte(link), err)
	b.userNS = link
	return b, raw
}

// fromClocks takes the moment of boot from the clocks of the running host, and
// gives the text of them for the raw item. btime is the same moment, but in whole
// seconds; it stays where the clocks cannot be read.
func (b *basis) fromClocks(c clockReading, err error) []byte {
	if err != nil || c.boot <= 0 {
		return nil
	}
	b.boot, b.bootFrom = time.Unix(0, c.wall-c.boot).UTC(), "clocks"
	return fmt.Appendf(nil, "CLOCK_REALTIME %d ns\nCLOCK_BOOTTIME %d ns\nread within %d ns\n", c.wall, c.boot, c.spread)
}

// parseBtime finds "btime SECONDS" of proc_stat(5).
func parseBtime(text string) time.Time {
	for line := range strings.Lines(text) {
		if word, ok := strings.CutPrefix(line, "btime "); ok {
			if s, err := strconv.ParseInt(strings.TrimSpace(word), 10, 40); err == nil && s > 0 {
				return time.Unix(s, 0).UTC()
			}
		}
	}
	return time.Time{}
}

// AT_PAGESZ and AT_CLKTCK of include/uapi/linux/auxvec.h.
const (
	auxPageSize = 6
	auxClkTck   = 17
)

// fromAuxv reads the auxiliary vector (getauxval(3)): pairs of words, in the
// byte order and width of the machine. Both widths are tried in little-endian,
// and in 64-bit big-endian: a vector makes sense in one of them only.
func (b *basis) fromAuxv(text string) {
	data := []byte(text)
	for _, as := range []struct {
		width int
		order binary.ByteOrder
	}{{8, binary.LittleEndian}, {4, binary.LittleEndian}, {8, binary.BigEndian}, {4, binary.BigEndian}} {
		found := map[uint64]uint64{}
		for at := 0; at+2*as.width <= len(data); at += 2 * as.width {
			found[auxWord(data[at:], as.width, as.order)] = auxWord(data[at+as.width:], as.width, as.order)
		}
		page, tick := found[auxPageSize], found[auxClkTck]
		if page >= 4096 && page <= 1<<20 && page&(page-1) == 0 && tick > 0 && tick <= 10000 {
			b.pageSize, b.ticks = page, tick
			return
		}
	}
}

func auxWord(data []byte, width int, order binary.ByteOrder) uint64 {
	if width == 4 {
		return uint64(order.Uint32(data))
	}
	return order.Uint64(data)
}

// splitTexts splits at sep; the piece after the last sep counts only if there is one.
func splitTexts(dst []jsonl.Text, s string, sep byte) []jsonl.Text {
	for s != "" {
		i := strings.IndexByte(s, sep)
		if i < 0 {
			return append(dst, jsonl.Text(s))
		}
		dst = append(dst, jsonl.Text(s[:i]))
		s = s[i+1:]
	}
	return dst
}
