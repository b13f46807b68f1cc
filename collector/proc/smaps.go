package proc

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// Usage is what proc_pid_smaps(5) tells of a mapping beside its line of maps.
// Sizes are in bytes.
type Usage struct {
	RSS   uint64 // resident
	Swap  uint64 // in swap
	Dirty uint64 // written to, and of this process alone (Private_Dirty)
	// Flags are the kernel's two-letter words (VmFlags): "io" and "pf" for memory of
	// a device, "dd" for what core dumps leave out. "" before Linux 3.8.
	Flags string
}

// Device says that the mapping is of a device's memory, of which a mere look may
// do something: VM_IO or VM_PFNMAP.
func (u *Usage) Device() bool {
	for flag := range strings.FieldsSeq(u.Flags) {
		if flag == "io" || flag == "pf" {
			return true
		}
	}
	return false
}

// EachUsage reads smaps and calls f for every mapping, in the order of addresses,
// until f says false. What is not understood is passed over. It gives the error
// of reading.
func EachUsage(r io.Reader, f func(m Mapping, u Usage) bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 16<<10), 256<<10)
	var m Mapping
	var u Usage
	have := false
	for lines.Scan() {
		line := lines.Text()
		name, value, isField := strings.Cut(line, ":")
		if isField && name != "" && !strings.ContainsAny(name, " -") {
			u.take(name, value)
			continue
		}
		next, err := ParseMapping(line)
		if err != nil {
			continue
		}
		if have && !f(m, u) {
			return nil
		}
		m, u, have = next, Usage{}, true
	}
	if have {
		f(m, u)
	}
	return lines.Err()
}

func (u *Usage) take(name, value string) {
	value = strings.TrimSpace(value)
	to := map[string]*uint64{"Rss": &u.RSS, "Swap": &u.Swap, "Private_Dirty": &u.Dirty}[name]
	if name == "VmFlags" {
		u.Flags = value
	}
	if kb, ok := strings.CutSuffix(value, " kB"); ok && to != nil {
		n, _ := strconv.ParseUint(kb, 10, 54)
		*to = n << 10
	}
}
