package rpmdb

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"hozen/collector/disk/integrity/packages"
)

// Tags of a header (rpm, docs/manual/tags.md).
const (
	tagName        = 1000
	tagVersion     = 1001
	tagRelease     = 1002
	tagEpoch       = 1003
	tagInstallTime = 1008
	tagArch        = 1022
	tagFileSizes   = 1028
	tagFileStates  = 1029
	tagFileModes   = 1030
	tagDigests     = 1035
	tagLinks       = 1036
	tagFlags       = 1037
	tagUsers       = 1039
	tagGroups      = 1040
	tagVerify      = 1045
	tagDirIndexes  = 1116
	tagBaseNames   = 1117
	tagDirNames    = 1118
	tagLongSizes   = 5008
	tagDigestAlgo  = 5011
)

// Bits of FILEFLAGS and FILEVERIFYFLAGS (rpm, include/rpm/rpmfiles.h).
const (
	fileConfig, fileDoc, fileMissingOK, fileGhost                   = 1 << 0, 1 << 1, 1 << 3, 1 << 6
	verifyDigest, verifySize, verifyLink, verifyUser, verifyGroup   = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4
	verifyMode                                                      = 1 << 6
	maxEntries, maxFiles                                            = 1 << 16, 4 << 20
	typeChar, typeInt8, typeInt16, typeInt32, typeInt64, typeString = 1, 2, 3, 4, 5, 6
	typeStrings, typeI18N                                           = 8, 9
)

// A header gives the values of tags: the index (tag, type, offset, count; 16 bytes each,
// big-endian) and the data behind it (rpm, docs/manual/format_header.md).
type header struct {
	data  []byte
	index map[uint32]entry
}

type entry struct{ kind, off, count uint32 }

// Header reads the header of one package, as it lies in the database: without the
// eight bytes of magic that it has in a package's file.
func Header(blob []byte) (p packages.Package, err error) {
	h, err := parseHeader(blob)
	if err != nil {
		return p, err
	}
	p = packages.Package{Manager: "rpm", Name: h.text(tagName), Arch: h.text(tagArch), Version: h.text(tagVersion) + "-" + h.text(tagRelease)}
	if e := h.numbers(tagEpoch); len(e) > 0 {
		p.Version = fmt.Sprintf("%d:%s", e[0], p.Version)
	}
	if p.Name == "" {
		return p, fmt.Errorf("%w: a header without a name", ErrDamaged)
	}
	if t := h.numbers(tagInstallTime); len(t) > 0 && t[0] > 0 {
		p.Installed = time.Unix(int64(t[0]), 0).UTC()
	}
	p.Files, err = h.files()
	return p, err
}

func parseHeader(b []byte) (*header, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("%w: a header of %d bytes", ErrDamaged, len(b))
	}
	n, size := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if n > maxEntries || uint64(8)+16*uint64(n)+uint64(size) > uint64(len(b)) {
		return nil, fmt.Errorf("%w: a header of %d entries and %d bytes in %d", ErrDamaged, n, size, len(b))
	}
	h := &header{data: b[8+16*n : 8+16*n+size], index: make(map[uint32]entry, n)}
	for i := range n {
		e := b[8+16*i:]
		h.index[binary.BigEndian.Uint32(e)] = entry{binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])}
	}
	return h, nil
}

// numbers gives the integers of a tag; those that lie beyond the data are left out.
func (h *header) numbers(tag uint32) (out []uint64) {
	e, ok := h.index[tag]
	width := map[uint32]int{typeChar: 1, typeInt8: 1, typeInt16: 2, typeInt32: 4, typeInt64: 8}[e.kind]
	if !ok || width == 0 || uint64(e.off) > uint64(len(h.data)) {
		return nil
	}
	b := h.data[e.off:]
	for i := 0; i < int(min(e.count, maxFiles)) && len(b) >= width; i++ {
		switch width {
		case 1:
			out = append(out, uint64(b[0]))
		case 2:
			out = append(out, uint64(binary.BigEndian.Uint16(b)))
		case 4:
			out = append(out, uint64(binary.BigEndian.Uint32(b)))
		default:
			out = append(out, binary.BigEndian.Uint64(b))
		}
		b = b[width:]
	}
	return out
}

