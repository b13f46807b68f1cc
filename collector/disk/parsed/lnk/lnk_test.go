package lnk

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hozen/collector/disk/parsed"
	"hozen/collector/filetime"
	"hozen/collector/hosttest"
	"hozen/collector/utf16"
)

func realFiles(t testing.TB) map[string][]byte {
	t.Helper()
	return hosttest.UnzipAll(t, "testdata/real.zip")
}

// said gives a row in the words and forms of liblnk, empty values left out.
func said(row *Row) map[string]any {
	out := map[string]any{}
	text := func(name, v string) {
		if v != "" {
			out[name] = v
		}
	}
	number := func(name string, v uint64) {
		if v != 0 {
			out[name] = float64(v)
		}
	}
	at := func(t *time.Time) uint64 {
		if t == nil {
			return 0
		}
		return filetime.Of(*t)
	}
	text("description", string(row.Description))
	text("relative_path", string(row.Relative))
	text("working_directory", string(row.WorkingDir))
	text("command_line_arguments", string(row.Arguments))
	text("icon_location", string(cmp.Or(row.IconEnvironment, row.Icon)))
	text("environment_variables_location", string(row.Environment))
	text("local_path", string(row.LocalPath))
	text("network_path", string(row.Share))
	number("file_attribute_flags", uint64(row.Attributes))
	number("file_size", uint64(row.Size))
	number("file_creation_time_filetime", at(row.Created))
	number("file_access_time_filetime", at(row.Accessed))
	number("file_modification_time_filetime", at(row.Modified))
	if v := row.Volume; v != nil {
		serial, _ := strconv.ParseUint(v.Serial, 16, 32)
		number("drive_serial_number", serial)
		number("drive_type", uint64(slices.Index([]string{"unknown", "no root", "removable", "fixed", "remote", "cdrom", "ramdisk"}, v.Type)))
		text("volume_label", string(v.Label))
	}
	if t := row.Tracker; t != nil {
		text("machine_identifier", string(t.Machine))
		text("droid_volume_identifier", t.VolumeID)
		text("droid_file_identifier", t.FileID)
	}
	return out
}

