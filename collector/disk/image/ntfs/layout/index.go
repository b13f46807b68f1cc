package layout

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An Entry is one name in a directory.
type Entry struct {
	FileName
	File Ref
}

// ParseNode reads the entries of one node of a directory's index ($I30), from the node
// header on, until visit says false. End is where the entries end, from the start of b:
// behind it, up to the node's allocated size, lie the remains of older ones. What lies
// before an error was visited.
func ParseNode(b []byte, visit func(Entry) bool) (end int, err error) {
	if len(b) < 16 {
		return len(b), errors.New("a node that lies outside")
	}
	at, used := int64(binary.LittleEndian.Uint32(b)), int64(binary.LittleEndian.Uint32(b[4:]))
	used = min(used, int64(len(b)))
	for at >= 16 && at+16 <= used {
		e := b[at:used]
		n, key, last := int(binary.LittleEndian.Uint16(e[8:])), int(binary.LittleEndian.Uint16(e[10:])), e[12]&2 != 0
		if n < 16 || n > len(e) || !last && 16+key > n {
			return int(at), fmt.Errorf("an entry of %d bytes at %d of %d", n, at, used)
		}
		if last {
			return int(at) + n, nil
		}
		name, err := ParseFileName(e[16 : 16+key])
		if err != nil {
			return int(at), err
		}
		if !visit(Entry{name, Ref(binary.LittleEndian.Uint64(e))}) {
			return int(at), nil
		}
		at += int64(n)
	}
	return int(min(max(at, 16), int64(len(b)))), errors.New("a node without an end")
}