// texts gives the strings of a tag.
func (h *header) texts(tag uint32) (out []string) {
	e, ok := h.index[tag]
	if !ok || e.kind != typeString && e.kind != typeStrings && e.kind != typeI18N || uint64(e.off) > uint64(len(h.data)) {
		return nil
	}
	rest := string(h.data[e.off:])
	if e.kind == typeString {
		e.count = 1
	}
	for range min(e.count, maxFiles) {
		one, after, found := strings.Cut(rest, "\x00")
		if !found {
			break
		}
		out, rest = append(out, one), after
	}
	return out
}

func (h *header) text(tag uint32) string {
	if t := h.texts(tag); len(t) > 0 {
		return t[0]
	}
	return ""
}

// at gives element i; the zero value where there are fewer.
func at[T any](list []T, i int) (v T) {
	if i < len(list) {
		v = list[i]
	}
	return v
}

func (h *header) files() ([]packages.File, error) {
	bases, dirs, where := h.texts(tagBaseNames), h.texts(tagDirNames), h.numbers(tagDirIndexes)
	if len(where) != len(bases) {
		return nil, fmt.Errorf("%w: %d names in %d directories", ErrDamaged, len(bases), len(where))
	}
	sizes := h.numbers(tagLongSizes)
	if sizes == nil {
		sizes = h.numbers(tagFileSizes)
	}
	modes, states, flags, verify := h.numbers(tagFileModes), h.numbers(tagFileStates), h.numbers(tagFlags), h.numbers(tagVerify)
	digests, links, users, groups := h.texts(tagDigests), h.texts(tagLinks), h.texts(tagUsers), h.texts(tagGroups)
	algorithm := "md5"
	if a := h.numbers(tagDigestAlgo); len(a) > 0 { // RFC 4880 section 9.4
		algorithm = map[uint64]string{1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}[a[0]]
	}
	out := make([]packages.File, 0, len(bases))
	for i, base := range bases {
		if where[i] >= uint64(len(dirs)) {
			return out, fmt.Errorf("%w: %q in directory %d of %d", ErrDamaged, base, where[i], len(dirs))
		}
		check := uint64(1<<32 - 1)
		if i < len(verify) {
			check = verify[i]
		}
		f := packages.File{Path: dirs[where[i]] + base, Size: -1, Mode: uint32(at(modes, i)), HasMode: i < len(modes) && check&verifyMode != 0}
		if i < len(sizes) && check&verifySize != 0 && sizes[i] < 1<<62 {
			f.Size = int64(sizes[i])
		}
		if d := at(digests, i); d != "" && check&verifyDigest != 0 && algorithm != "" {
			f.Algorithm, f.Digest = algorithm, strings.ToLower(d)
		}
		if check&verifyLink != 0 {
			f.Link = at(links, i)
		}
		if check&verifyUser != 0 {
			f.User = at(users, i)
		}
		if check&verifyGroup != 0 {
			f.Group = at(groups, i)
		}
		f.Flags = flagsOf(at(flags, i), at(states, i))
		out = append(out, f)
	}
	return out, nil
}

// flagsOf reads FILEFLAGS and FILESTATES. A file that was not installed, or was replaced
// by another package's, is owned and not compared.
func flagsOf(flags, state uint64) (f packages.Flags) {
	for bit, flag := range map[uint64]packages.Flags{fileConfig: packages.Config, fileDoc: packages.Doc, fileMissingOK: packages.Optional,
		fileGhost: packages.Optional | packages.NoDigest | packages.NoMeta} {
		if flags&bit != 0 {
			f |= flag
		}
	}
	if state != 0 {
		f |= packages.Optional | packages.NoDigest | packages.NoMeta
	}
	return f
}
