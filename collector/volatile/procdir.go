package volatile

import (
	"slices"
	"strconv"

	"hozen/collector"
)

// processIDs lists the processes in /proc by number, up.
func processIDs(h *collector.Host) ([]int, error) {
	names, err := h.Names("/proc")
	return appendNumbers(nil, names), err
}

// appendNumbers appends the names that are plain decimal numbers, in order of number.
func appendNumbers(dst []int, all []string) []int {
	for _, name := range all {
		if n, err := strconv.ParseUint(name, 10, 31); err == nil && strconv.FormatUint(n, 10) == name {
			dst = append(dst, int(n))
		}
	}
	slices.Sort(dst)
	return dst
}

// eachLink is linkReader.each for any host: two system calls and more a link.
func eachLink(h *collector.Host, dir string, f func(name, target []byte) bool) error {
	return eachLinkBelow(h, dir, "", f)
}

// eachLinkBelow is linkReader.below for any host.
func eachLinkBelow(h *collector.Host, dir, link string, f func(name, target []byte) bool) error {
	names, err := h.Names(dir)
	for _, name := range names {
		if t, err := h.Readlink(dir + "/" + name + link); err == nil && !f([]byte(name), []byte(t)) {
			return nil
		}
	}
	return err
}
