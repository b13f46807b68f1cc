package ntfs

import "errors"

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
