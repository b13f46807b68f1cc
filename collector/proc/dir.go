package proc

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"hozen/collector"
)

// PIDs lists the processes in /proc by number, up.
func PIDs(h *collector.Host) ([]int, error) {
	names, err := h.Names("/proc")
	return AppendNumbers(nil, names), err
}

// AppendNumbers appends the names that are plain decimal numbers, in order of number.
func AppendNumbers(dst []int, all []string) []int {
	for _, name := range all {
		if n, err := strconv.ParseUint(name, 10, 31); err == nil && strconv.FormatUint(n, 10) == name {
			dst = append(dst, int(n))
		}
	}
	slices.Sort(dst)
	return dst
}

// nextEntry cuts the first entry from what getdents64(2) gave, struct
// linux_dirent64: u64 inode, s64 offset, u16 length of the entry, u8 type, name
// ended by NUL. It allocates nothing. ok is false at the end and where a length lies.
func nextEntry(b []byte) (name, rest []byte, ok bool) {
	const head = 19
	if len(b) <= head {
		return nil, nil, false
	}
	n := int(binary.NativeEndian.Uint16(b[16:]))
	if n <= head || n > len(b) {
		return nil, nil, false
	}
	name, _, _ = bytes.Cut(b[head:n], []byte{0})
	return name, b[n:], true
}

// AppendEntryNumbers is AppendNumbers for what getdents64(2) gave, in its order.
func AppendEntryNumbers(dst []int, b []byte) []int {
	for {
		name, rest, ok := nextEntry(b)
		if !ok {
			return dst
		}
		if n, isNumber := Number(name); isNumber && n <= math.MaxInt32 {
			dst = append(dst, int(n))
		}
		b = rest
	}
}

// EachLink is LinkReader.each for any host: two system calls and more a link.
func EachLink(h *collector.Host, dir string, f func(name, target []byte) bool) error {
	return eachLinkBelow(h, dir, "", f)
}

// eachLinkBelow is LinkReader.below for any host.
func eachLinkBelow(h *collector.Host, dir, link string, f func(name, target []byte) bool) error {
	names, err := h.Names(dir)
	for _, name := range names {
		if t, err := h.Readlink(dir + "/" + name + link); err == nil && !f([]byte(name), []byte(t)) {
			return nil
		}
	}
	return err
}
