package proc

import (
	"bytes"
	"strconv"
)

// Number reads a decimal number that fills b, without allocating.
func Number(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// NamespaceInode reads "net:[4026531840]" for the kind "net".
func NamespaceInode(target []byte, kind string) (uint64, bool) {
	rest, ok := bytes.CutPrefix(target, []byte(kind))
	if !ok || len(rest) < 4 || rest[0] != ':' || rest[1] != '[' || rest[len(rest)-1] != ']' {
		return 0, false
	}
	return Number(rest[2 : len(rest)-1])
}

// Device writes a device number as major:minor in decimal, split as
// gnu_dev_major(3) does it.
func Device(dev uint64) string {
	major := dev>>8&0xfff | dev>>32&^0xfff
	minor := dev&0xff | dev>>12&^0xff
	return strconv.FormatUint(major&0xffffffff, 10) + ":" + strconv.FormatUint(minor&0xffffffff, 10)
}
