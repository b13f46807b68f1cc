package prefetch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"hozen/collector/disk/parsed"
	"hozen/collector/filetime"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
)

// expected is what libscca says of a file.
type expected struct {
	Executable string   `json:"executable"`
	Hash       string   `json:"hash"`
	LastRuns   []uint64 `json:"last_run_filetimes"`
	Files      int      `json:"n_filenames"`
	FilesSHA   string   `json:"filenames_sha256"` // of the names, a newline between them
	Metrics    uint32   `json:"n_metrics"`
	RunCount   uint32   `json:"run_count"`
	Version    int      `json:"version"`
	Volumes    []struct {
		Created uint64 `json:"created_filetime"`
		Device  string `json:"device"`
		Serial  string `json:"serial"`
	} `json:"volumes"`
}

func realFiles(t testing.TB) map[string][]byte {
	t.Helper()
	return hosttest.UnzipAll(t, "testdata/real.zip")
}

// TestAgreement holds every real file to what libscca says of it.
func TestAgreement(t *testing.T) {
	b, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]expected
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	files, agreed := realFiles(t), 0
	for name, b := range files {
		e, ok := want[name]
		if !ok {
			t.Errorf("%s: nothing is known of it", name)
			continue
		}
		row, err := Read(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := said(row); !equal(t, name, got, e) {
			continue
		}
		agreed++
	}
	t.Logf("prefetch: %d of %d files agree with libscca", agreed, len(files))
}

func said(row *Row) expected {
	e := expected{Executable: string(row.Executable), Hash: row.Hash, LastRuns: []uint64{}, Files: len(row.Files), Metrics: row.Metrics, RunCount: row.RunCount, Version: row.Version}
	for _, at := range row.LastRuns {
		e.LastRuns = append(e.LastRuns, filetime.Of(at))
	}
	sum := sha256.Sum256([]byte(joined(row.Files)))
	e.FilesSHA = hex.EncodeToString(sum[:])
	for _, v := range row.Volumes {
		e.Volumes = append(e.Volumes, struct {
			Created uint64 `json:"created_filetime"`
			Device  string `json:"device"`
			Serial  string `json:"serial"`
		}{filetime.Of(*v.Created), string(v.Device), v.Serial})
	}
	return e
}

func joined(names []jsonl.Text) string {
	var all []string
	for _, n := range names {
		all = append(all, string(n))
	}
	return strings.Join(all, "\n")
}

func equal(t *testing.T, name string, got, want expected) bool {
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if !bytes.Equal(g, w) {
		t.Errorf("%s:\n%s\nwant\n%s", name, g, w)
	}
	return bytes.Equal(g, w)
}

// TestVolume: what lies below a volume, where libscca says nothing.
func TestVolume(t *testing.T) {
	files := realFiles(t)
	row, err := Read(files["ez/Win2012/NOTEPAD.EXE-D8414F97.pf"])
	if err != nil {
		t.Fatal(err)
	}
	v := row.Volumes[0]
	if len(v.Directories) != 7 || v.Directories[3] != `\DEVICE\HARDDISKVOLUME2\WINDOWS\GLOBALIZATION\SORTING` || len(v.References) != 39 || v.References[1] != (FileReference{27852, 0}) {
		t.Errorf("notepad: %+v", v)
	}
	if row, err = Read(files["ez/Win2k3/CALC.EXE-02CD573A.pf"]); err != nil {
		t.Fatal(err)
	}
	if v = row.Volumes[0]; len(v.Directories) != 6 || v.Directories[3] != `\DEVICE\HARDDISKVOLUME1\WINDOWS\SYSTEM32\` || len(v.References) != 28 || v.References[22] != (FileReference{5, 5}) {
		t.Errorf("calc: %+v", v)
	}
}

// TestDamaged cuts and breaks real files: nothing but an error, and what is left of them.
func TestDamaged(t *testing.T) {
	for name, b := range realFiles(t) {
		for _, keep := range []int{0, 3, 8, 83, 100, len(b) / 2, len(b) - 1} {
			row, err := Read(b[:keep])
			if err == nil && (keep < len(b)-1 || !row.Compressed) { // a code may end before the last byte
				t.Errorf("%s: %d of %d bytes pass", name, keep, len(b))
			}
			if keep > 200 && row == nil {
				t.Errorf("%s: nothing is left of %d of %d bytes: %v", name, keep, len(b), err)
			}
		}
	}
}

func TestFormat(t *testing.T) {
	for name, b := range realFiles(t) {
		src := parsed.NewSource(t.Context(), parsed.File{Path: "/Windows/Prefetch/" + name}, bytes.NewReader(b), int64(len(b)))
		n := 0
		if err := Format().Rows(t.Context(), src, func(row any) error { n++; return nil }); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", name, n, err)
		}
	}
	if f := Format(); !f.Takes(&parsed.File{Path: "/Windows/Prefetch/A.EXE-01234567.PF"}) || f.Takes(&parsed.File{Path: "/Windows/Prefetch/Layout.ini"}) {
		t.Error("it takes other files")
	}
}

// TestUnpack holds the decompression to the example of [MS-XCA] 3.2: 26 letters, as they
// are, then 300 bytes "abc" again and again.
func TestUnpack(t *testing.T) {
	table := make([]byte, symbols/2)
	// Codes of the second example: a, b, c and the end in 2 bits, matches in 3: taken from
	// the bytes that the document gives.
	for at, v := range map[int]byte{0x30: 0x30, 0x31: 0x23, 0x80: 0x02, 0x8f: 0x20} {
		table[at] = v
	}
	in := append(table, 0xa8, 0xdc, 0x00, 0x00, 0xff, 0x26, 0x01)
	out, err := unpack(in, 300)
	if want := strings.Repeat("abc", 100); err != nil || string(out) != want {
		t.Errorf("%v: %.60q", err, out)
	}
}

func TestUnpackRefuses(t *testing.T) {
	for name, in := range map[string][]byte{
		"nothing": nil, "no codes": make([]byte, 300),
		"too many codes": append(bytes.Repeat([]byte{0x11}, symbols/2), 0, 0, 0, 0),
	} {
		if out, err := unpack(in, 100); err == nil {
			t.Errorf("%s: %q", name, out)
		}
	}
}

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Documented(t, string(b), Row{}, Volume{}, FileReference{})
}

func FuzzPrefetch(f *testing.F) {
	for _, b := range realFiles(f) {
		f.Add(b)
		if whole, err := decompress(b); err == nil {
			f.Add(whole)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := Read(b)
		if row == nil && err == nil {
			t.Error("neither a row nor an error")
		}
	})
}
