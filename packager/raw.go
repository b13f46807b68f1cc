package packager

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// rawDescriptor is Frame_Header_Descriptor of a data frame of raw blocks: content
// size of 4 bytes, single segment, content checksum, no dictionary (RFC 8878,
// section 3.1.1.1.1).
const rawDescriptor = 0xA4

// rawFrame appends plain as a data frame that is not compressed: what EncodeAll
// gives for what cannot be, for a tenth of the work. The checksum is XXH64
// (RFC 8878, section 3.1.1); cespare/xxhash has it in assembly, and is what
// klauspost/compress carries inside, where nobody else can call it.
func rawFrame(dst, plain []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, magicZstd)
	dst = append(dst, rawDescriptor)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(plain)))
	for rest := plain; ; {
		n := min(len(rest), storedBlock)
		head := uint32(n) << 3
		if n == len(rest) {
			head |= 1
		}
		dst = append(dst, byte(head), byte(head>>8), byte(head>>16))
		dst = append(dst, rest[:n]...)
		if rest = rest[n:]; len(rest) == 0 {
			return binary.LittleEndian.AppendUint32(dst, uint32(xxhash.Sum64(plain)))
		}
	}
}

// empty says whether b is zeros only, which cost nothing to compress.
func empty(b []byte) bool {
	for len(b) >= 8 {
		if binary.NativeEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
