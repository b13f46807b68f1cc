package winfile

import (
	"encoding/binary"
	"errors"
	"strings"

	"hozen/collector/utf16"
)

// Names reads one buffer of FILE_ID_BOTH_DIR_INFORMATION (ntifs.h), as a directory is
// listed, and appends the names in it but "." and "..". With an error, those before the
// damage are given.
func Names(dst []string, b []byte) ([]string, error) {
	const before = 104 // bytes, to the name
	err := entries(b, before, 60, func(_, name []byte) {
		if s := utf16.WTF8(name); s != "." && s != ".." {
			dst = append(dst, s)
		}
	})
	return dst, err
}

// A DataStream is an alternate stream of a file.
type DataStream struct {
	Name            string // without the colons: "Zone.Identifier"
	Size, Allocated int64  // bytes
}

// Streams reads FILE_STREAM_INFORMATION (ntifs.h): the alternate data streams of a
// file, without its contents proper. A stream of another type than $DATA has that
// behind a colon in its name.
func Streams(b []byte) (all []DataStream, err error) {
	const before = 24
	err = entries(b, before, 4, func(head, name []byte) {
		s, ok := strings.CutPrefix(utf16.WTF8(name), ":")
		s, data := strings.CutSuffix(s, ":$DATA")
		if !ok || s == "" && data {
			return
		}
		all = append(all, DataStream{Name: s, Size: int64(binary.LittleEndian.Uint64(head[8:])), Allocated: int64(binary.LittleEndian.Uint64(head[16:]))})
	})
	return all, err
}

// entries goes through structures that each begin with the distance to the next one,
// have the length of a name at lengthAt, and the name behind them.
func entries(b []byte, before, lengthAt int, each func(head, name []byte)) error {
	for len(b) > 0 {
		if len(b) < before {
			return errShort
		}
		next, n := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[lengthAt:])
		if uint64(n) > uint64(len(b)-before) {
			return errShort
		}
		each(b[:before], b[before:before+int(n)])
		if next == 0 {
			return nil
		}
		if next < uint32(before) || uint64(next) > uint64(len(b)) {
			return errors.New("the answer of the system leads out of itself")
		}
		b = b[next:]
	}
	return nil
}
