package i30

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"hozen/collector/disk/image/ntfs"
	"hozen/collector/disk/parsed"
	"hozen/collector/disk/parsed/mft"
	"hozen/collector/disk/parsed/parsedtest"
	"hozen/collector/hosttest"
)

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Documented(t, string(b), Row{})
}

const name = "/Users/me/Test:$I30"

func rowsOf(t testing.TB, file string) []Row {
	t.Helper()
	rows, src, err := parsedtest.Rows[Row](t, Format(), name, hosttest.Unzip(t, "testdata/"+file+".gz"))
	if n, first := src.Damage(); err != nil || n > 0 {
		t.Fatalf("%s: %v, %v", file, err, first)
	}
	return rows
}

func names(rows []Row, slack bool) (out []string) {
	for _, r := range rows {
		if r.Slack == slack {
			out = append(out, string(r.Name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// One directory, three times: what is deleted leaves the index, and stays in its slack.
func TestDeletions(t *testing.T) {
	start, first, second := rowsOf(t, "I30-Start"), rowsOf(t, "I30-FirstDelete"), rowsOf(t, "I30-SecondDelete")
	for _, c := range []struct {
		name   string
		rows   []Row
		live   int
		traces []string
	}{
		{"start", start, 50, []string{"New Text Document - Copy (10).txt", "New Text Document - Copy (18).txt"}},
		{"first", first, 20, []string{"SomeFile2.txt", "SomeFile3.txt", "SomeFile9.txt", "Folder5", "SOMEFI~1.TXT"}},
		{"second", second, 10, []string{"SomeFile17.txt", "SomeFile18.txt", "SomeFile20.txt", "Folder2a"}},
	} {
		live, slack := names(c.rows, false), names(c.rows, true)
		t.Logf("%s: %d names in the index, %d in slack", c.name, len(live), len(slack))
		if len(live) != c.live {
			t.Errorf("%s: %d names: %q", c.name, len(live), live)
		}
		for _, n := range c.traces {
			if !slices.Contains(slack, n) {
				t.Errorf("%s: %s is not found in slack: %q", c.name, n, slack)
			}
		}
	}
	for _, r := range slices.Concat(start, first, second) {
		if r.ParentRecord != 118852 || r.Directory != "/Users/me/Test" || r.Created == "" || !r.Slack && r.Record == nil {
			t.Errorf("%+v", r)
		}
	}
	for _, n := range names(second, false) {
		if !slices.Contains(names(first, false), n) || !slices.Contains(names(start, false), n) {
			t.Errorf("%s came to be by deleting", n)
		}
	}
}

// The index of a directory of an image has the names that its file system lists.
func TestAgreesWithTheFileSystem(t *testing.T) {
	v, err := ntfs.Open(bytes.NewReader(hosttest.Unzip(t, "../../image/ntfs/testdata/test.ntfs.dd.gz")))
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Open("/.:$I30")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	rows, _, err := parsedtest.Rows[Row](t, Format(), "/.:$I30", b)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := v.Names("/")
	if err != nil {
		t.Fatal(err)
	}
	got := names(rows, false)
	for _, n := range listed {
		if !strings.Contains(n, ":") && !slices.Contains(got, n) {
			t.Errorf("%s is not in the index", n)
		}
	}
	table, err := v.Open("/$MFT")
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(table); err != nil {
		t.Fatal(err)
	}
	var byName = map[string]mft.NameRow{}
	files, _, _ := parsedtest.Rows[mft.Row](t, mft.Format(nil), "/$MFT", b)
	for _, f := range files {
		for _, n := range f.Names {
			if n.ParentRecord == 5 {
				byName[string(n.Name)] = n
			}
		}
	}
	for _, r := range rows {
		// What the file system keeps of its own files is not kept up in the index.
		if n, ok := byName[string(r.Name)]; !r.Slack && r.Name[0] != '$' && (!ok || n.Created != r.Created || n.Namespace != r.Namespace) {
			t.Errorf("%+v, in the MFT %+v", r, n)
		}
	}
}

func TestDamage(t *testing.T) {
	b := hosttest.Unzip(t, "testdata/I30-Start.gz")
	b[4096+510] ^= 1                 // torn
	copy(b[12288:], "XXXX")          // no block
	copy(b[16384+64+8:], "\xff\xff") // an entry that is too long
	rows, src, err := parsedtest.Rows[Row](t, Format(), name, b[:20000])
	if n, first := src.Damage(); err != nil || n != 4 {
		t.Errorf("%v, %d places: %q", err, n, first)
	}
	all := append(names(rows, false), names(rows, true)...)
	for _, n := range []string{"Folder1", "SomeFile1.txt", "SomeFile3.txt", "Folder5a"} {
		if !slices.Contains(all, n) {
			t.Errorf("%s is lost: %q", n, all)
		}
	}
	if _, _, err := parsedtest.Rows[Row](t, Format(), name, []byte(strings.Repeat("no index", 1000))); err == nil {
		t.Error("text is an index")
	}
	for path, want := range map[string]bool{"/a:$I30": true, "/a:$i30:$INDEX_ALLOCATION": true, "/x/$I30": true, "/a$I30": false, "/a:b": false} {
		if Format().Takes(&parsed.File{Path: path}) != want {
			t.Error(path)
		}
	}
}

func FuzzRows(f *testing.F) {
	for _, n := range []string{"Start", "FirstDelete", "SecondDelete"} {
		f.Add(hosttest.Unzip(f, "testdata/I30-"+n+".gz")[:8192])
	}
	f.Fuzz(func(t *testing.T, b []byte) { parsedtest.Hostile(t, Format(), name, b) })
}
