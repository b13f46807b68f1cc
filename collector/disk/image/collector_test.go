package image

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

func chosen(t testing.TB, name string) Options {
	t.Helper()
	d := open(t, name)
	p, err := Choose(d, "")
	if err != nil {
		t.Fatal(err)
	}
	files, err := Mount(d, p)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Disk: d, Chosen: p, Files: files, Hash: true}
}

func TestCollectorConforms(t *testing.T) {
	hosttest.Conform(t, Collector(chosen(t, real(t, "image.E01"))), &collector.Host{Root: t.TempDir()})
}

func TestWhatIsSaidOfAnImage(t *testing.T) {
	s := &hosttest.Sink{}
	want := readExpected(t)["image.E01"]
	if err := Collector(chosen(t, real(t, "image.E01"))).Collect(t.Context(), &collector.Host{}, s); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Records() {
		if r.Outcome != evidence.Collected {
			t.Errorf("%s: %s, %s", r.Path, r.Outcome, r.Note)
		}
	}
	var a About
	if err := json.Unmarshal(s.Body("disk/image.json"), &a); err != nil {
		t.Fatal(err)
	}
	if a.Format != "ewf" || a.Size != want.MediaSize || a.Scheme != "none" || len(a.Stored) != 1 || a.Stored[0].Stored != want.MediaMD5 || len(a.Acquisition) == 0 {
		t.Errorf("%+v", a)
	}
	hashes, err := jsonl.Read[HashRow](s.Body("disk/image/hashes.jsonl"))
	if err != nil || len(hashes) != 3 || hashes[0].Computed != want.MediaMD5 || hashes[0].Equal == nil || !*hashes[0].Equal || hashes[2].Computed != want.MediaSHA256 || hashes[2].Equal != nil {
		t.Errorf("%v, %s", err, s.Body("disk/image/hashes.jsonl"))
	}
	rows, err := jsonl.Read[PartitionRow](s.Body("disk/image/partitions.jsonl"))
	if err != nil || len(rows) != 1 || !rows[0].Chosen || rows[0].FS != "ext2" || len(rows[0].UUID) != 36 {
		t.Errorf("%v, %s", err, s.Body("disk/image/partitions.jsonl"))
	}
	if n := len(s.Body("disk/image/partition-0.bin")); n != superBytes {
		t.Errorf("%d bytes of the boot sector and superblock", n)
	}
}

// TestChangedMediumIsFoundOut changes what the container states.
func TestChangedMediumIsFoundOut(t *testing.T) {
	o := chosen(t, real(t, "image.E01"))
	o.Disk.Stored = []Hash{{"md5", make([]byte, 16)}}
	s := &hosttest.Sink{}
	if err := Collector(o).Collect(context.Background(), &collector.Host{}, s); err != nil {
		t.Fatal(err)
	}
	r, _ := s.Record("disk/image/hashes.jsonl")
	if r.Outcome != evidence.Partial || !r.Shortfall || !strings.Contains(r.Note, "does not have the md5") {
		t.Errorf("%s, %v, %q", r.Outcome, r.Shortfall, r.Note)
	}
}

// TestSchema holds SCHEMA.md to the types and to what is put.
func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), "rows.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE && g.Doc != nil {
			types = append(types, g.Specs[0].(*ast.TypeSpec).Name.Name)
		}
	}
	for _, name := range types {
		if !strings.Contains(string(b), "| "+name+" | rows.go |") {
			t.Errorf("SCHEMA.md does not name the type %s", name)
		}
	}
	s := &hosttest.Sink{}
	if err := Collector(chosen(t, real(t, "image.E01"))).Collect(t.Context(), &collector.Host{}, s); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Records() {
		if name := strings.TrimPrefix(r.Path, "disk/"); !strings.HasSuffix(name, ".bin") && !strings.Contains(string(b), "| `"+name+"` |") {
			t.Errorf("SCHEMA.md does not name %s", name)
		}
	}
	for _, m := range marks() {
		if !strings.Contains(string(b), m.what) {
			t.Errorf("SCHEMA.md does not name %s", m.what)
		}
	}
	if len(types) != 3 {
		t.Errorf("types %q", types)
	}
}

