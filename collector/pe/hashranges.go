package pe

import (
	"errors"
	"fmt"
)

// A Range is a part of a file.
type Range struct{ At, Size int64 }

// HashRanges gives the parts of the file that Authenticode hashes, in order, and where its
// certificates lie: everything but the checksum, the entry of the certificates' directory,
// and the certificates ("Windows Authenticode Portable Executable Signature Format",
// Calculating the PE Image Hash). It knows no more than that: whether the certificates are
// at the end of the file, as they must be for a signature to be good, is for who verifies.
func (im *Image) HashRanges() (parts []Range, certificates Range, err error) {
	if im.mapped {
		return nil, Range{}, errors.New("hash ranges: an image in memory is not as it was signed")
	}
	optional := int64(im.HeaderAt) + 24
	first := int64(96)
	if im.Wide {
		first = 112
	}
	skip := []Range{{optional + 64, 4}}
	if len(im.Directories) > DirectorySecurity {
		skip = append(skip, Range{optional + first + 8*DirectorySecurity, 8})
		dir := im.Directory(DirectorySecurity)
		if certificates = (Range{int64(dir.RVA), int64(dir.Size)}); certificates.Size > 0 {
			if certificates.At < skip[1].At+8 || certificates.At+certificates.Size > im.size {
				return nil, certificates, fmt.Errorf("certificates at %#x with %d bytes: %w", certificates.At, certificates.Size, errDamaged)
			}
			skip = append(skip, certificates)
		}
	}
	at := int64(0)
	for _, s := range skip {
		if s.At > at {
			parts = append(parts, Range{at, s.At - at})
		}
		at = s.At + s.Size
	}
	if at < im.size {
		parts = append(parts, Range{at, im.size - at})
	}
	return parts, certificates, nil
}