// TestAgreement holds every real file to what liblnk says of it.
func TestAgreement(t *testing.T) {
	var want map[string]map[string]any
	if err := json.Unmarshal(hosttest.Unzip(t, "testdata/expected.json.gz"), &want); err != nil {
		t.Fatal(err)
	}
	files, agreed := realFiles(t), 0
	for name, b := range files {
		row, err := Read(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := said(row)
		g, _ := json.Marshal(got)
		if w, _ := json.Marshal(want[name]); !bytes.Equal(g, w) {
			t.Errorf("%s:\n%s\nwant\n%s", name, g, w)
			continue
		}
		agreed++
	}
	if len(files) < 200 {
		t.Errorf("only %d files", len(files))
	}
	t.Logf("lnk: %d of %d files agree with liblnk", agreed, len(files))
}

// TestPublished: facts that the tests of EricZimmerman/Lnk state of one file.
func TestPublished(t *testing.T) {
	row, err := Read(realFiles(t)["ez/WinXP/WordPad.lnk"])
	if err != nil {
		t.Fatal(err)
	}
	tr, last := row.Tracker, row.Items[len(row.Items)-1]
	if row.Relative != `..\..\..\..\..\Program Files\Windows NT\Accessories\wordpad.exe` || row.Volume.Type != "fixed" || row.Volume.Serial != "E0F7E847" ||
		row.Target != `C:\Program Files\Windows NT\Accessories\wordpad.exe` || tr.VolumeID != "00000000-0000-0000-0000-000000000000" ||
		tr.FileID != "0a897547-b9e8-11e5-9ab2-ffbfe31cf845" || tr.MAC != "ff:bf:e3:1c:f8:45" || tr.Machine != "xppro" || last.Name != "wordpad.exe" {
		t.Errorf("%+v %+v %+v", row, tr, last)
	}
	if got := tr.Generated.Format("2006-01-02 15:04"); got != "2016-01-13 11:23" && got != "2016-01-13 10:23" {
		t.Errorf("generated %s", got)
	}
}

// TestItemsLeadThere: where LinkInfo names the target, the list of items does, too.
func TestItemsLeadThere(t *testing.T) {
	same, all := 0, 0
	for name, b := range realFiles(t) {
		row, _ := Read(b)
		way := string(itemsPath(row.Items))
		if row.LocalPath == "" || !strings.Contains(way, `:\`) {
			continue
		}
		all++
		if strings.EqualFold(way, string(row.LocalPath)) {
			same++
		} else {
			t.Logf("%s: %s, and the items say %s", name, row.LocalPath, way)
		}
	}
	if all < 20 || same < all {
		t.Errorf("%d of %d", same, all)
	}
}

func TestDamaged(t *testing.T) {
	for name, b := range realFiles(t) {
		whole, _ := Read(b)
		for _, keep := range []int{0, 20, 75, 76, 78, len(b) / 2} {
			row, err := Read(b[:keep])
			if err == nil && keep < len(b) {
				t.Errorf("%s: %d of %d bytes pass", name, keep, len(b))
			}
			if keep >= headSize && (row == nil || row.Attributes != whole.Attributes) {
				t.Errorf("%s: nothing is left of %d bytes: %v", name, keep, err)
			}
		}
	}
}

// share is a shortcut to a file on a share, with a program behind its end.
func share(wide bool) []byte {
	b := make([]byte, headSize)
	b[0] = headSize
	copy(b[4:], []byte{0x01, 0x14, 0x02, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46})
	b[atFlags] = hasLinkInfo | hasArguments
	b[atFlags] |= isUnicode
	link := make([]byte, 20)
	if wide {
		link = make([]byte, 28)
	}
	link[4], link[8], link[12] = 1, byte(len(link)), byte(len(link)+len("\\\\srv\\\x93\xfa\x00"))
	names := []byte("\\\\srv\\\x93\xfa\x00Z:\x00")
	link = append(link, names...)
	if wide {
		binary.LittleEndian.PutUint32(link[20:], uint32(len(link)))
		u, _ := utf16.Bytes(`\\srv\日` + "\x00")
		link = append(link, u...)
		binary.LittleEndian.PutUint32(link[24:], uint32(len(link)))
		u, _ = utf16.Bytes("Z:\x00")
		link = append(link, u...)
	}
	binary.LittleEndian.PutUint32(link, uint32(len(link)))
	info := make([]byte, 28)
	info[4], info[8], info[20] = 28, 2, 28
	binary.LittleEndian.PutUint32(info[24:], uint32(28+len(link)))
	info = append(append(info, link...), "a\\b.exe\x00"...)
	binary.LittleEndian.PutUint32(info, uint32(len(info)))
	b = append(b, info...)
	args, _ := utf16.Bytes("-x \xed\xa0\x80")
	b = append(append(b, byte(len(args)/2), 0), args...)
	return append(append(b, 0, 0, 0, 0), "MZ behind the end"...)
}

func TestShare(t *testing.T) {
	for wide, want := range map[bool]string{false: "\\\\srv\\\x93\xfa", true: `\\srv\日`} {
		row, err := Read(share(wide))
		if err != nil || string(row.Share) != want || row.SharePath != `a\b.exe` || row.ShareDrive != "Z:" || row.Arguments != "-x \xed\xa0\x80" || row.Appended != 17 || string(row.Target) != want+`\a\b.exe` {
			t.Errorf("%v: %v %+v", wide, err, row)
		}
	}
}

func TestFormat(t *testing.T) {
	b := share(true)
	src := parsed.NewSource(t.Context(), parsed.File{Path: "/Users/a/x.LNK"}, bytes.NewReader(b), int64(len(b)))
	n := 0
	if err := Format().Rows(t.Context(), src, func(any) error { n++; return nil }); err != nil || n != 1 || !Format().Takes(&src.File) {
		t.Errorf("%d rows, %v", n, err)
	}
	src = parsed.NewSource(t.Context(), parsed.File{Path: "/Users/a/x.lnk"}, strings.NewReader("no"), 2)
	if err := Format().Rows(t.Context(), src, func(any) error { return nil }); err == nil {
		t.Error("what is no shortcut passes")
	}
}

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Documented(t, string(b), Row{}, Volume{}, Tracker{}, Item{})
}

func FuzzLnk(f *testing.F) {
	for name, b := range realFiles(f) {
		if strings.Contains(name, "D") {
			f.Add(b)
		}
	}
	f.Add(share(false))
	f.Add(share(true))
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := Read(b)
		if row == nil && err == nil {
			t.Error("neither a row nor an error")
		}
		if row != nil && len(row.Items) > len(b)/3 {
			t.Errorf("%d items of %d bytes", len(row.Items), len(b))
		}
	})
}
