package mft

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"hozen/collector/disk/image/ntfs/layout"
	"hozen/collector/jsonl"
)

// Bounds of one row.
const (
	maxNames   = 1 << 12
	maxStreams = 1 << 12
	// maxNameText bounds the paths of one record: thousands of names in one deep directory
	// would be a row of a hundred megabytes.
	maxNameText = 4 << 20 // bytes
	maxContent  = 4 << 10
	maxDamage   = 16
)

// row makes the row of a record; nil if there is nothing to say: it was never used, or it
// is in the row of another.
func (t *table) row(number uint64, b []byte) *Row {
	if len(bytes.TrimLeft(b, "\x00")) == 0 {
		return nil
	}
	row := &Row{Record: number}
	magic := string(b[:4])
	if magic != layout.MagicFile && magic != layout.MagicBad {
		row.damaged(fmt.Errorf("not %q but %q", layout.MagicFile, magic))
		return row
	}
	if magic == layout.MagicBad {
		row.damaged(fmt.Errorf("marked as torn (%s)", magic))
	}
	own := bytes.Clone(b)
	row.damaged(layout.Restore(own, magic))
	r, err := layout.ParseRecord(number, own)
	row.damaged(err)
	if r == nil {
		return row
	}
	row.Sequence, row.InUse, row.Directory = r.Sequence, r.Flags&layout.InUse != 0, r.Flags&layout.IsDir != 0
	row.Links, row.LSN = r.Links, r.LSN
	if r.HasOwn && r.Own != uint32(number) {
		row.OwnRecord = &r.Own
	}
	if r.Base != 0 {
		if t.isPart(r) {
			return nil
		}
		row.Base = &Reference{r.Base.Number(), r.Base.Sequence()}
	}
	t.fill(row, r)
	if r.Base == 0 {
		for _, n := range t.extensions[number] {
			if more := t.extension(n, r); more != nil {
				row.Extensions = append(row.Extensions, n)
				t.fill(row, more)
			}
		}
	}
	if !row.InUse && len(r.Attributes) == 0 && row.Damage == nil {
		return nil // never used, or emptied
	}
	row.finish()
	return row
}

// isPart says whether a record will be in the row of the one that it belongs to.
func (t *table) isPart(r *layout.Record) bool {
	b := make([]byte, t.size)
	if !slices.Contains(t.extensions[r.Base.Number()], r.Number) || !t.read(r.Base.Number(), b) {
		return false
	}
	base, _ := layout.ParseRecord(r.Base.Number(), b)
	return base != nil && base.Base == 0 && t.belongs(r, base)
}

func (*table) belongs(r, base *layout.Record) bool {
	return r.Base.Number() == base.Number && r.Base.Sequence() == base.Sequence && r.Flags&layout.InUse == base.Flags&layout.InUse
}

// extension reads a record that belongs to another; nil if it does not any more.
func (t *table) extension(number uint64, base *layout.Record) *layout.Record {
	b := make([]byte, t.size)
	if !t.read(number, b) {
		return nil
	}
	r, _ := layout.ParseRecord(number, b) // it has been looked at: its damage is told
	if r == nil || !t.belongs(r, base) {
		return nil
	}
	return r
}

// read reads a record and puts back its update sequence.
func (t *table) read(number uint64, b []byte) bool {
	if number >= t.records {
		return false
	}
	n, _ := t.src.ReadAt(b, int64(number)*int64(t.size))
	if n < len(b) || string(b[:4]) != layout.MagicFile {
		return false
	}
	_ = layout.Restore(b, layout.MagicFile)
	return true
}

// fill puts what a record says into the row.
func (t *table) fill(row *Row, r *layout.Record) {
	for _, a := range r.Attributes {
		switch {
		case a.Kind == layout.TypeStandard && a.Resident:
			s, err := layout.ParseStandard(a.Value)
			if row.damaged(err); err == nil {
				row.Stamps, row.Attributes = StampsOf(s.Times), AttributeNames(s.Attributes)
				row.SecurityID, row.USN = s.SecurityID, s.USN
				row.Whole = wholeSeconds(s.Times)
			}
		case a.Kind == layout.TypeFileName && a.Resident && (len(row.Names) >= maxNames || row.text > maxNameText):
			row.more = true
		case a.Kind == layout.TypeFileName && a.Resident:
			name, err := layout.ParseFileName(a.Value)
			if row.damaged(err); err == nil {
				n := t.name(name)
				row.Names = append(row.Names, n)
				row.text += len(n.FullPath)
			}
		case a.Kind == layout.TypeData:
			row.data(a)
		case a.Kind == layout.TypeReparse && a.Resident && len(a.Value) >= 8:
			tag := binary.LittleEndian.Uint32(a.Value)
			row.Reparse, row.ReparseName = fmt.Sprintf("%#08x", tag), reparseName(tag)
		case a.Kind == layout.TypeObjectID && a.Resident && len(a.Value) >= 16:
			row.ObjectID = GUID(a.Value)
		}
	}
}

