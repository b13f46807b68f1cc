package mft

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hozen/collector/disk/image/ntfs"
	"hozen/collector/disk/image/ntfs/layout"
	"hozen/collector/disk/parsed/parsedtest"
	"hozen/collector/hosttest"
)

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Documented(t, string(b), Row{}, NameRow{}, Stream{}, Reference{})
}

// mftOf reads $MFT out of an image.
func mftOf(t testing.TB, image string) []byte {
	t.Helper()
	v, err := ntfs.Open(bytes.NewReader(hosttest.Unzip(t, image)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Open("/$MFT")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The Sleuth Kit (fls -r -p -m /) is the judge of every file and stream of a volume, of
// its size, and of the four times of $STANDARD_INFORMATION and of $FILE_NAME.
func TestAgreesWithSleuthKit(t *testing.T) {
	for name, b := range map[string][]byte{
		"vsstest":      hosttest.Unzip(t, "testdata/vsstest.MFT.gz"),
		"test.ntfs.dd": mftOf(t, "../../image/ntfs/testdata/test.ntfs.dd.gz"),
	} {
		rows, src, err := parsedtest.Rows[Row](t, Format(nil), "/$MFT", b)
		if n, first := src.Damage(); err != nil || n > 0 {
			t.Errorf("%s: %v, damage %v", name, err, first)
		}
		byNumber := map[uint64]Row{}
		for _, r := range rows {
			byNumber[r.Record] = r
		}
		body, err := os.ReadFile("testdata/" + name + ".body")
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		for line := range strings.Lines(string(body)) {
			f := strings.Split(strings.TrimSpace(line), "|")
			addr := strings.Split(f[2], "-")
			number, _ := strconv.ParseUint(addr[0], 10, 64)
			if len(addr) < 3 || strings.HasPrefix(f[1], "/$OrphanFiles") || strings.Contains(f[1], "(deleted") {
				continue
			}
			r, ok := byNumber[number]
			if !ok {
				t.Errorf("%s: no row for %s", name, line)
				continue
			}
			compared++
			judge(t, name, r, f, addr[1])
		}
		t.Logf("%s: %d lines of the judge agree", name, compared)
		if compared < 40 {
			t.Errorf("%s: only %d lines were compared", name, compared)
		}
	}
}

func judge(t *testing.T, image string, r Row, f []string, kind string) {
	t.Helper()
	path, isName := strings.CutSuffix(f[1], " ($FILE_NAME)")
	path, stream, isStream := strings.Cut(path, ":")
	path = strings.ReplaceAll(path, "/", `\`)
	times := r.Stamps
	size := r.Size
	if isName {
		i := slices.IndexFunc(r.Names, func(n NameRow) bool { return string(n.FullPath) == path })
		if i < 0 {
			t.Errorf("%s: %s: not among the names %v", image, path, r.Names)
			return
		}
		times = r.Names[i].Stamps
	}
	if string(r.FullPath) != path && !slices.ContainsFunc(r.Names, func(n NameRow) bool { return string(n.FullPath) == path }) {
		t.Errorf("%s: record %d is %q, want %q", image, r.Record, r.FullPath, path)
	}
	got := fmt.Sprint(seconds(times.Accessed), seconds(times.Modified), seconds(times.Changed), seconds(times.Created))
	if want := strings.Join(f[7:11], " "); got != want {
		t.Errorf("%s: %s: times %s, want %s", image, f[1], got, want)
	}
	if kind != "128" { // $DATA
		return
	}
	if isStream {
		i := slices.IndexFunc(r.Streams, func(s Stream) bool { return string(s.Name) == stream })
		if i < 0 {
			t.Errorf("%s: %s: not among the streams", image, f[1])
			return
		}
		size = r.Streams[i].Size
	}
	if want, _ := strconv.ParseInt(f[6], 10, 64); size != want {
		t.Errorf("%s: %s: %d bytes, want %d", image, f[1], size, want)
	}
}

func seconds(stamp string) int64 {
	v, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return 0
	}
	return v.Unix()
}

func TestNIST(t *testing.T) {
	rows, src, err := parsedtest.Rows[Row](t, Format(nil), "/$MFT", hosttest.Unzip(t, "testdata/NIST-DFR-16.MFT.gz"))
	if n, first := src.Damage(); err != nil || n > 0 {
		t.Errorf("%v, %v", err, first)
	}
	deepest, files := "", 0
	for _, r := range rows {
		if !r.InUse {
			t.Errorf("record %d is not in use", r.Record)
		}
		if strings.Count(string(r.FullPath), `\`) > strings.Count(deepest, `\`) {
			deepest = string(r.FullPath)
		}
		if strings.HasSuffix(string(r.FullPath), ".TXT") {
			files++
			if r.Size != 4096 || !slices.Equal(r.Earlier, []string{"modified", "accessed"}) && len(r.Earlier) > 0 {
				t.Errorf("%+v", r)
			}
		}
	}
	if len(rows) != 117 || files != 45 || deepest != `\Y09\Y09L01\Y09L02\Y09L03\Y09L04\Y09L05\Y09L06\Y09L07\Y09L08\Y09F09.TXT` {
		t.Errorf("%d rows, %d files, deepest %s", len(rows), files, deepest)
	}
}

// Records that others published because they are hard to read, one file each.
func TestEntries(t *testing.T) {
	for name, want := range map[string]func(Row) bool{
		"entry_102130_fixup_issue": func(r Row) bool {
			return len(r.Damage) == 1 && strings.Contains(r.Damage[0], "sector 1") && len(r.Names) == 2 && r.FullPath == `?\Application Data` &&
				r.ReparseName == "MOUNT_POINT" && r.Directory && *r.OwnRecord == 102130
		},
		"entry_data_run_at_offset": func(r Row) bool {
			return r.Base.Record == 57676 && r.Streams[0].Name == "$J" && r.Streams[0].Size == 2152925272 && r.Streams[0].Sparse
		},
		"entry_long_name_and_res_ads_002": func(r Row) bool {
			return r.Resident && r.Size == 24 && r.Streams[0].Name == "res.ads" && r.Streams[0].Resident && r.Streams[0].Size == 37
		},
		"entry_multiple_index_root_entries": func(r Row) bool { return r.Directory && r.Names[0].Name == "test" && len(r.Damage) == 0 },
		"entry_single_file": func(r Row) bool {
			return r.Size == 8072 && r.Allocated == 8192 && len(r.Names) == 2 && slices.Equal(r.Earlier, []string{"created", "modified"}) && len(r.Whole) == 4
		},
		"entry_super_long_name_001": func(r Row) bool { return len(r.Names[0].Name) > 200 && r.Size == 31 },
	} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		rows, _, err := parsedtest.Rows[Row](t, Format(nil), "/$MFT", b)
		if err != nil || len(rows) != 1 || !want(rows[0]) {
			t.Errorf("%s: %v, %+v", name, err, rows)
		}
	}
}

// What is damaged in one place costs what is there.
func TestDamage(t *testing.T) {
	b := hosttest.Unzip(t, "testdata/vsstest.MFT.gz")
	whole, _, _ := parsedtest.Rows[Row](t, Format(nil), "/$MFT", b)
	copy(b[35*1024:], "XXXX")                // not a record
	copy(b[39*1024:], "BAAD")                // what chkdsk makes of a torn one
	b[41*1024+510] ^= 0xff                   // torn
	copy(b[36*1024+60:], "\xff\xff\xff\x7f") // an attribute without an end
	b = append(b[:len(b)-1024], b[:300]...)  // cut
	rows, src, err := parsedtest.Rows[Row](t, Format(nil), "/$MFT", b)
	n, _ := src.Damage()
	if err != nil || len(rows) != len(whole) || n != 5 {
		_, first := src.Damage()
		t.Errorf("%v, %d rows of %d, %d places: %q", err, len(rows), len(whole), n, first)
	}
	for _, r := range rows {
		if bad := r.Record == 35 || r.Record == 39 || r.Record == 41 || r.Record == 36; bad != (len(r.Damage) > 0) {
			t.Errorf("record %d: %v", r.Record, r.Damage)
		}
		if r.Record == 39 && (r.FullPath != `\another_file` || r.Size != 22) {
			t.Errorf("what a torn record still says: %+v", r)
		}
	}
	if _, _, err := parsedtest.Rows[Row](t, Format(nil), "/$MFT", []byte("no table at all")); err == nil {
		t.Error("text is an MFT")
	}
}

func TestPaths(t *testing.T) {
	p := newPaths()
	ref := func(number uint64, sequence uint16) layout.Ref { return layout.Ref(number | uint64(sequence)<<48) }
	add := func(number uint64, sequence uint16, flags uint16, name string, space uint8, parent layout.Ref) {
		r := &layout.Record{Number: number, Sequence: sequence, Flags: flags}
		p.add(number, r, layout.FileName{Name: name, Space: space, Parent: parent})
		p.use(number, r)
	}
	add(40, 1, layout.InUse|layout.IsDir, "Users", layout.Win32AndDOS, ref(5, 5))
	add(41, 3, layout.InUse|layout.IsDir, "me", layout.Posix, ref(40, 1))
	add(42, 2, layout.IsDir, "gone", layout.Win32, ref(41, 3)) // deleted: its count went from 1 to 2
	add(43, 1, layout.InUse|layout.IsDir, "a", 1, ref(44, 1))  // a cycle
	add(44, 1, layout.InUse|layout.IsDir, "b", 1, ref(43, 1))
	for _, c := range []struct {
		parent layout.Ref
		want   string
	}{
		{ref(5, 5), `\x`}, {ref(41, 3), `\Users\me\x`}, {ref(42, 1), `\Users\me\gone\x`}, {ref(42, 2), `\Users\me\gone\x`},
		{ref(41, 2), `?\x`}, {ref(99, 1), `?\x`},
	} {
		if got := p.Path(c.parent, "x"); got != c.want {
			t.Errorf("%#x: %s, want %s", uint64(c.parent), got, c.want)
		}
	}
	if got := p.Path(ref(43, 1), "x"); !strings.HasPrefix(got, `?\`) || len(got) > 4*maxDepth {
		t.Errorf("a cycle: %d bytes", len(got))
	}
	if got := (*Paths)(nil).Path(ref(40, 1), "x"); got != `?\x` {
		t.Errorf("without a table: %s", got)
	}
	var v Volumes
	v.set("/C:/$MFT", p)
	if v.Of("/C:") != p || v.Of("/D:") != nil || (*Volumes)(nil).Of("/") != nil {
		t.Error("volumes are mixed up")
	}
}

func FuzzRows(f *testing.F) {
	f.Add(hosttest.Unzip(f, "testdata/vsstest.MFT.gz")[24<<10 : 44<<10])
	names, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), "entry") {
			b, err := os.ReadFile("testdata/" + n.Name())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) { parsedtest.Hostile(t, Format(&Volumes{}), "/$MFT", b) })
}
