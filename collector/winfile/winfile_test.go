package winfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"hozen/collector/utf16"
	"hozen/packager/evidence"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ written, host, shown, native string }{
		{`C:\Windows\System32`, "/C:/Windows/System32", `C:\Windows\System32`, `\??\C:\Windows\System32`},
		{"c:/", "/C:", `C:\`, `\??\C:\`},
		{"/C:", "/C:", `C:\`, `\??\C:\`},
		{`\\?\d:\a\..\NUL.txt`, "/D:/NUL.txt", `D:\NUL.txt`, `\??\D:\NUL.txt`},
		{`\??\C:\ends. `, "/C:/ends. ", `C:\ends. `, `\??\C:\ends. `},
		{"/C:/x\xed\xa0\x80:s", "/C:/x\xed\xa0\x80:s", "C:\\x\xed\xa0\x80:s", "\\??\\C:\\x\xed\xa0\x80:s"},
		{`\\?\Volume{1}\x`, "/Volume{1}/x", "/Volume{1}/x", `\??\Volume{1}\x`},
		{`\\server\share`, "/server/share", "/server/share", ""},
		{"/etc/passwd", "/etc/passwd", "/etc/passwd", ""},
		{"/", "/", "/", ""},
		{"/C:/../../etc", "/etc", "/etc", ""},
		{"/C:/a\x00b", "/C:/a\x00b", "C:\\a\x00b", ""},
		{"/C:/a\xff", "/C:/a\xff", "C:\\a\xff", ""},
	} {
		host := HostName(c.written)
		if host != c.host || Shown(host) != c.shown {
			t.Errorf("%q is %q, shown %q", c.written, host, Shown(host))
		}
		units, err := Native(c.written)
		if got := utf16.WTF8(units); got != c.native || (err == nil) != (c.native != "") {
			t.Errorf("%q is the kernel's %q (%v)", c.written, got, err)
		}
	}
	if _, err := Native("/proc/self"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a name without a drive:", err)
	}
	if _, err := Native("/C:/" + string(bytes.Repeat([]byte("x"), maxUnits))); err == nil {
		t.Error("a name is longer than the kernel can count")
	}
	if v, below := Split(`C:\a\b`); v != "/C:" || below != `a\b` {
		t.Errorf("%q %q", v, below)
	}
	for name, want := range map[string]string{
		"/C:": "", "/C:/a": "", "/C:/a:b": "b", "/C:/a:b:$DATA": "b", "/C:/a::$DATA": "", "/C:/$Extend/$UsnJrnl:$J": "$J", "/C:/a/b": "", "/C:/d:x": "x",
	} {
		if got := Stream(name); got != want {
			t.Errorf("%s means the stream %q", name, got)
		}
	}
}

func TestRemote(t *testing.T) {
	for _, c := range []struct {
		attributes, tag uint32
		read            bool
	}{
		{0, 0, true}, {Archive | Offline, 0, true}, {Reparse, 0x9000001a, true}, {Reparse, 0x9000601a, true}, {Reparse, TagWof, true}, {Reparse, TagDedup, true},
		{Reparse | RecallOnDataAccess, 0x9000601a, false}, {RecallOnOpen, 0, false}, {Reparse | Offline, TagOneDrive, false},
		{Reparse | Offline, 0x80000020, false}, {Reparse, 0x80000020, false}, {Reparse, TagAppExec, false}, {Reparse | RecallOnDataAccess, 0x80000020, false},
	} {
		err := Remote(c.attributes, c.tag)
		if (err == nil) != c.read {
			t.Errorf("attributes %#x, tag %#x: %v", c.attributes, c.tag, err)
		}
		if err != nil {
			if o, _, shortfall := evidence.Classify(err, 0); o != evidence.Skipped || shortfall {
				t.Errorf("%v is %v", err, o)
			}
		}
	}
}

func words(s string) []byte {
	b, err := utf16.Bytes(s)
	if err != nil {
		panic(err)
	}
	return b
}

// link makes a REPARSE_DATA_BUFFER of a junction or symbolic link.
func link(tag uint32, substitute, print string) []byte {
	sub, shown := words(substitute), words(print)
	var data []byte
	for _, n := range []int{0, len(sub), len(sub), len(shown)} {
		data = binary.LittleEndian.AppendUint16(data, uint16(n))
	}
	if tag == TagSymlink {
		data = append(data, 1, 0, 0, 0)
	}
	data = append(append(data, sub...), shown...)
	b := binary.LittleEndian.AppendUint32(nil, tag)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
	return append(append(b, 0, 0), data...)
}

func appLink() []byte {
	data := []byte{3, 0, 0, 0}
	for _, s := range []string{"Package", "Package!App", `C:\Program Files\WindowsApps\x.exe`, "0"} {
		data = append(append(data, words(s)...), 0, 0)
	}
	b := binary.LittleEndian.AppendUint32(nil, TagAppExec)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
	return append(append(b, 0, 0), data...)
}

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{link(TagMountPoint, `\??\C:\ProgramData`, `C:\ProgramData`), `\??\C:\ProgramData`},
		{link(TagSymlink, "..\\\xed\xa0\x80", ""), "..\\\xed\xa0\x80"},
		{appLink(), `C:\Program Files\WindowsApps\x.exe`},
		{[]byte{0x1d, 0, 0, 0xa0, 8, 0, 0, 0, 2, 0, 0, 0, '/', 'b', 'i', 'n'}, "/bin"},
		{[]byte{0x17, 0, 0, 0x80, 4, 0, 0, 0, 1, 0, 0, 0}, ""},
	} {
		tag, got, err := Target(c.b)
		if err != nil || got != c.want || tag != binary.LittleEndian.Uint32(c.b) {
			t.Errorf("%x leads to %q (%v), not %q", tag, got, err, c.want)
		}
	}
	bad := link(TagSymlink, "x", "")
	bad[10] = 200
	if _, _, err := Target(bad); err == nil {
		t.Error("a target outside of its buffer is read")
	}
}

func dirEntry(next uint32, name string) []byte {
	b := make([]byte, 104)
	binary.LittleEndian.PutUint32(b, next)
	w := words(name)
	binary.LittleEndian.PutUint32(b[60:], uint32(len(w)))
	return append(b, w...)
}

func streamEntry(next uint32, name string, size uint64) []byte {
	b := make([]byte, 24)
	w := words(name)
	binary.LittleEndian.PutUint32(b, next)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(w)))
	binary.LittleEndian.PutUint64(b[8:], size)
	binary.LittleEndian.PutUint64(b[16:], 4096)
	return append(b, w...)
}

func TestLists(t *testing.T) {
	b := append(dirEntry(106, "."), dirEntry(112, "\xed\xa0\x80a..")...)
	b = append(b, dirEntry(0, "保全")...)
	names, err := Names([]string{"x"}, b)
	if err != nil || !slices.Equal(names, []string{"x", "\xed\xa0\x80a..", "保全"}) {
		t.Errorf("%q, %v", names, err)
	}
	if names, err := Names(nil, append(dirEntry(0, "a")[:105], 1, 2)[:104]); err == nil {
		t.Errorf("a name that is cut is read: %q", names)
	}
	s := append(streamEntry(38, "::$DATA", 7), streamEntry(72, ":Zone.Identifier:$DATA", 26)[:72-2]...)
	s = append(s, 0, 0)
	s = append(s, streamEntry(0, ":odd:$OTHER", 3)...)
	s[38] = 72
	streams, err := Streams(s)
	want := []DataStream{{"Zone.Identifier", 26, 4096}, {"odd:$OTHER", 3, 4096}}
	if err != nil || !slices.Equal(streams, want) {
		t.Errorf("%+v, %v", streams, err)
	}
}

func TestInfo(t *testing.T) {
	var i Info
	basic := make([]byte, 40)
	for n, v := range []uint64{116444736000000000, 116444736010000000, 116444736020000000, 116444736030000000} {
		binary.LittleEndian.PutUint64(basic[8*n:], v)
	}
	binary.LittleEndian.PutUint32(basic[32:], Archive)
	standard := make([]byte, 24)
	standard[0], standard[1], standard[8], standard[16] = 0, 0x10, 5, 2
	if err := errors.Join(i.Basic(basic), i.Standard(standard)); err != nil {
		t.Fatal(err)
	}
	m := i.Meta()
	if m.Btime.Unix() != 0 || m.Atime.Unix() != 1 || m.Mtime.Unix() != 2 || m.Ctime.Unix() != 3 || m.Size != 5 || m.Blocks != 8 || m.Nlink != 2 || !m.Regular() || m.Attributes != Archive {
		t.Errorf("%+v", m)
	}
	for tag, want := range map[uint32]string{TagMountPoint: "symlink", TagSymlink: "symlink", TagWof: "directory", TagAfUnix: "socket", TagLxFIFO: "fifo", TagLxChar: "char", TagLxBlock: "block"} {
		if err := i.AttributeTag(binary.LittleEndian.AppendUint32([]byte{0x10, 4, 0, 0}, tag)); err != nil {
			t.Fatal(err)
		}
		if got := evidence.KindOf(i.Meta().Mode); got != want {
			t.Errorf("tag %#x is a %s", tag, got)
		}
	}
	if i.Basic(nil) == nil || i.Standard(nil) == nil || i.AttributeTag(nil) == nil {
		t.Error("an answer that is cut is read")
	}
}

// FuzzAnswers holds that no answer of the system makes a parser fail or take more than it was given.
func FuzzAnswers(f *testing.F) {
	f.Add(link(TagMountPoint, `\??\C:\x`, "x"))
	f.Add(link(TagSymlink, "..", ""))
	f.Add(appLink())
	f.Add(append(dirEntry(106, "a"), dirEntry(0, "b")...))
	f.Add(streamEntry(0, ":s:$DATA", 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, target, _ := Target(b)
		names, _ := Names(nil, b)
		streams, _ := Streams(b)
		var i Info
		_, _, _ = i.Basic(b), i.Standard(b), i.AttributeTag(b)
		i.Meta()
		if len(target) > 2*len(b) || len(names) > len(b)/104+1 || len(streams) > len(b)/24+1 {
			t.Fatalf("%d bytes became %d, %d names, %d streams", len(b), len(target), len(names), len(streams))
		}
	})
}

// FuzzNames holds that a name comes to the kernel and back as it was.
func FuzzNames(f *testing.F) {
	for _, s := range []string{`C:\Windows`, "/C:", "/C:/a/../b", "/C:/a\xed\xa0\x80", "/Volume{x}/y", "/", "/C:/a:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host := HostName(s)
		if HostName(host) != host {
			t.Fatalf("%q is %q, then %q", s, host, HostName(host))
		}
		units, err := Native(host)
		if err == nil && HasDrive(host) && HostName(utf16.WTF8(units)) != host {
			t.Fatalf("%q came back as %q", host, HostName(utf16.WTF8(units)))
		}
		Stream(host)
		Split(host)
		if HasDrive(host) && HostName(Shown(host)) != host {
			t.Fatalf("%q is shown as %q", host, Shown(host))
		}
	})
}

func TestMetadata(t *testing.T) {
	for name, want := range map[string]bool{
		"/C:/$MFT": true, "/C:/$mft": true, "/C:/$Extend/$UsnJrnl:$J": true, "/C:/$Boot:x": true, "/C:/Users/u/Downloads:$I30": true,
		"/C:/.:$i30:$INDEX_ALLOCATION": true, "/C:/$Recycle.Bin/x": false, "/C:/a$I30": false, "/C:/Windows": false, "/C:": false, "/Users:$I30": false,
	} {
		if Metadata(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// TestFileID: a number of 64 bits stays what it is; those of 128 differ by every bit of them.
func TestFileID(t *testing.T) {
	b := make([]byte, 24)
	binary.LittleEndian.PutUint64(b, 0x1122334455667788)
	binary.LittleEndian.PutUint64(b[8:], 0x0005000000000123)
	var i Info
	if err := i.FileID(b); err != nil || i.Serial != 0x55667788 || i.ID != 0x0005000000000123 {
		t.Errorf("of NTFS: %#x %#x, %v", i.Serial, i.ID, err)
	}
	seen := map[uint64]int{i.ID: -1}
	for bit := range 64 {
		binary.LittleEndian.PutUint64(b[16:], 1<<bit)
		if err := i.FileID(b); err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[i.ID]; twice {
			t.Errorf("bits %d and %d give the same number", bit, other)
		}
		seen[i.ID] = bit
	}
	if err := i.FileID(b[:23]); err == nil {
		t.Error("an answer that is cut was read")
	}
}