func (t *table) name(n layout.FileName) NameRow {
	row := NameRow{
		Name: jsonl.Text(n.Name), Namespace: Namespace(n.Space), FullPath: jsonl.Text(t.paths.Path(n.Parent, n.Name)),
		ParentRecord: n.Parent.Number(), ParentSequence: n.Parent.Sequence(), Stamps: StampsOf(n.Times),
		Size: n.Size, Allocated: n.Allocated, Attributes: AttributeNames(n.Attributes),
	}
	if n.Attributes&0x400 != 0 {
		row.Reparse = fmt.Sprintf("%#08x", n.Reparse)
	}
	return row
}

// data notes contents, or an alternate stream.
func (row *Row) data(a layout.Attribute) {
	flags := DataFlags{a.Flags&layout.Compressed != 0, a.Flags&layout.Encrypted != 0, a.Flags&layout.Sparse != 0}
	if a.First != 0 {
		return // sizes are those of the first part
	}
	if a.Name == "" {
		row.Size, row.Allocated, row.Resident = a.Actual, a.Allocated, a.Resident
		if flags != (DataFlags{}) {
			row.Data = &flags
		}
		return
	}
	if len(row.Streams) >= maxStreams {
		row.more = true
		return
	}
	s := Stream{Name: jsonl.Text(a.Name), Size: a.Actual, Allocated: a.Allocated, Resident: a.Resident, DataFlags: flags}
	if a.Resident && strings.EqualFold(a.Name, "Zone.Identifier") {
		s.Content = jsonl.Text(a.Value[:min(len(a.Value), maxContent)])
	}
	row.Streams = append(row.Streams, s)
}

// Not inlined, for the size of the program.
//
//go:noinline
func (row *Row) damaged(err error) {
	if err != nil && len(row.Damage) < maxDamage {
		row.Damage = append(row.Damage, err.Error())
	}
}

// finish adds what follows from the rest.
func (row *Row) finish() {
	if row.more {
		row.Damage = append(row.Damage, fmt.Sprintf("it has more than %d names or streams, or %d bytes of paths: those behind are left out", maxNames, maxNameText))
	}
	main := -1
	for i, n := range row.Names {
		if main < 0 || row.Names[main].Namespace == "dos" && n.Namespace != "dos" {
			main = i
		}
	}
	if main < 0 {
		return
	}
	n := row.Names[main]
	if row.FullPath = n.FullPath; row.Record == root && n.ParentRecord == root {
		row.FullPath = `\`
	}
	for _, c := range []struct{ word, si, fn string }{
		{"created", row.Created, n.Created}, {"modified", row.Modified, n.Modified},
		{"changed", row.Changed, n.Changed}, {"accessed", row.Accessed, n.Accessed},
	} {
		if c.si != "" && c.fn != "" && c.si < c.fn { // RFC 3339 with equal digits sorts as times do
			row.Earlier = append(row.Earlier, c.word)
		}
	}
}

// wholeSeconds names the times that have no part of a second: one in ten million of those
// that Windows sets, most of those that a tool does.
func wholeSeconds(t layout.Times) (out []string) {
	for _, c := range []struct {
		word string
		t    time.Time
	}{{"created", t.Created}, {"modified", t.Modified}, {"changed", t.Changed}, {"accessed", t.Accessed}} {
		if !c.t.IsZero() && c.t.Nanosecond() == 0 {
			out = append(out, c.word)
		}
	}
	return out
}

// GUID gives 16 bytes as Microsoft writes them: the first three numbers little-endian.
func GUID(b []byte) string {
	if len(b) < 16 {
		return ""
	}
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:16])
}
