package image

import (
	"fmt"
	"strings"
)

// A RefusedError is a container that is recognised, and not read here.
type RefusedError struct {
	Format string // "VMDK"
	Hint   string // what makes an image of it that is
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is not read here (hint: %s)", e.Format, e.Hint)
}

const (
	hintQEMU = "qemu-img convert -O raw makes a raw image of it"
	hintEWF  = "ewfexport -f raw, or the imager that made it, makes a raw image of it"
)

// A signature is where a container says what it is.
type signature struct {
	at     int
	text   string
	format string
	hint   string
}

func refused() []signature {
	return []signature{
		{0, "COWD", "VMDK", hintQEMU},
		{0, "# Disk DescriptorFile", "VMDK", hintQEMU},
		{0, "vhdxfile", "VHDX", hintQEMU},
		{0x40, "\x7f\x10\xda\xbe", "VDI", hintQEMU},
		{0, "QED\x00", "QED", hintQEMU},
		{0, "WithoutFreeSpace", "Parallels", hintQEMU},
		{0, "WithouFreSpacExt", "Parallels", hintQEMU},
		{0, "EVF2\x0d\x0a\x81\x00", "EWF version 2 (Ex01)", hintEWF},
		{0, "LVF\x09\x0d\x0a\xff\x00", "logical evidence (L01)", "it holds files, not a disk: give the files with --add"},
		{0, "LEF2\x0d\x0a\x81\x00", "logical evidence (Lx01)", "it holds files, not a disk: give the files with --add"},
		{0, "AFF10", "AFF", "affconvert -r makes a raw image of it"},
		{0, "\x1f\x8b", "gzip", "gunzip it: compressed as a whole, it cannot be read from the middle"},
		{0, "\xfd7zXZ\x00", "xz", "unxz it: compressed as a whole, it cannot be read from the middle"},
		{0, "\x28\xb5\x2f\xfd", "zstd", "zstd -d it: compressed as a whole, it cannot be read from the middle"},
		{0, "BZh", "bzip2", "bunzip2 it: compressed as a whole, it cannot be read from the middle"},
		{0, "7z\xbc\xaf\x27\x1c", "7-Zip", "unpack it first"},
		{0, "PK\x03\x04", "ZIP (or AFF4)", "unpack it first"},
	}
}

// refusal says why the file is not read, if it is a container that we know of.
func refusal(s *source) error {
	for _, r := range refused() {
		if len(s.head) >= r.at+len(r.text) && string(s.head[r.at:r.at+len(r.text)]) == r.text {
			return &RefusedError{r.format, r.hint}
		}
	}
	if strings.HasPrefix(string(s.tail), "koly") {
		return &RefusedError{"DMG", "hdiutil convert -format UDTO, or dmg2img, makes a raw image of it"}
	}
	return nil
}
