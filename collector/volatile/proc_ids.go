package volatile

import (
	"strconv"
	"strings"

	"hozen/collector/jsonl"
)

// idNames maps numbers of users or groups to names.
type idNames map[uint32]jsonl.Text

// parseNames reads passwd(5) or group(5): fields between colons, the name first,
// the number third. Of several names of one number the first counts, as it does
// for getpwuid(3). Lines of other forms are passed over.
func parseNames(text string) idNames {
	n := idNames{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		_, rest, _ = strings.Cut(rest, ":")
		number, _, ok := strings.Cut(rest, ":")
		id, err := strconv.ParseUint(number, 10, 32)
		if !ok || err != nil || name == "" {
			continue
		}
		if _, taken := n[uint32(id)]; !taken {
			n[uint32(id)] = jsonl.Text(name)
		}
	}
	return n
}

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
	var out IDs
	at := [...]*ID{&out.Real, &out.Effective, &out.Saved, &out.FS}
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
