package hive

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"hozen/collector/disk/parsed"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/registry/hivetest"
)

// real gives one of the hives that the reader of hives is tested with.
func real(t testing.TB, names ...string) (out []byte) {
	t.Helper()
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("../../../registry/hive/testdata", name+".zst"))
		if err != nil {
			t.Fatal(err)
		}
		if out, err = d.DecodeAll(b, out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// table is the rows of one file, by their kind, read back from JSON.
type table struct {
	head   HeadRow
	keys   []KeyRow
	damage []DamageRow
	live   int // keys that are not deleted
	values int // of these
}

func read(t testing.TB, path string, b []byte) (out table, src *parsed.Source, err error) {
	t.Helper()
	src = parsed.NewSource(t.Context(), parsed.File{Path: path}, bytes.NewReader(b), int64(len(b)))
	err = Format().Rows(t.Context(), src, func(row any) error {
		line, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		into := func(v any) {
			if err := json.Unmarshal(line, v); err != nil {
				t.Fatal(err)
			}
		}
		switch row := row.(type) {
		case HeadRow:
			into(&out.head)
		case KeyRow:
			var k KeyRow
			into(&k)
			out.keys = append(out.keys, k)
			if !k.Deleted {
				out.live++
				out.values += len(k.Values)
			}
		case DamageRow:
			out.damage = append(out.damage, row)
		}
		return nil
	})
	return out, src, err
}

func (r *table) key(t testing.TB, path string) KeyRow {
	t.Helper()
	i := slices.IndexFunc(r.keys, func(k KeyRow) bool { return string(k.Key) == path && !k.Deleted })
	if i < 0 {
		t.Fatalf("no row of %q", path)
	}
	return r.keys[i]
}

// TestAgreement: rows have every key and value that libregf counts, and the facts that
// plaso's own tests hold.
func TestAgreement(t *testing.T) {
	for _, c := range []struct {
		path         string
		parts        []string
		keys, values int
	}{
		{"/C:/Windows/AppCompat/Programs/Amcache.hve", []string{"amcache/win10-Amcache.hve"}, 207, 4188},
		{"/Users/a/NTUSER.DAT", []string{"hives/NTUSER.DAT"}, 1127, 5602},
		{"/Windows/System32/config/SAM", []string{"hives/SAM"}, 68, 73},
		{"/a/amcache.hve", []string{"regipy/amcache.hve.1", "regipy/amcache.hve.2"}, 2105, 17539},
	} {
		b := real(t, c.parts...)
		got, src, err := read(t, c.path, b)
		n, first := src.Damage()
		if err != nil || n != 0 || got.live != c.keys || got.values != c.values {
			t.Errorf("%s: %d keys, %d values, damage %q, %v; want %d, %d", c.path, got.live, got.values, first, err, c.keys, c.values)
		}
		t.Logf("%s: %d keys, %d values, %d deleted keys", c.parts[0], got.live, got.values, len(got.keys)-got.live)
		if c.keys != 207 {
			continue
		}
		i := slices.IndexFunc(got.keys, func(k KeyRow) bool {
			return slices.ContainsFunc(k.Values, func(v ValueRow) bool {
				return v.Name == "FileId" && v.Text != nil && *v.Text == "000075c5a97f521f760e32a4a9639a653eed862e9c61"
			})
		})
		if i < 0 || got.keys[i].Written.Format("2006-01-02T15:04:05.0000000") != "2019-12-17T05:30:28.2416496" {
			t.Errorf("the program that plaso's test names is not there, or its time is another")
		}
	}
}

func TestValues(t *testing.T) {
	root := &hivetest.Key{Name: "ROOT", Written: 132726537727906426}
	root.At("hidden\x00key", "\xed\xa0\x80").Values = []hivetest.Value{
		hivetest.SZ("", "plain"), hivetest.MultiSZ("list", "a", "b"), hivetest.DWORD("number", 7),
		{Name: "short", Type: 4, Data: []byte{1, 2, 3}}, {Name: "tail", Type: 1, Data: []byte("a\x00\x00\x00b\x00")},
		{Name: "long", Type: 3, Data: bytes.Repeat([]byte{9}, 40000)}, hivetest.SZ("long text", strings.Repeat("保", 9000)),
		{Name: "odd type", Type: 0xffff0012, Data: []byte{1}}, {Name: "empty", Type: 1}, {Name: "nul\x00name", Type: 11, Data: make([]byte, 8)},
	}
	got, src, err := read(t, "/a.hve", hivetest.Build(root))
	if n, first := src.Damage(); err != nil || n != 0 || len(got.keys) != 3 {
		t.Fatalf("%d keys, %q, %v", len(got.keys), first, err)
	}
	k := got.key(t, "hidden\x00key\\\xed\xa0\x80")
	if k.Written == nil || k.Written.Format("2006-01-02") != "2021-08-05" || len(k.Values) != 10 {
		t.Fatalf("%+v", k)
	}
	v := k.Values
	for i, ok := range []bool{
		*v[0].Text == "plain" && v[0].Type == "REG_SZ" && v[0].Data == nil, slices.Equal(v[1].Texts, []jsonl.Text{"a", "b"}), *v[2].Number == 7,
		v[3].Number == nil && v[3].Odd != "" && len(v[3].Data) == 3, *v[4].Text == "a" && v[4].Odd != "" && len(v[4].Data) == 6,
		v[5].Cut && len(v[5].Data) == 1024 && v[5].Size == 40000 && len(v[5].SHA256) == 64,
		v[6].Cut && string(*v[6].Text) == strings.Repeat("保", 4096), v[7].Type == "0xffff0012", *v[8].Text == "" && v[8].Odd == "", v[9].Name == "nul\x00name" && *v[9].Number == 0,
	} {
		if !ok {
			t.Errorf("value %d: %+v", i, v[i])
		}
	}
}

func TestDeleted(t *testing.T) {
	root := &hivetest.Key{Name: "ROOT", Written: 132726537727906426}
	root.At("above", "gone").Values = []hivetest.Value{hivetest.SZ("who", "somebody")}
	root.At("stays")
	b := hivetest.Build(root)
	// What Windows does to delete a key: its cell is free, and its parent has one less.
	free := func(name string, back int) {
		at := bytes.Index(b, []byte(name)) - back
		size := int32(b[at]) | int32(b[at+1])<<8 | int32(b[at+2])<<16 | int32(b[at+3])<<24
		size = -size
		b[at], b[at+1], b[at+2], b[at+3] = byte(size), byte(size>>8), byte(size>>16), byte(size>>24)
	}
	free("gone", 80)
	free("who", 24)
	above := bytes.Index(b, []byte("above")) - 76
	b[above+20] = 0
	got, src, err := read(t, "/a.hve", b)
	if n, first := src.Damage(); err != nil || n != 0 || got.live != 3 || len(got.keys) != 4 {
		t.Fatalf("%d keys, %q, %v", len(got.keys), first, err)
	}
	k := got.keys[3]
	if !k.Deleted || k.Detached || k.Key != `above\gone` || len(k.Values) != 1 || *k.Values[0].Text != "somebody" {
		t.Errorf("%+v", k)
	}
}

func TestDamagedHive(t *testing.T) {
	b := bytes.Clone(real(t, "hives/NTUSER.DAT"))
	copy(b[60000:], bytes.Repeat([]byte{0xff}, 3000))
	got, src, err := read(t, "/NTUSER.DAT", b)
	if n, _ := src.Damage(); err != nil || n == 0 || len(got.damage) == 0 || got.live < 500 {
		t.Errorf("%d keys, %d damages, %v", got.live, n, err)
	}
	for what, b := range map[string][]byte{"empty": nil, "text": []byte("no hive"), "zeros": make([]byte, 9000)} {
		if got, _, err := read(t, "/NTUSER.DAT", b); err == nil || len(got.keys) > 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestEnds(t *testing.T) {
	b := real(t, "hives/BCD")
	ctx, stop := context.WithCancel(t.Context())
	src := parsed.NewSource(ctx, parsed.File{Path: "/BCD"}, bytes.NewReader(b), int64(len(b)))
	n := 0
	err := Format().Rows(ctx, src, func(any) error {
		if n++; n == 5 {
			stop()
		}
		return nil
	})
	if err == nil || n != 5 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestTakes(t *testing.T) {
	for path, want := range map[string]bool{
		"/C:/Windows/System32/config/SYSTEM": true, "/WINDOWS/system32/config/software": true, "/Windows/System32/config/RegBack/SAM": true,
		"/Users/a/ntuser.dat": true, "/Users/a/AppData/Local/Microsoft/Windows/UsrClass.dat": true, "/Boot/BCD": true, "/EFI/Microsoft/Boot/BCD": true,
		"/Windows/AppCompat/Programs/Amcache.hve": true, "/Users/a/NTUSER.DAT.LOG1": false, "/Windows/System32/config/COMPONENTS": false,
		"/Users/a/SYSTEM": false, "/x/BCD": false, "/Windows/System32/config/SYSTEM.LOG": false,
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
	hosttest.Documented(t, string(b), HeadRow{}, LogRow{}, KeyRow{}, ValueRow{}, DamageRow{})
}

func FuzzRows(f *testing.F) {
	f.Add(real(f, "hives/issue22.hive"))
	f.Add(real(f, "hives/UNICODE_TESTS"))
	root := &hivetest.Key{Name: "ROOT"}
	root.At("a", "b").Values = []hivetest.Value{hivetest.SZ("x", "y"), hivetest.MultiSZ("l", "m")}
	f.Add(hivetest.Build(root))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _, _ := read(t, "/a.hve", b)
		if got.live > len(b)/80+2 || len(got.keys) > len(b)/4 {
			t.Errorf("%d keys of %d bytes", len(got.keys), len(b))
		}
	})
}
