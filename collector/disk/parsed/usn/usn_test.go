package usn

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"hozen/collector/disk/parsed"
	"hozen/collector/disk/parsed/mft"
	"hozen/collector/disk/parsed/parsedtest"
	"hozen/collector/hosttest"
	"hozen/collector/utf16"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSchema(t *testing.T) {
	hosttest.Documented(t, string(read(t, "../SCHEMA.md")), Row{}, Extent{})
}

// The published facts of these files: plaso's test of UsnJrnl.raw, and the record that
// EricZimmerman's MFT reads.
func TestPublished(t *testing.T) {
	rows, src, err := parsedtest.Rows[Row](t, Format(nil), "/$Extend/$UsnJrnl:$J", read(t, "UsnJrnl.raw"))
	if n, first := src.Damage(); err != nil || n > 0 || len(rows) != 19 {
		t.Fatalf("%v, %v, %d rows", err, first, len(rows))
	}
	r := rows[0]
	if r.Name != "Nieuw - Tekstdocument.txt" || r.Record != 30 || r.Sequence != 1 || r.ParentRecord != 5 || r.ParentSequence != 5 ||
		r.Time != "2015-11-30T21:15:27.203125000Z" || !slices.Equal(r.Reasons, []string{"FILE_CREATE"}) || r.USN != 0 {
		t.Errorf("%+v", r)
	}
	for _, r := range rows {
		if int64(r.USN) != r.Offset || r.Version != "2.0" {
			t.Errorf("%+v", r)
		}
	}
	rows, _, err = parsedtest.Rows[Row](t, Format(nil), "/$J", read(t, "record.usn"))
	if err != nil || len(rows) != 1 || rows[0].Name != "BTDevManager.log" || rows[0].USN != 20342374400 || rows[0].Record != 115 || rows[0].Sequence != 37224 {
		t.Errorf("%v, %+v", err, rows)
	}
}

// record makes one of version 3 or 4 as winioctl.h lays it out.
func record(major uint16, file, parent [2]uint64, usn uint64, name string, extents ...uint64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0)
	b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, major), 0)
	for _, v := range []uint64{file[0], file[1], parent[0], parent[1], usn} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	if major == 4 {
		b = binary.LittleEndian.AppendUint32(b, 0x80000001)
		b = binary.LittleEndian.AppendUint32(b, 4)
		b = binary.LittleEndian.AppendUint32(b, 7)
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, uint16(len(extents)/2)), 16)
		for _, e := range extents {
			b = binary.LittleEndian.AppendUint64(b, e)
		}
	} else {
		b = binary.LittleEndian.AppendUint64(b, 130305261097363787)
		for _, v := range []uint32{0x80000200 | 1<<30, 1 << 5, 99, 0x20} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		text, _ := utf16.Bytes(name)
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, uint16(len(text))), uint16(len(b)+4))
		b = append(b, text...)
	}
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	return b
}

func TestOtherVersions(t *testing.T) {
	b := record(3, [2]uint64{30 | 1<<48, 0}, [2]uint64{5 | 5<<48, 0}, 0, "lone \xed\xa0\x80")
	b = append(b, record(3, [2]uint64{7, 9}, [2]uint64{8, 9}, 96, "refs")...)
	b = append(b, record(4, [2]uint64{30 | 1<<48, 0}, [2]uint64{5 | 5<<48, 0}, 200, "", 0, 4096, 1<<40, 8192)...)
	rows, src, err := parsedtest.Rows[Row](t, Format(nil), "/$Extend/$UsnJrnl:$J", b)
	if n, first := src.Damage(); err != nil || n > 0 || len(rows) != 3 {
		t.Fatalf("%v, %v, %d rows", err, first, len(rows))
	}
	if r := rows[0]; r.Name != "lone \xed\xa0\x80" || r.Record != 30 || r.ParentRecord != 5 || r.FileID != "" || r.SecurityID != 99 ||
		!slices.Equal(r.Reasons, []string{"FILE_DELETE", "CLOSE", "0x40000000"}) || !slices.Equal(r.Sources, []string{"0x20"}) {
		t.Errorf("%+v", r)
	}
	if r := rows[1]; r.FileID != "00000000000000090000000000000007" || r.ParentFileID != "00000000000000090000000000000008" || r.Record != 0 {
		t.Errorf("%+v", r)
	}
	if r := rows[2]; r.Version != "4.0" || r.Remaining != 7 || len(r.Extents) != 2 || r.Extents[1] != (Extent{1 << 40, 8192}) ||
		!slices.Equal(r.Reasons, []string{"DATA_OVERWRITE", "CLOSE"}) || !slices.Equal(r.Sources, []string{"REPLICATION_MANAGEMENT"}) {
		t.Errorf("%+v", r)
	}
}