func TestSplitName(t *testing.T) {
	dir := t.TempDir()
	odd := filepath.Join(dir, "odd:3")
	if err := os.WriteFile(odd, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string][2]string{
		"disk.dd": {"disk.dd", ""}, "disk.dd:2": {"disk.dd", "2"}, `C:\disk.dd`: {`C:\disk.dd`, ""}, `C:\disk.dd:12`: {`C:\disk.dd`, "12"},
		"disk.dd:": {"disk.dd:", ""}, "disk.dd:x": {"disk.dd:x", ""}, ":3": {":3", ""}, odd: {odd, ""}, odd + ":1": {odd, "1"},
	} {
		if file, partition := SplitName(arg); file != want[0] || partition != want[1] {
			t.Errorf("%q: %q, %q; want %q", arg, file, partition, want)
		}
	}
}

func TestNamesOfSegments(t *testing.T) {
	for i, want := range map[int]string{2: "E02", 99: "E99", 100: "EAA", 125: "EAZ", 126: "EBA", 775: "EZZ", 776: "FAA", 14971: "ZZZ", 14972: ""} {
		if got := ewfExtension('E', i); got != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
	if got := ewfExtension('e', 126); got != "eba" {
		t.Errorf("lower case: %q", got)
	}
}

func TestSplitRaw(t *testing.T) {
	dir, parts := t.TempDir(), []string{"first part", "2nd", "and the third"}
	for i, p := range parts {
		if err := os.WriteFile(filepath.Join(dir, "disk.00"+string(rune('1'+i))), []byte(p), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := open(t, filepath.Join(dir, "disk.001"))
	got, want := make([]byte, d.Size), strings.Join(parts, "")
	if n, err := d.ReadAt(got, 0); string(got[:n]) != want || d.Format != "split raw" || len(d.Files) != 3 {
		t.Errorf("%q, %v, %s", got[:n], err, d.Format)
	}
	one := make([]byte, 4)
	if _, err := d.ReadAt(one, 8); string(one) != "rt2n" {
		t.Errorf("%q, %v", one, err)
	}
}

// TestChoose has a disk of which nothing can be read.
func TestChoose(t *testing.T) {
	d := &Disk{ReaderAt: strings.NewReader(""), partitions: &table{scheme: "mbr"}}
	for i, fs := range []string{"luks2", "xfs", "ntfs", ""} {
		d.partitions.parts = append(d.partitions.parts, Partition{Number: i + 1, FS: fs, Size: 1 << 20})
	}
	if _, err := Choose(d, ""); err == nil || !strings.Contains(err.Error(), "luks2: encrypted") || !strings.Contains(err.Error(), "unknown contents") {
		t.Errorf("nothing can be read: %v", err)
	}
	if p, err := Choose(d, "2"); err != nil || p.Number != 2 {
		t.Errorf("%v, %v", p, err)
	}
	for _, wrong := range []string{"5", "x"} {
		if _, err := Choose(d, wrong); err == nil {
			t.Errorf("partition %q: no error", wrong)
		}
	}
}

func TestHashAllReadsEverything(t *testing.T) {
	raw := filepath.Join(t.TempDir(), "raw")
	for _, size := range []int{1, hashBlock - 1, hashBlock, hashBlock + 1, 2*hashBlock + 7} {
		b := slices.Repeat([]byte("abcdefg"), size/7+1)[:size]
		if err := os.WriteFile(raw, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d := open(t, raw)
		rows, err := hashRows(t.Context(), d)
		if err != nil || rows[2].Computed != hashOf(t, strings.NewReader(string(b))) {
			t.Errorf("%d bytes: %v, %v", size, rows, err)
		}
		if err := os.Truncate(raw, int64(size/2)); err != nil {
			t.Fatal(err)
		}
		if _, err := hashRows(t.Context(), d); err == nil {
			t.Errorf("%d bytes, cut to half: no error", size)
		}
	}
}
