package ntfs

import (
	"errors"
	"fmt"
)

// A run is clusters of a file that lie together: length of them from vcn of the
// file on, at lcn of the volume; a hole has the lcn -1.
type run struct{ vcn, lcn, length int64 }

const (
	hole       = -1
	maxCluster = 1 << 48
)

// parseRuns reads mapping pairs ("runlist"): a byte with the sizes of two numbers,
// the length, and the distance of the cluster from that of the run before.
func parseRuns(b []byte, vcn int64) ([]run, error) {
	var out []run
	lcn := int64(0)
	for len(b) > 0 && b[0] != 0 {
		n, d := int(b[0]&15), int(b[0]>>4)
		if n == 0 || n > 8 || d > 8 || 1+n+d > len(b) {
			return out, fmt.Errorf("run %d: sizes %d and %d", len(out), n, d)
		}
		length := number(b[1 : 1+n])
		if length <= 0 || length > maxCluster || vcn > maxCluster {
			return out, fmt.Errorf("run %d: %d clusters", len(out), length)
		}
		r := run{vcn: vcn, lcn: hole, length: length}
		if d > 0 {
			lcn += number(b[1+n : 1+n+d])
			if lcn < 0 || lcn > maxCluster {
				return out, fmt.Errorf("run %d: cluster %d", len(out), lcn)
			}
			r.lcn = lcn
		}
		out = append(out, r)
		vcn += length
		b = b[1+n+d:]
	}
	return out, nil
}

// number reads a signed number, little end first.
func number(b []byte) int64 {
	v := int64(int8(b[len(b)-1]))
	for i := len(b) - 2; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	return v
}

var errCorrupt = errors.New("compressed data is damaged")

// expand decompresses one compression unit ([MS-XCA] section 2.5, LZNT1) into dst
// of which it gives all; what the data does not reach is zeros.
func expand(dst, src []byte) error {
	clear(dst)
	for at := 0; len(src) >= 2 && at < len(dst); at += 4096 {
		head := int(src[0]) | int(src[1])<<8
		if head == 0 {
			return nil
		}
		n := head&0xfff + 1
		if 2+n > len(src) {
			return errCorrupt
		}
		chunk, out := src[2:2+n], dst[at:min(at+4096, len(dst))]
		src = src[2+n:]
		if head&0x8000 == 0 {
			copy(out, chunk)
		} else if err := expandChunk(out, chunk); err != nil {
			return err
		}
	}
	return nil
}

func expandChunk(out, chunk []byte) error {
	n := 0
	for len(chunk) > 0 {
		flags := chunk[0]
		chunk = chunk[1:]
		for i := 0; i < 8 && len(chunk) > 0; i, flags = i+1, flags>>1 {
			if flags&1 == 0 {
				if n == len(out) {
					return errCorrupt
				}
				out[n], chunk = chunk[0], chunk[1:]
				n++
				continue
			}
			if len(chunk) < 2 || n == 0 {
				return errCorrupt
			}
			token := int(chunk[0]) | int(chunk[1])<<8
			chunk = chunk[2:]
			bits := 12 // of the length; the further on, the more are for the distance
			for far := n - 1; far >= 16; far >>= 1 {
				bits--
			}
			back, length := token>>bits+1, token&(1<<bits-1)+3
			if back > n || n+length > len(out) {
				return errCorrupt
			}
			for ; length > 0; length-- {
				out[n] = out[n-back]
				n++
			}
		}
	}
	return nil
}
