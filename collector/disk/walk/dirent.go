package walk

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// dirent is one record of getdents64(2).
type dirent struct {
	kind byte   // DT_*; 0 if the file system does not tell
	name []byte // a NUL follows it in the buffer
}

const (
	direntHeader = 19 // inode 8, offset 8, length of the record 2, kind 1
	kindUnknown  = 0  // DT_UNKNOWN
	kindDir      = 4  // DT_DIR
)

// nextDirent reads the first record, in the byte order of this machine, and gives what
// follows it.
func nextDirent(b []byte) (d dirent, rest []byte, err error) {
	if len(b) < direntHeader+1 {
		return d, nil, fmt.Errorf("directory record: %d bytes", len(b))
	}
	length := int(binary.NativeEndian.Uint16(b[16:]))
	if length < direntHeader+1 || length > len(b) {
		return d, nil, fmt.Errorf("directory record: says %d bytes of %d", length, len(b))
	}
	name := b[direntHeader:length]
	end := bytes.IndexByte(name, 0)
	if end < 0 {
		return d, nil, fmt.Errorf("directory record: a name without end")
	}
	return dirent{kind: b[18], name: name[:end]}, b[length:], nil
}

// dots says whether a name is that of the directory itself or its parent.
func dots(name []byte) bool {
	return string(name) == "." || string(name) == ".."
}

// possible says whether a name can be one in a directory.
func possible(name []byte) bool {
	return len(name) > 0 && bytes.IndexByte(name, '/') < 0 && bytes.IndexByte(name, 0) < 0
}
