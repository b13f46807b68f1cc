package mft

import (
	"encoding/binary"
	"strings"
	"testing"

	"hozen/collector/disk/image/ntfs/layout"
)

// TestManyNames has more names and streams than a row can have: the row says so.
func TestManyNames(t *testing.T) {
	name := make([]byte, 66+2*200)
	binary.LittleEndian.PutUint64(name, 7|1<<48)
	name[64] = 200
	for i := range 200 {
		name[66+2*i] = 'n'
	}
	paths := newPaths()
	for n := uint64(7); n < 100; n++ {
		paths.dirs[n] = &dir{name: strings.Repeat("d", 255), parent: layout.Ref(n + 1 | 1<<48), sequence: 1, inUse: true}
	}
	r := &layout.Record{}
	for range 2 * maxNames {
		r.Attributes = append(r.Attributes, layout.Attribute{Kind: layout.TypeFileName, Resident: true, Value: name})
	}
	row := &Row{}
	(&table{paths: paths}).fill(row, r)
	row.finish()
	if row.text > 2*maxNameText || len(row.Names) == 0 || len(row.Damage) != 1 {
		t.Errorf("%d names with %d bytes of paths, %q", len(row.Names), row.text, row.Damage)
	}
	row = &Row{}
	for range maxStreams + 1 {
		row.data(layout.Attribute{Name: "s", Resident: true})
	}
	if row.finish(); len(row.Streams) != maxStreams || len(row.Damage) != 1 {
		t.Errorf("%d streams, %q", len(row.Streams), row.Damage)
	}
}
