package volatile

import (
	"strconv"
	"strings"
)

func (n idNames) id(word string) (ID, bool) {
	v, err := strconv.ParseUint(word, 10, 32)
	if err != nil {
		return ID{}, false
	}
	return ID{ID: uint32(v), Name: n[uint32(v)]}, true
}

// four reads the four numbers of the Uid and Gid lines of status; nil if they
// are not four.
func (n idNames) four(value string) *IDs {
	out := IDs{FS: &ID{}}
	at := [...]*ID{&out.Real, &out.Effective, &out.Saved, out.FS}
	i := 0
	for word := range strings.FieldsSeq(value) {
		id, ok := n.id(word)
		if !ok || i == len(at) {
			return nil
		}
		*at[i] = id
		i++
	}
	if i != len(at) {
		return nil
	}
	return &out
}

// list reads the Groups line of status (the kernel allows 65536 of them).
func (n idNames) list(dst []ID, value string) []ID {
	for word := range strings.FieldsSeq(value) {
		if id, ok := n.id(word); ok {
			dst = append(dst, id)
		}
	}
	return dst
}
