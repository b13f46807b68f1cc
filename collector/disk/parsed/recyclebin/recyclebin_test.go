package recyclebin

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"hozen/collector/disk/parsed"
	"hozen/collector/hosttest"
	"hozen/collector/utf16"
)

// read gives the rows of a file of the Recycle Bin, and its damage.
func read(t testing.TB, path string, b []byte) (out []Row, damage int, err error) {
	t.Helper()
	src := parsed.NewSource(t.Context(), parsed.File{Path: path}, bytes.NewReader(b), int64(len(b)))
	err = Format().Rows(t.Context(), src, func(row any) error { out = append(out, row.(Row)); return nil })
	damage, _ = src.Damage()
	return out, damage, err
}

func real(t testing.TB) []byte {
	b, err := os.ReadFile("testdata/II3DF3L.zip")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAgreement: what the project that published the file says of it.
func TestAgreement(t *testing.T) {
	rows, damage, err := read(t, "/$Recycle.Bin/S-1-5-21-1/$II3DF3L.zip", real(t))
	if err != nil || damage != 0 || len(rows) != 1 {
		t.Fatalf("%v %d %v", rows, damage, err)
	}
	want := time.Date(2012, 3, 12, 20, 49, 58, 633000000, time.UTC)
	if r := rows[0]; r.Name != `C:\Users\nfury\Documents\Alloy Research\StarFury.zip` || r.Size != 724919 || !r.Deleted.Equal(want) || r.Contents != "$RI3DF3L.zip" {
		t.Errorf("%+v", r)
	}
	t.Log("recyclebin: 1 of 1 files, 4 of 4 facts")
}

func version2(name string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, 2)
	b = binary.LittleEndian.AppendUint64(b, 12345)
	b = binary.LittleEndian.AppendUint64(b, 130974532247973289)
	text, err := utf16.Bytes(name + "\x00")
	if err != nil {
		panic(err)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)/2))
	return append(b, text...)
}

func TestVersion2(t *testing.T) {
	for _, name := range []string{`C:\機密\顧客 一覧.xlsx`, "C:\\\xed\xa0\x80x", `C:\` + strings.Repeat("a", 30000)} {
		rows, damage, err := read(t, "/$Recycle.Bin/S-1/$IABCDEF.xlsx", version2(name))
		if err != nil || damage != 0 || len(rows) != 1 || string(rows[0].Name) != name || rows[0].Contents != "$RABCDEF.xlsx" {
			t.Errorf("%.40q: %.80v %d %v", name, rows, damage, err)
		}
	}
}

func TestDamaged(t *testing.T) {
	whole := version2(`C:\a.txt`)
	rows, damage, err := read(t, "/$Recycle.Bin/S-1/$IABCDEF", whole[:len(whole)-8])
	if err != nil || damage != 1 || len(rows) != 1 || !strings.HasPrefix(string(rows[0].Name), `C:\a`) {
		t.Errorf("cut: %v %d %v", rows, damage, err)
	}
	for what, b := range map[string][]byte{"empty": nil, "short": whole[:20], "version 9": append([]byte{9}, whole[1:]...)} {
		if rows, _, err := read(t, "/$Recycle.Bin/S-1/$IABCDEF", b); err == nil || len(rows) > 0 {
			t.Errorf("%s: %v %v", what, rows, err)
		}
	}
}

func TestInfo2(t *testing.T) {
	entry := make([]byte, 800)
	copy(entry, "C:\\\x93\xfa\x96\x7b.txt") // cp932
	binary.LittleEndian.PutUint32(entry[260:], 7)
	entry[264] = 2
	binary.LittleEndian.PutUint64(entry[268:], 130974532247973289)
	binary.LittleEndian.PutUint32(entry[276:], 4096)
	long, _ := utf16.Bytes(`C:\日本.txt`)
	copy(entry[280:], long)
	head := make([]byte, 20)
	head[0] = 5
	binary.LittleEndian.PutUint32(head[12:], 800)
	gone := bytes.Clone(entry)
	gone[0] = 0
	list := append(append(append(head, entry...), gone...), 1, 2, 3)
	rows, damage, err := read(t, "/RECYCLER/S-1/INFO2", list)
	if err != nil || damage != 1 || len(rows) != 2 {
		t.Fatalf("%v %d %v", rows, damage, err)
	}
	if r := rows[0]; r.Name != `C:\日本.txt` || r.Contents != "Dc7.txt" || r.Size != 4096 || r.Deleted == nil || r.Emptied || r.ShortName != "C:\\\x93\xfa\x96\x7b.txt" {
		t.Errorf("%+v", r)
	}
	if !rows[1].Emptied {
		t.Errorf("%+v", rows[1])
	}
}

func TestTakes(t *testing.T) {
	for path, want := range map[string]bool{
		"/$Recycle.Bin/S-1-5-21-1/$IABCDEF.txt": true, "/C:/$RECYCLE.BIN/S-1/$iabc": true, "/RECYCLER/S-1/INFO2": true,
		"/$Recycle.Bin/S-1/$RABCDEF.txt": false, "/Users/$I30": false, "/Users/a/$IABC.txt": false, "/$Recycle.Bin/$I30": false,
	} {
		if got := Format().Takes(&parsed.File{Path: path}); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Documented(t, string(b), Row{})
}

func FuzzRecycleBin(f *testing.F) {
	f.Add(real(f), false)
	f.Add(version2(`C:\a.txt`), false)
	f.Add(append(append([]byte{5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 3, 0, 0}, 0, 0, 0, 0), make([]byte, 801)...), true)
	f.Fuzz(func(t *testing.T, b []byte, info2 bool) {
		path := "/$Recycle.Bin/S-1/$IABCDEF"
		if info2 {
			path = "/RECYCLER/S-1/INFO2"
		}
		if rows, _, _ := read(t, path, b); len(rows) > len(b)/280+1 {
			t.Errorf("%d rows of %d bytes", len(rows), len(b))
		}
	})
}
