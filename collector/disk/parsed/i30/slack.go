package i30

import (
	"encoding/binary"
	"time"

	"hozen/collector/disk/image/ntfs/layout"
)

// slack emits what looks like names behind the end of those in use.
func (x *index) slack(off int64, b []byte, from int) error {
	from = (from + 7) &^ 7
	for at := from; at+nameAt+leastName <= len(b); {
		n, ok := x.likely(b[at+nameAt:])
		if !ok {
			at += 8
			continue
		}
		row := x.row(off+int64(at), n)
		row.Slack, row.Free = true, x.isFree(off)
		size := nameAt + leastName + 2*int(b[at+nameAt+64])
		entry := b[at:]
		if key := int(binary.LittleEndian.Uint16(entry[10:])); key == size-nameAt && at >= from {
			ref := layout.Ref(binary.LittleEndian.Uint64(entry))
			if number, sequence := ref.Number(), ref.Sequence(); ref != 0 && number < 1<<32 && sequence != 0 {
				row.Record, row.Sequence = &number, &sequence
			}
		}
		if err := x.emit(row); err != nil {
			return err
		}
		at += (size + 7) &^ 7
	}
	return nil
}

const (
	nameAt    = 16 // of the name's value in an entry
	leastName = 66 // bytes of a value, without its characters
)

// likely reads what may be the value of a $FILE_NAME, and says whether it is one: all four
// times are of the age of NTFS, and name, namespace, sizes and attributes can be true.
func (x *index) likely(b []byte) (layout.FileName, bool) {
	if b[64] == 0 || b[65] > layout.Win32AndDOS {
		return layout.FileName{}, false
	}
	n, err := layout.ParseFileName(b)
	if err != nil || n.Parent.Number() == 0 || n.Parent.Number() >= 1<<32 || n.Parent.Sequence() == 0 {
		return n, false
	}
	if n.Size < 0 || n.Allocated < 0 || n.Size > 1<<50 || n.Allocated > 1<<50 || n.Attributes&0x0f000000 != 0 {
		return n, false
	}
	for _, t := range []time.Time{n.Created, n.Modified, n.Changed, n.Accessed} {
		if t.Year() < 1980 || t.Year() > 2107 {
			return n, false
		}
	}
	for i := leastName; i < leastName+2*int(b[64]); i += 2 {
		if c := binary.LittleEndian.Uint16(b[i:]); c < 0x20 || c == '/' || c == '\\' {
			return n, x.parent != 0 && n.Parent == x.parent && c != 0
		}
	}
	return n, true
}
