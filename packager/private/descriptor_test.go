package private

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sid writes a SID as MS-DTYP section 2.4.2.2 has it.
func sid(text string) []byte {
	parts := strings.Split(text, "-")[2:]
	b := []byte{1, byte(len(parts) - 1), 0, 0, 0, 0, 0, 0}
	for i, p := range parts {
		n, _ := strconv.ParseUint(p, 10, 48)
		if i == 0 {
			binary.BigEndian.PutUint16(b[2:], uint16(n>>32))
			binary.BigEndian.PutUint32(b[4:], uint32(n))
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// list writes a self-relative descriptor; control 0x1004 is a protected list.
func list(control uint16, owner string, entries ...Entry) []byte {
	o := sid(owner)
	b := make([]byte, 20)
	b[0] = 1
	binary.LittleEndian.PutUint16(b[2:], control|0x8000)
	binary.LittleEndian.PutUint32(b[4:], 20)
	b = append(b, o...)
	if control&controlDACLPresent == 0 {
		return b
	}
	binary.LittleEndian.PutUint32(b[16:], uint32(len(b)))
	at := len(b)
	b = append(b, 2, 0, 0, 0, byte(len(entries)), 0, 0, 0)
	for _, e := range entries {
		s := sid(e.SID)
		b = append(b, e.Type, e.Flags, byte(8+len(s)), 0)
		b = append(binary.LittleEndian.AppendUint32(b, e.Mask), s...)
	}
	binary.LittleEndian.PutUint16(b[at+2:], uint16(len(b)-at))
	return b
}

const (
	full  = 0x1f01ff
	read  = 0x1200a9
	users = "S-1-5-32-545"
	me    = "S-1-5-21-1-2-3-1001"
)

func TestDescriptors(t *testing.T) {
	machine := []Entry{{0, 0, full, System}, {0, 0, full, Administrators}}
	with := func(e ...Entry) []Entry { return append(append([]Entry{}, machine...), e...) }
	for _, c := range []struct {
		name                         string
		raw                          []byte
		changers, replacers, readers string
	}{
		{"the machine's", list(0x1004, Administrators, machine...), "", "", ""},
		{"mine", list(0x1004, me, with(Entry{0, 0, full, me})...), "", "", ""},
		{"readable", list(0x1004, System, with(Entry{0, 0, read, users})...), "", "", "Users"},
		{"ProgramData: others may make new things in it", list(0x0004, System, with(Entry{0, 2, 0x6, users}, Entry{0, 3, read, users})...), "Users", "", "Users"},
		{"inherited by what is made only", list(0x0004, System, with(Entry{0, 0xb, full, "S-1-3-0"}, Entry{0, 0xb, full, users})...), "", "", ""},
		{"others may remove children", list(0x0004, System, with(Entry{0, 0, deleteChild, "S-1-1-0"})...), "Everyone", "Everyone", ""},
		{"belongs to another", list(0x1004, "S-1-5-21-1-2-3-1002", machine...), "S-1-5-21-1-2-3-1002", "S-1-5-21-1-2-3-1002", "S-1-5-21-1-2-3-1002"},
		{"belongs to another, who may not", list(0x1004, "S-1-5-21-1-2-3-1002", with(Entry{0, 0, 0x20000, ownerRights})...), "", "", ""},
		{"no list", list(0, System), "Everyone", "Everyone", "Everyone"},
		{"an empty list", list(0x1004, System), "", "", ""},
		{"denied, which takes nothing back", list(0x1004, System, with(Entry{1, 0, full, users}, Entry{0, 0, full, users})...), "Users", "Users", "Users"},
		{"under a condition", list(0x1004, System, with(Entry{9, 0, genericAll, "S-1-5-11"})...), "Authenticated Users", "Authenticated Users", "Authenticated Users"},
	} {
		d, err := Parse(c.raw)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := names(d.Changers(me)); got != c.changers {
			t.Errorf("%s: changers %q", c.name, got)
		}
		if got := names(d.Replacers(me)); got != c.replacers {
			t.Errorf("%s: replacers %q", c.name, got)
		}
		if got := names(d.Readers(me)); got != c.readers {
			t.Errorf("%s: readers %q", c.name, got)
		}
	}
}

func TestDamagedDescriptors(t *testing.T) {
	whole := list(0x1004, System, Entry{0, 0, full, System})
	for n := range len(whole) {
		if _, err := Parse(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes are taken", n, len(whole))
		}
	}
}

func TestJudgeWay(t *testing.T) {
	safe := Descriptor{Owner: System, Entries: []Entry{{0, 0, full, System}}}
	program := Descriptor{Owner: System, Entries: []Entry{{0, 0, appendData | writeData, users}}}
	ask := func(all map[string]Descriptor) func(string) (Descriptor, error) {
		return func(p string) (Descriptor, error) {
			d, ok := all[p]
			if !ok {
				return d, os.ErrNotExist
			}
			return d, nil
		}
	}
	way := []string{`C:\a\b`, `C:\a`, `C:\`}
	if err := judgeWay(way, ask(map[string]Descriptor{way[0]: safe, way[1]: program, way[2]: program}), Descriptor.Changers); err != nil {
		t.Errorf("new things beside ours do no harm: %v", err)
	}
	if err := judgeWay(way, ask(map[string]Descriptor{way[0]: program, way[1]: safe, way[2]: safe}), Descriptor.Changers); !errors.Is(err, ErrChanged) {
		t.Errorf("new things in our own folder: %v", err)
	}
	if err := judgeWay(way, ask(map[string]Descriptor{way[0]: safe}), Descriptor.Changers); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that cannot be asked: %v", err)
	}
	if err := judgePrivate("x", Descriptor{Everybody: true, Owner: System}); !errors.Is(err, ErrRead) {
		t.Errorf("no list: %v", err)
	}
}

func TestListText(t *testing.T) {
	for _, c := range []struct {
		folder      bool
		third, want string
	}{
		{true, "", "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"},
		{false, me, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;" + me + ")"},
		{false, System, "D:P(A;;FA;;;SY)(A;;FA;;;BA)"},
	} {
		if got := listText(c.folder, c.third); got != c.want {
			t.Errorf("%v %q: %s", c.folder, c.third, got)
		}
	}
}

// What is made exists, is empty, and is not made twice.
func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := MkdirAll(dir, Mine); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "x")
	for i, flag := range []int{os.O_WRONLY | os.O_CREATE | os.O_EXCL, os.O_WRONLY | os.O_CREATE | os.O_APPEND, os.O_RDWR | os.O_CREATE} {
		f, err := Open(name, flag, Mine)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if _, err := f.WriteString("line\n"); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "line\nline\n" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := Open(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, Mine); !errors.Is(err, os.ErrExist) {
		t.Errorf("made a second time: %v", err)
	}
	if err := Protect(name, Mine); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(list(0x1004, System, Entry{0, 0, full, me}, Entry{5, 0, full, users}))
	f.Add(list(0, System))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		for _, sid := range d.Changers() {
			if sid == System || sid == Administrators {
				t.Errorf("%s is the machine", sid)
			}
		}
	})
}
