package pe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"hozen/collector/utf16"
	"hozen/packager/evidence/fault"
)

// A Version is the version resource of an image: what its maker says of it.
type Version struct {
	File, Product string // of VS_FIXEDFILEINFO, as "10.0.19041.1"; "" if there is none
	Flags         uint32 // dwFileFlags: VS_FF_DEBUG 1, VS_FF_PRERELEASE 2, VS_FF_PATCHED 4
	Strings       []VersionString
}

// A VersionString is one String of a StringTable. Texts are WTF-8.
type VersionString struct {
	Language string // the table's key: language and code page in hexadecimal, "040904b0"
	Key      string // "CompanyName", "OriginalFilename", or anything
	Value    string
}

// Get gives the first value of a key; "".
func (v *Version) Get(key string) string {
	for _, s := range v.Strings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

const (
	maxVersion        = 1 << 18 // bytes of the resource
	maxVersionStrings = 1 << 10
	maxResources      = 1 << 12 // entries of one directory
	resourceVersion   = 16      // RT_VERSION
)

// errNoVersion is the error of an image without a version resource.
var errNoVersion = errors.New("no version resource")

// Version gives the first version resource. One that is not there is the zero Version.
func (im *Image) Version() (Version, error) {
	rva, size, err := im.resource(resourceVersion)
	if errors.Is(err, errNoVersion) {
		return Version{}, nil
	}
	if err != nil {
		return Version{}, fmt.Errorf("version resource: %w", err)
	}
	if size > maxVersion {
		return Version{}, fmt.Errorf("version resource: %d bytes", size)
	}
	b, err := im.ReadRVA(rva, int(size))
	v, perr := parseVersion(b)
	return v, fault.Join(err, perr)
}

// resource finds the first resource of a type: three levels of directories (type, name,
// language), then its place.
func (im *Image) resource(kind uint32) (rva, size uint32, err error) {
	root := im.Directory(DirectoryResource)
	if root.RVA == 0 {
		return 0, 0, errNoVersion
	}
	at, found, err := im.resourceEntry(root.RVA, kind, true)
	if err != nil || !found {
		return 0, 0, orNone(err)
	}
	for range 2 {
		if at&0x80000000 == 0 {
			break
		}
		if at, found, err = im.resourceEntry(root.RVA+at&^0x80000000, 0, false); err != nil || !found {
			return 0, 0, orNone(err)
		}
	}
	if at&0x80000000 != 0 {
		return 0, 0, errDamaged
	}
	b, err := im.ReadRVA(root.RVA+at, 16)
	if err != nil {
		return 0, 0, err
	}
	return binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), nil
}

func orNone(err error) error {
	if err == nil {
		return errNoVersion
	}
	return err
}

// resourceEntry finds the entry with a number in a directory, or the first of all, and gives
// where it leads.
func (im *Image) resourceEntry(dir, number uint32, byNumber bool) (at uint32, found bool, err error) {
	b, err := im.ReadRVA(dir, 16)
	if err != nil {
		return 0, false, err
	}
	n := int(binary.LittleEndian.Uint16(b[12:])) + int(binary.LittleEndian.Uint16(b[14:]))
	for i := range min(n, maxResources) {
		e, err := im.ReadRVA(dir+16+8*uint32(i), 8)
		if err != nil {
			return 0, false, err
		}
		if !byNumber || binary.LittleEndian.Uint32(e) == number {
			return binary.LittleEndian.Uint32(e[4:]), true, nil
		}
	}
	return 0, false, nil
}

// A node is one block of VS_VERSIONINFO: wLength, wValueLength, wType, szKey, Value, Children.
type node struct {
	key      string
	value    []byte
	children []byte
	text     bool
}

// nextNode takes a block off the front of b, whose first byte lies at a multiple of 4.
func nextNode(b []byte) (n node, rest []byte, err error) {
	if len(b) < 6 {
		return node{}, nil, errDamaged
	}
	size, valueSize := int(binary.LittleEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b[2:]))
	if size < 6 {
		return node{}, nil, fmt.Errorf("block of %d bytes: %w", size, errDamaged)
	}
	if next := (size + 3) &^ 3; next < len(b) {
		rest = b[next:]
	}
	b = b[:min(size, len(b))]
	n.text = binary.LittleEndian.Uint16(b[4:]) == 1
	end := 6
	for end+2 <= len(b) && (b[end] != 0 || b[end+1] != 0) {
		end += 2
	}
	n.key = utf16.WTF8(b[6:end])
	from := min((end+2+3)&^3, len(b))
	if n.text {
		valueSize *= 2 // of a text it counts characters; some writers count bytes
	}
	to := min(from+valueSize, len(b))
	n.value, n.children = b[from:to], b[min((to+3)&^3, len(b)):]
	return n, rest, nil
}

func parseVersion(b []byte) (v Version, err error) {
	root, _, err := nextNode(b)
	if err != nil {
		return v, err
	}
	if f := root.value; len(f) >= 52 && binary.LittleEndian.Uint32(f) == 0xfeef04bd {
		part := func(at int) uint16 { return binary.LittleEndian.Uint16(f[at:]) }
		v.File = fmt.Sprintf("%d.%d.%d.%d", part(10), part(8), part(14), part(12))
		v.Product = fmt.Sprintf("%d.%d.%d.%d", part(18), part(16), part(22), part(20))
		v.Flags = binary.LittleEndian.Uint32(f[28:]) & binary.LittleEndian.Uint32(f[24:])
	}
	for rest := root.children; len(rest) >= 6; {
		var info node
		if info, rest, err = nextNode(rest); err != nil {
			return v, err
		}
		if info.key != "StringFileInfo" {
			continue
		}
		for tables := info.children; len(tables) >= 6; {
			var table node
			if table, tables, err = nextNode(tables); err != nil {
				return v, err
			}
			if err := v.table(table); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

func (v *Version) table(table node) error {
	for rest := table.children; len(rest) >= 6; {
		one, next, err := nextNode(rest)
		if err != nil {
			return err
		}
		if len(v.Strings) == maxVersionStrings {
			return fmt.Errorf("more than %d strings", maxVersionStrings)
		}
		value := one.value
		if !one.text {
			value = bytes.TrimRight(value, "\x00")
		}
		v.Strings = append(v.Strings, VersionString{table.key, one.key, utf16.ToNUL(value)})
		rest = next
	}
	return nil
}
