package vss

import (
	"encoding/binary"
	"strings"
	"testing"
)

// TestManyCopies has a catalog that is as long as it may be, and names another copy in
// each entry.
func TestManyCopies(t *testing.T) {
	p := testVolume(t)
	h, _, _, err := List(p, volumeBytes)
	if err != nil {
		t.Fatal(err)
	}
	catalog := make([]byte, maxBlocks*blockBytes)
	le := binary.LittleEndian
	for i := range maxBlocks {
		b := catalog[i*blockBytes:][:blockBytes]
		copy(b, magic)
		le.PutUint32(b[16:], 1)
		le.PutUint32(b[20:], recordCatalog)
		if i+1 < maxBlocks {
			le.PutUint64(b[40:], uint64(h.Catalog)+uint64((i+1)*blockBytes))
		}
		for e := entryBytes; e < blockBytes; e += entryBytes {
			le.PutUint64(b[e:], entryStore)
			le.PutUint32(b[e+16:], uint32(i*blockBytes+e))
			le.PutUint64(b[e+32:], 1)
		}
	}
	p[h.Catalog] = catalog
	p = pieces{headerAt: p[headerAt], h.Catalog: catalog}
	_, copies, _, err := List(p, volumeBytes)
	if len(copies) != maxCopies || err == nil || len(err.Error()) > 8<<10 || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%d copies, %.300v", len(copies), err)
	}
}