// The paths of a volume whose $MFT was read before.
func TestPathsOfTheVolume(t *testing.T) {
	var paths mft.Volumes
	table := hosttest.Unzip(t, "../mft/testdata/vsstest.MFT.gz")
	if _, _, err := parsedtest.Rows[mft.Row](t, mft.Format(&paths), "/C:/$MFT", table); err != nil {
		t.Fatal(err)
	}
	b := record(3, [2]uint64{50 | 1<<48, 0}, [2]uint64{27 | 1<<48, 0}, 0, "new")
	for path, want := range map[string]string{"/C:/$Extend/$UsnJrnl:$J": `\$Extend\$RmMetadata\new`, "/D:/$Extend/$UsnJrnl:$J": ""} {
		rows, _, err := parsedtest.Rows[Row](t, Format(&paths), path, b)
		if err != nil || len(rows) != 1 || string(rows[0].FullPath) != want {
			t.Errorf("%s: %v, %+v", path, err, rows)
		}
	}
}

// sparse is a file with a hole of a terabyte, then data.
type sparse struct {
	b  []byte
	at int64
}

func (s sparse) NextData(off int64) (from, to int64, err error) {
	if off < s.at {
		off = s.at
	}
	return off, s.at + int64(len(s.b)), nil
}

func (s sparse) ReadAt(b []byte, off int64) (int, error) {
	if off < s.at {
		return 0, errors.New("the hole was read")
	}
	return bytes.NewReader(s.b).ReadAt(b, off-s.at)
}

func TestHole(t *testing.T) {
	const hole = 1 << 40
	s := sparse{append(make([]byte, 2*page), read(t, "UsnJrnl.raw")...), hole}
	src := parsed.NewSource(context.Background(), parsed.File{Path: "/$J"}, s, hole+int64(len(s.b)))
	n, last := 0, Row{}
	err := Format(nil).Rows(context.Background(), src, func(row any) error {
		n, last = n+1, *row.(*Row)
		return nil
	})
	if err != nil || n != 19 || last.Offset != hole+2*page+1664 {
		t.Errorf("%v, %d rows, the last at %d", err, n, last.Offset)
	}
}

// Records that are damaged cost themselves; those that lie across the ends of reads do not.
func TestDamageAndSize(t *testing.T) {
	one := read(t, "UsnJrnl.raw")
	var b []byte
	for len(b) < 3*chunk {
		b = append(b, one...)
	}
	rows, src, err := parsedtest.Rows[Row](t, Format(nil), "/$J", b)
	if n, first := src.Damage(); err != nil || n > 0 || len(rows) != 19*len(b)/len(one) {
		t.Fatalf("%v, %v, %d rows", err, first, len(rows))
	}
	binary.LittleEndian.PutUint32(b[112:], 1<<31) // the second record's length
	binary.LittleEndian.PutUint16(b[224+58:], 5000)
	rows, src, err = parsedtest.Rows[Row](t, Format(nil), "/$J", b)
	if n, _ := src.Damage(); err != nil || n != 1 || len(rows) != 19*len(b)/len(one)-2 {
		t.Errorf("%v, %d places, %d rows", err, n, len(rows))
	}
	rows, src, err = parsedtest.Rows[Row](t, Format(nil), "/$J", one[:len(one)-8])
	if n, first := src.Damage(); err != nil || n != 1 || len(rows) != 18 || !strings.Contains(first[0], "64 bytes, of which 56") {
		t.Errorf("cut: %v, %v, %d rows", err, first, len(rows))
	}
	broken := parsed.NewSource(context.Background(), parsed.File{Path: "/$J"}, failing{}, 1<<20)
	if err := Format(nil).Rows(context.Background(), broken, func(any) error { return nil }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a read that fails: %v", err)
	}
}

type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func FuzzRows(f *testing.F) {
	f.Add(read(f, "UsnJrnl.raw"))
	f.Add(read(f, "record.usn"))
	f.Add(record(3, [2]uint64{7, 9}, [2]uint64{8, 9}, 96, "refs"))
	f.Add(record(4, [2]uint64{30, 0}, [2]uint64{5, 0}, 200, "", 0, 4096))
	f.Fuzz(func(t *testing.T, b []byte) { parsedtest.Hostile(t, Format(nil), "/$J", b) })
}
